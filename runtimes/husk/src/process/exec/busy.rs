//! A file that runs is not written, and one that is being written does not run (open(2) and
//! execve(2), ETXTBSY). Files say nothing of it: the processes there are, few, are asked.
//!
//! Not here: shared libraries, which Linux does not protect either, and writable shared mappings.

use alloc::sync::Arc;

use crate::errno::{ETXTBSY, Errno};
use crate::fs::node::{NodeRef, node_of};
use crate::process::{Process, registry};

/// ETXTBSY while some process runs this file.
pub fn require_not_running(node: &NodeRef) -> Result<(), Errno> {
    let runs = |process: &Arc<Process>| {
        let program = process.program.lock();
        program
            .node
            .as_ref()
            .is_some_and(|own| Arc::ptr_eq(own, node))
    };
    none(runs)
}

/// ETXTBSY while some process has this file open for writing.
pub fn require_not_written(node: &NodeRef) -> Result<(), Errno> {
    none(|process| has_open_for_writing(process, node))
}

fn none(is_one: impl Fn(&Arc<Process>) -> bool) -> Result<(), Errno> {
    let is_busy = registry::all().iter().any(is_one);
    (!is_busy).then_some(()).ok_or(ETXTBSY)
}

fn has_open_for_writing(process: &Process, node: &NodeRef) -> bool {
    let files = process.files();
    let mut next = files.next_open(0);
    while let Some(fd) = next {
        if let Ok(open) = files.get(fd as i32) {
            let is_same = node_of(&open.file).is_some_and(|other| Arc::ptr_eq(&other, node));
            if is_same && open.is_writer {
                return true;
            }
        }
        next = files.next_open(fd + 1);
    }
    false
}
