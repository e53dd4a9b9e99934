//! Threads: clone(2), exit(2), set_tid_address(2), arch_prctl(2), sched_*(2).
//!
//! A clone that does not share everything a thread shares is a new process: not here yet (ENOSYS).

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use crate::errno::{EAGAIN, EFAULT, EINVAL, ENOSYS, EPERM, ESRCH, Errno};
use crate::mm::user::{self, Plain};
use crate::mm::{PAGE_SIZE, USER_END};
use crate::process::{Thread, allocate_id, current, exit, scheduler};
use crate::syscall;

const CLONE_VM: u64 = 0x100;
const CLONE_FS: u64 = 0x200;
const CLONE_FILES: u64 = 0x400;
const CLONE_SIGHAND: u64 = 0x800;
const CLONE_THREAD: u64 = 0x1_0000;
const CLONE_SETTLS: u64 = 0x8_0000;
const CLONE_PARENT_SETTID: u64 = 0x10_0000;
const CLONE_CHILD_CLEARTID: u64 = 0x20_0000;
const CLONE_CHILD_SETTID: u64 = 0x100_0000;
/// What a thread shares with its process.
const THREAD_FLAGS: u64 = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
/// Most threads of a process (Linux: threads-max).
const THREAD_LIMIT: usize = 16_384;

/// clone(2)'s arguments however they came.
struct CloneRequest {
    flags: u64,
    stack_top: usize,
    parent_tid: usize,
    child_tid: usize,
    thread_pointer: usize,
}

/// struct clone_args, the first version of clone3(2).
#[repr(C)]
#[derive(Clone, Copy)]
struct CloneArguments {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    thread_pointer: u64,
}

// SAFETY: eight u64 in a row.
unsafe impl Plain for CloneArguments {}

syscall! {
    fn sys_clone(
        flags: u64, stack_top: usize, parent_tid: usize, child_tid: usize, thread_pointer: usize,
    ) {
        start_thread(&CloneRequest { flags, stack_top, parent_tid, child_tid, thread_pointer })
    }

    fn sys_clone3(arguments: usize, size: usize) {
        if size < core::mem::size_of::<CloneArguments>() {
            return Err(EINVAL);
        }
        let given: CloneArguments = user::read(arguments)?;
        start_thread(&CloneRequest {
            flags: given.flags,
            stack_top: given.stack as usize + given.stack_size as usize,
            parent_tid: given.parent_tid as usize,
            child_tid: given.child_tid as usize,
            thread_pointer: given.thread_pointer as usize,
        })
    }

    fn sys_exit(status: u32) {
        exit::note_thread_status(status & 0xff);
        exit::exit_thread()
    }

    fn sys_exit_group(status: u32) {
        exit::exit_process(status & 0xff)
    }

    fn sys_gettid() {
        Ok(current().tid as usize)
    }

    fn sys_set_tid_address(address: usize) {
        current().clear_child_tid.store(address, Ordering::Relaxed);
        Ok(current().tid as usize)
    }

    fn sys_set_robust_list(head: usize, size: usize) {
        const HEAD_BYTES: usize = 24;
        if size != HEAD_BYTES {
            return Err(EINVAL);
        }
        current().robust_list.store(head, Ordering::Relaxed);
        Ok(0)
    }

    fn sys_get_robust_list(tid: u32, head: usize, size: usize) {
        let thread = thread_of(tid)?;
        user::write(size, 24usize)?;
        user::write(head, thread.robust_list.load(Ordering::Relaxed))?;
        Ok(0)
    }

    fn sys_arch_prctl(code: u32, address: usize) {
        const ARCH_SET_FS: u32 = 0x1002;
        const ARCH_GET_FS: u32 = 0x1003;
        match code {
            ARCH_SET_FS => set_thread_pointer(address),
            ARCH_GET_FS => {
                user::write(address, current().fs_base.load(Ordering::Relaxed))?;
                Ok(0)
            }
            _ => Err(EINVAL), // GS is the kernel's
        }
    }

    fn sys_sched_yield() {
        scheduler::yield_now();
        Ok(0)
    }

    fn sys_sched_getaffinity(tid: u32, size: usize, mask: usize) {
        thread_of(tid)?;
        if size % 8 != 0 || size == 0 {
            return Err(EINVAL);
        }
        const FIRST_PROCESSOR: u64 = 1;
        user::write(mask, FIRST_PROCESSOR)?;
        Ok(8)
    }

    fn sys_sched_setaffinity(tid: u32, size: usize, mask: usize) {
        thread_of(tid)?;
        let mut first = [0u8; 8];
        let given = first.get_mut(..size.min(8)).ok_or(EINVAL)?;
        user::read_bytes(mask, given)?;
        if first[0] & 1 == 0 { Err(EINVAL) } else { Ok(0) }
    }

    fn sys_sched_getscheduler(tid: u32) {
        thread_of(tid)?;
        Ok(0) // SCHED_OTHER
    }

    fn sys_sched_getparam(tid: u32, parameter: usize) {
        thread_of(tid)?;
        user::write(parameter, 0u32)?;
        Ok(0)
    }

    fn sys_sched_setscheduler(tid: u32, policy: u32, parameter: usize) {
        thread_of(tid)?;
        let priority: u32 = user::read(parameter)?;
        require_no_priority(policy, priority)
    }

    fn sys_sched_setparam(tid: u32, parameter: usize) {
        thread_of(tid)?;
        let priority: u32 = user::read(parameter)?;
        require_no_priority(0, priority)
    }

    fn sys_sched_get_priority_max(policy: u32) {
        priority_range(policy).map(|(_, highest)| highest)
    }

    fn sys_sched_get_priority_min(policy: u32) {
        priority_range(policy).map(|(lowest, _)| lowest)
    }

    fn sys_getcpu(processor: usize, node: usize) {
        for address in [processor, node] {
            if address != 0 {
                user::write(address, 0u32)?;
            }
        }
        Ok(0)
    }

    /// One processor: a barrier on it is a barrier on all (membarrier(2)).
    fn sys_membarrier(command: u32, flags: u32) {
        const QUERY: u32 = 0;
        const SUPPORTED: usize = 0x1f;
        match command {
            _ if flags != 0 => Err(EINVAL),
            QUERY => Ok(SUPPORTED),
            command if command.is_power_of_two() && command as usize <= SUPPORTED => Ok(0),
            _ => Err(EINVAL),
        }
    }
}

