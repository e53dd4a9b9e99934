//! Who may take the last frames. Files and new threads are refused first (ENOSPC, EAGAIN), so that
//! a program can go on after it was told; then the pages of programs (the program is killed), so
//! that what the kernel allocates for itself does not fail because a program took everything.
//!
//! An application can still make the kernel allocate without end (files, pipes, mappings). When
//! that has eaten half of the kernel's part, the process is killed on its way out of the kernel, as
//! Linux's OOM killer would: a kernel allocation has no other way to fail that helps anybody.

use core::sync::atomic::{AtomicBool, Ordering};

use super::{PAGE_SIZE, frame};
use crate::errno::{ENOMEM, Errno};
use crate::process::scheduler;
use crate::process::thread::WORK_SIGNAL;

/// Frames that only the kernel may take.
pub const FOR_KERNEL: usize = 128;
/// Frames that are kept for the kernel and for the pages of programs.
pub const FOR_PROGRAMS: usize = 2 * FOR_KERNEL;
/// With fewer than these left the program is ended.
const LAST: usize = FOR_KERNEL / 2;

static IS_EXHAUSTED: AtomicBool = AtomicBool::new(false);

/// ENOMEM when `size_bytes` for the kernel would leave less than what is kept: for calls that take
/// much of it in pieces that cannot be refused.
pub fn check(size_bytes: usize) -> Result<(), Errno> {
    let free = frame::total_count().saturating_sub(frame::used_count());
    let has_room = free > FOR_PROGRAMS + size_bytes / PAGE_SIZE;
    has_room.then_some(()).ok_or(ENOMEM)
}

/// The kernel has taken frames for itself and `free` are left.
pub fn note_taken(free: usize) {
    if free >= LAST || scheduler::has_no_thread() || IS_EXHAUSTED.swap(true, Ordering::Relaxed) {
        return;
    }
    scheduler::current().add_work(WORK_SIGNAL); // so that it looks on its way out
}

/// The kernel could not have a page of the running program for it: the program is ended on its way
/// out, as if it had touched the page itself.
pub fn note_refused() {
    IS_EXHAUSTED.store(true, Ordering::Relaxed);
    scheduler::current().add_work(WORK_SIGNAL);
}

/// True once after the reserve was broken into.
pub fn is_exhausted() -> bool {
    IS_EXHAUSTED.swap(false, Ordering::Relaxed)
}
