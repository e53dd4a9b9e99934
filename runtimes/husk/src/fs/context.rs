//! Where a process is in the tree, and with which mode mask it makes files (chdir(2), umask(2)).

use core::sync::atomic::{AtomicU32, Ordering};

use super::node::NodeRef;
use super::walk::{AtEnd, walk};
use crate::errno::{ENOTDIR, Errno};
use crate::sync::SpinLock;

const UMASK_BITS: u32 = 0o777;

/// Working directory and file mode creation mask of a process.
pub struct PathContext {
    cwd: SpinLock<NodeRef>,
    umask: AtomicU32,
}

impl PathContext {
    /// If `cwd` does not exist, it is `/`.
    pub fn new(cwd: &[u8], umask: u32) -> Self {
        let root = super::root();
        let found = walk(root, root, cwd, AtEnd::Follow).and_then(|found| found.existing());
        let directory = found.ok().filter(|node| node.is_directory());
        Self {
            cwd: SpinLock::new(directory.unwrap_or_else(|| root.clone())),
            umask: AtomicU32::new(umask & UMASK_BITS),
        }
    }

    /// As fork(2) copies it.
    pub fn duplicate(&self) -> Self {
        Self {
            cwd: SpinLock::new(self.cwd()),
            umask: AtomicU32::new(self.umask()),
        }
    }

    pub fn cwd(&self) -> NodeRef {
        self.cwd.lock().clone()
    }

    pub fn set_cwd(&self, node: NodeRef) -> Result<(), Errno> {
        if !node.is_directory() {
            return Err(ENOTDIR);
        }
        let old = core::mem::replace(&mut *self.cwd.lock(), node);
        drop(old);
        Ok(())
    }

    pub fn umask(&self) -> u32 {
        self.umask.load(Ordering::Relaxed)
    }

    /// Sets the mask and gives the one before.
    pub fn set_umask(&self, umask: u32) -> u32 {
        self.umask.swap(umask & UMASK_BITS, Ordering::Relaxed)
    }
}
