//! What clone(2) is asked for, and new threads. New processes are made in `fork`, which is linked
//! only into images that may use it.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use super::limits::{RLIM_INFINITY, RLIMIT_NPROC};
use super::signal::pending::AlternateStack;
use super::{Process, Thread, allocate_id, capability, registry, scheduler};
use crate::errno::{EAGAIN, EINVAL, ENOSYS, EPERM, Errno, SysResult};
use crate::mm::{USER_END, user};

pub const CLONE_VM: u64 = 0x100;
pub const CLONE_FS: u64 = 0x200;
pub const CLONE_FILES: u64 = 0x400;
pub const CLONE_SIGHAND: u64 = 0x800;
pub const CLONE_PIDFD: u64 = 0x1000;
pub const CLONE_VFORK: u64 = 0x4000;
pub const CLONE_PARENT: u64 = 0x8000;
pub const CLONE_THREAD: u64 = 0x1_0000;
const CLONE_NEWNS: u64 = 0x2_0000;
pub const CLONE_SETTLS: u64 = 0x8_0000;
pub const CLONE_PARENT_SETTID: u64 = 0x10_0000;
pub const CLONE_CHILD_CLEARTID: u64 = 0x20_0000;
/// Has meant nothing since Linux 2.6.2.
pub const CLONE_DETACHED: u64 = 0x40_0000;
pub const CLONE_CHILD_SETTID: u64 = 0x100_0000;
pub const CLONE_CLEAR_SIGHAND: u64 = 1 << 32;
pub const CLONE_INTO_CGROUP: u64 = 1 << 33;
/// What a thread shares with its process.
const THREAD_FLAGS: u64 = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
/// Most threads there may be (Linux: threads-max).
pub const THREAD_LIMIT: usize = 16_384;

/// clone(2)'s arguments however they came.
#[derive(Default)]
#[repr(C)]
pub struct CloneRequest {
    pub flags: u64,
    pub exit_signal: u32,
    pub stack_top: usize,
    pub parent_tid: usize,
    pub child_tid: usize,
    pub thread_pointer: usize,
    pub pidfd: usize,
}

unsafe extern "C" {
    /// `fork::husk_start_process`, or null where the converter linked no processes.
    static husk_process_starter: Option<ProcessStarter>;
}

/// Makes a process; the answer is a system call's.
pub type ProcessStarter = extern "C" fn(&CloneRequest) -> isize;

/// clone(2): a thread of the running process, or a process.
pub fn start(request: &CloneRequest) -> SysResult {
    if !is_consistent(request.flags) {
        return Err(EINVAL);
    }
    if request.flags & CLONE_SETTLS != 0 && request.thread_pointer >= USER_END {
        return Err(EPERM); // as arch_prctl(2)
    }
    if scheduler::count() >= THREAD_LIMIT || has_user_enough() {
        return Err(EAGAIN);
    }
    if request.flags & THREAD_FLAGS == THREAD_FLAGS {
        return start_thread(request);
    }
    start_process(request)
}

/// RLIMIT_NPROC: threads, zombies too, of the running process's real user, who is not root and has
/// no capability to go beyond (getrlimit(2)).
fn has_user_enough() -> bool {
    let process = &scheduler::current().process;
    let limit = process.limits.lock().soft[RLIMIT_NPROC];
    let own = process.credentials.lock();
    let user = own.uid;
    let is_limited = limit != RLIM_INFINITY && user != 0;
    if !is_limited || own.may(capability::SYS_RESOURCE) || own.may(capability::SYS_ADMIN) {
        return false;
    }
    drop(own);
    let of_user = |other: &Arc<Process>| other.credentials.lock().uid == user;
    let threads = |other: Arc<Process>| other.threads.lock().len().max(1) as u64;
    let processes = registry::all().into_iter().filter(of_user);
    processes.map(threads).sum::<u64>() >= limit
}

/// clone(2) § ERRORS: flags that need or exclude each other.
fn is_consistent(flags: u64) -> bool {
    let has = |flag| flags & flag != 0;
    let needs = |flag, other| !has(flag) || has(other);
    let excludes = |flag, other| !(has(flag) && has(other));
    needs(CLONE_SIGHAND, CLONE_VM)
        && needs(CLONE_THREAD, CLONE_SIGHAND)
        && excludes(CLONE_CLEAR_SIGHAND, CLONE_SIGHAND)
        && excludes(CLONE_FS, CLONE_NEWNS)
        && excludes(CLONE_PIDFD, CLONE_DETACHED | CLONE_THREAD)
}

fn start_process(request: &CloneRequest) -> SysResult {
    // SAFETY: the converter defines the word as the address of such a function, or 0.
    let starter = unsafe { husk_process_starter };
    let answer = starter.ok_or(ENOSYS)?(request);
    usize::try_from(answer).map_err(|_| Errno(answer.unsigned_abs() as u16))
}

fn start_thread(request: &CloneRequest) -> SysResult {
    let process = &scheduler::current().process;
    let thread = new_thread(process, allocate_id(), request)?;
    let tid = thread.tid();
    tell_parent(request, tid);
    if request.flags & CLONE_CHILD_SETTID != 0 {
        let _ = user::write(request.child_tid, tid); // as `tell_parent`
    }
    process.threads.lock().push(thread.clone());
    scheduler::start(thread);
    Ok(tid as usize)
}

/// A thread of `process` that goes on where the running one is, with another stack if one is given.
pub fn new_thread(
    process: &Arc<Process>,
    tid: u32,
    request: &CloneRequest,
) -> Result<Arc<Thread>, Errno> {
    let parent = scheduler::current();
    let mut frame = *parent.frame();
    frame.rax = 0;
    frame.error = 0;
    if request.stack_top != 0 {
        frame.rsp = request.stack_top;
    }
    let thread = Thread::new(process.clone(), tid, &frame)?;
    thread.inherit_extended_state(parent);
    thread.inherit_scheduling(parent);
    let thread_pointer = match request.flags & CLONE_SETTLS {
        0 => parent.fs_base.load(Ordering::Relaxed),
        _ => request.thread_pointer,
    };
    thread.fs_base.store(thread_pointer, Ordering::Relaxed);
    if request.flags & CLONE_CHILD_CLEARTID != 0 {
        let address = request.child_tid;
        thread.clear_child_tid.store(address, Ordering::Relaxed);
    }
    inherit_signals(&thread, parent, request.flags);
    *thread.name.lock() = *parent.name.lock();
    Ok(thread)
}

/// The mask; and the alternate stack, unless both would use the same memory (sigaltstack(2)).
fn inherit_signals(thread: &Thread, parent: &Thread, flags: u64) {
    let theirs = parent.signals.lock();
    let (blocked, stack) = (theirs.blocked, theirs.alternate_stack);
    drop(theirs);
    let mut own = thread.signals.lock();
    own.blocked = blocked;
    own.alternate_stack = match flags & (CLONE_VM | CLONE_VFORK) {
        CLONE_VM => AlternateStack::default(),
        _ => stack,
    };
}

/// CLONE_PARENT_SETTID; on Linux a place that cannot be written is no error.
pub fn tell_parent(request: &CloneRequest, tid: u32) {
    if request.flags & CLONE_PARENT_SETTID != 0 {
        let _ = user::write(request.parent_tid, tid);
    }
}