/// A thread by id as these calls name it: 0 is the caller.
fn thread_of(tid: u32) -> Result<Arc<Thread>, Errno> {
    if tid == 0 {
        return Ok(scheduler::current_arc());
    }
    scheduler::find(tid).ok_or(ESRCH)
}

fn set_thread_pointer(address: usize) -> crate::errno::SysResult {
    if address >= USER_END + PAGE_SIZE {
        return Err(EPERM);
    }
    current().fs_base.store(address, Ordering::Relaxed);
    crate::arch::cpu::write_msr(crate::arch::cpu::IA32_FS_BASE, address as u64);
    Ok(0)
}

/// SCHED_OTHER, SCHED_BATCH and SCHED_IDLE have no priorities; real-time policies are refused.
fn require_no_priority(policy: u32, priority: u32) -> crate::errno::SysResult {
    match policy {
        0 | 3 | 5 if priority == 0 => Ok(0),
        1 | 2 if (1..=99).contains(&priority) => Err(EPERM),
        _ => Err(EINVAL),
    }
}

fn priority_range(policy: u32) -> Result<(usize, usize), Errno> {
    match policy {
        1 | 2 => Ok((1, 99)),
        0 | 3 | 5 | 6 => Ok((0, 0)),
        _ => Err(EINVAL),
    }
}

fn start_thread(request: &CloneRequest) -> crate::errno::SysResult {
    let flags = request.flags;
    if flags & CLONE_SIGHAND != 0 && flags & CLONE_VM == 0
        || flags & CLONE_THREAD != 0 && flags & CLONE_SIGHAND == 0
    {
        return Err(EINVAL);
    }
    if flags & THREAD_FLAGS != THREAD_FLAGS {
        return Err(ENOSYS);
    }
    let process = current().process.clone();
    if process.threads.lock().len() >= THREAD_LIMIT {
        return Err(EAGAIN);
    }
    let thread = new_thread(request)?;
    tell_tids(request, thread.tid)?;
    process.threads.lock().push(thread.clone());
    let tid = thread.tid;
    scheduler::start(thread);
    Ok(tid as usize)
}

fn new_thread(request: &CloneRequest) -> Result<Arc<Thread>, Errno> {
    let parent = current();
    let mut frame = *parent.frame();
    frame.rax = 0;
    frame.error = 0;
    if request.stack_top != 0 {
        frame.rsp = request.stack_top;
    }
    let thread = Thread::new(parent.process.clone(), allocate_id(), &frame)?;
    thread.inherit_extended_state(parent);
    thread
        .fs_base
        .store(parent.fs_base.load(Ordering::Relaxed), Ordering::Relaxed);
    if request.flags & CLONE_SETTLS != 0 {
        thread
            .fs_base
            .store(request.thread_pointer, Ordering::Relaxed);
    }
    if request.flags & CLONE_CHILD_CLEARTID != 0 {
        thread
            .clear_child_tid
            .store(request.child_tid, Ordering::Relaxed);
    }
    thread.signals.lock().blocked = parent.signals.lock().blocked;
    *thread.name.lock() = *parent.name.lock();
    Ok(thread)
}

fn tell_tids(request: &CloneRequest, tid: u32) -> Result<(), Errno> {
    if request.flags & CLONE_PARENT_SETTID != 0 {
        user::write(request.parent_tid, tid).map_err(|_| EFAULT)?;
    }
    if request.flags & CLONE_CHILD_SETTID != 0 {
        user::write(request.child_tid, tid).map_err(|_| EFAULT)?;
    }
    Ok(())
}
