//! Descriptors that stand for a process (pidfd_open(2)): readable once it has ended.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;

use super::{Process, registry, scheduler};
use crate::errno::{EBADF, Errno};
use crate::fs::event::anonymous_status;
use crate::fs::open::{O_CLOEXEC, O_NONBLOCK};
use crate::fs::{Events, File, FileRef, FileStatus};
use crate::sync::WaitQueue;

/// O_RDWR, which F_GETFL says of a pidfd.
const ACCESS: u32 = 2;

pub struct ProcessFile {
    process: Arc<Process>,
}

impl File for ProcessFile {
    fn status(&self) -> Result<FileStatus, Errno> {
        Ok(anonymous_status())
    }

    fn readiness(&self) -> Events {
        match self.process.is_zombie() {
            true => Events::IN | Events::RDNORM,
            false => Events::empty(),
        }
    }

    fn wait_queue(&self) -> Option<&WaitQueue> {
        Some(&self.process.changed)
    }

    fn path(&self) -> Vec<u8> {
        b"anon_inode:[pidfd]".to_vec()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A descriptor of the running process for `process`; `flags` are O_NONBLOCK or nothing.
pub fn install(process: &Arc<Process>, flags: u32) -> Result<i32, Errno> {
    let file: FileRef = Arc::new(ProcessFile {
        process: process.clone(),
    });
    let files = scheduler::current().process.files();
    files.install(file, flags | ACCESS | O_CLOEXEC)
}

/// O_NONBLOCK: waitid(2) fails with EAGAIN rather than waiting.
pub fn is_nonblocking(fd: i32) -> Result<bool, Errno> {
    let open = scheduler::current().process.files().get(fd)?;
    Ok(open.status_flags() & O_NONBLOCK != 0)
}

/// The process behind a descriptor; EBADF when it is none of these.
pub fn process_of(fd: i32) -> Result<Arc<Process>, Errno> {
    let open = scheduler::current().process.files().get(fd)?;
    let file = open.file.as_any().downcast_ref::<ProcessFile>();
    Ok(file.ok_or(EBADF)?.process.clone())
}

/// A descriptor of /proc/PID, which pidfd_send_signal(2) takes too.
pub fn process_of_directory(fd: i32) -> Result<Arc<Process>, Errno> {
    let path = scheduler::current().process.files().get(fd)?.file.path();
    let text = path.strip_prefix(b"/proc/").ok_or(EBADF)?;
    let pid = core::str::from_utf8(text).map_err(|_| EBADF)?.parse();
    registry::find(pid.map_err(|_| EBADF)?).ok_or(EBADF)
}
