//! Threads: clone(2), exit(2), set_tid_address(2), arch_prctl(2), sched_*(2).

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use super::group::require_inspection;
use super::priority::require_own;
use crate::errno::{E2BIG, EBADF, EEXIST, EINVAL, ENOSYS, EPERM, ESRCH, Errno};
use crate::mm::user;
use crate::mm::{PAGE_SIZE, USER_END};
use crate::process::clone::{
    self, CLONE_CLEAR_SIGHAND, CLONE_DETACHED, CLONE_INTO_CGROUP, CLONE_PARENT,
    CLONE_PARENT_SETTID, CLONE_PIDFD, CLONE_THREAD, CloneRequest,
};
use crate::process::signal::LAST;
use crate::process::{Thread, WaitStatus, current, exit, registry, scheduler};
use crate::syscall;

syscall! {
    /// CLONE_PIDFD answers where CLONE_PARENT_SETTID does, so that only one of them can be asked for.
    fn sys_clone(
        flags: u64, stack_top: usize, parent_tid: usize, child_tid: usize, thread_pointer: usize,
    ) {
        const EXIT_SIGNAL: u64 = 0xff;
        if flags & CLONE_PIDFD != 0 && flags & CLONE_PARENT_SETTID != 0 {
            return Err(EINVAL);
        }
        clone::start(&CloneRequest {
            flags: flags & !EXIT_SIGNAL & u64::from(u32::MAX),
            exit_signal: (flags & EXIT_SIGNAL) as u32,
            stack_top,
            parent_tid,
            child_tid,
            thread_pointer,
            pidfd: parent_tid,
        })
    }

    fn sys_clone3(arguments: usize, size: usize) {
        clone::start(&read_arguments(arguments, size)?)
    }

    fn sys_exit(status: u32) {
        exit::note_thread_status(status);
        exit::exit_thread()
    }

    fn sys_exit_group(status: u32) {
        exit::exit_process(WaitStatus::exited(status))
    }

    fn sys_gettid() {
        Ok(current().tid() as usize)
    }

    fn sys_set_tid_address(address: usize) {
        current().clear_child_tid.store(address, Ordering::Relaxed);
        Ok(current().tid() as usize)
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
        require_inspection(&thread.process)?;
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
        let mut first = [0u8; 8];
        let given = first.get_mut(..size.min(8)).ok_or(EINVAL)?;
        user::read_bytes(mask, given)?;
        let thread = thread_of(tid)?;
        require_own(&thread)?;
        if first[0] & 1 == 0 { Err(EINVAL) } else { Ok(0) }
    }

    fn sys_getcpu(processor: usize, node: usize) {
        for address in [processor, node] {
            if address != 0 {
                user::write(address, 0u32)?;
            }
        }
        Ok(0)
    }

    /// Restartable sequences (rseq(2)) spare a look at which processor runs: there is one. The C
    /// library asks at every start, so that to name the call each time would only be noise.
    fn sys_rseq() {
        Err(ENOSYS)
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
pub fn thread_of(tid: u32) -> Result<Arc<Thread>, Errno> {
    if tid == 0 {
        return Ok(scheduler::current_arc());
    }
    scheduler::find(tid).ok_or(ESRCH)
}

fn set_thread_pointer(address: usize) -> crate::errno::SysResult {
    if address >= USER_END + PAGE_SIZE {
        return Err(EPERM);
    }
    current().set_thread_pointer(address);
    Ok(0)
}

/// What is larger than Linux 6.1 knows must be zero.
fn read_arguments(address: usize, size: usize) -> Result<CloneRequest, Errno> {
    const FIRST_VERSION: usize = 64;
    if size < FIRST_VERSION {
        return Err(EINVAL);
    }
    if size > PAGE_SIZE {
        return Err(E2BIG);
    }
    let mut words = [0u64; CLONE_ARGUMENTS];
    for (index, word) in words.iter_mut().enumerate().take(size / 8) {
        *word = user::read(address.wrapping_add(8 * index))?;
    }
    for at in size_of_val(&words)..size {
        if user::read::<u8>(address.wrapping_add(at))? != 0 {
            return Err(E2BIG);
        }
    }
    check_arguments(&words)?;
    let [
        flags,
        pidfd,
        child_tid,
        parent_tid,
        exit_signal,
        stack,
        stack_size,
        thread_pointer,
        ..,
    ] = words;
    Ok(CloneRequest {
        flags,
        exit_signal: exit_signal as u32,
        stack_top: stack.wrapping_add(stack_size) as usize,
        parent_tid: parent_tid as usize,
        child_tid: child_tid as usize,
        thread_pointer: thread_pointer as usize,
        pidfd: pidfd as usize,
    })
}

/// struct clone_args of Linux 6.1, in words.
const CLONE_ARGUMENTS: usize = 11;

/// clone(2) § ERRORS for clone3: what Linux's clone3_args_valid() refuses.
fn check_arguments(words: &[u64; CLONE_ARGUMENTS]) -> Result<(), Errno> {
    const IN_SIGNAL_BYTE: u64 = 0x7f; // all of it but CLONE_NEWTIME
    const UNKNOWN: u64 = !(CLONE_CLEAR_SIGHAND | u32::MAX as u64);
    let [
        flags,
        pidfd,
        _,
        parent_tid,
        exit_signal,
        stack,
        stack_size,
        _,
        ids,
        id_count,
        _,
    ] = *words;
    if flags & CLONE_INTO_CGROUP != 0 {
        return Err(EBADF); // no descriptor is a control group
    }
    let is_thread_or_sibling = flags & (CLONE_THREAD | CLONE_PARENT) != 0;
    let is_refused = flags & (UNKNOWN | IN_SIGNAL_BYTE | CLONE_DETACHED) != 0
        || exit_signal > u64::from(LAST)
        || is_thread_or_sibling && exit_signal != 0
        || (stack == 0) != (stack_size == 0)
        || (ids == 0) != (id_count == 0)
        || id_count > 1
        || flags & CLONE_PIDFD != 0 && flags & CLONE_PARENT_SETTID != 0 && pidfd == parent_tid;
    if is_refused {
        return Err(EINVAL);
    }
    if ids == 0 {
        return Ok(());
    }
    match user::read::<u32>(ids as usize)? {
        id if id == 0 || id > registry::LAST_ID => Err(EINVAL),
        id if registry::find(id).is_some() => Err(EEXIST),
        _ => Err(EPERM), // CAP_CHECKPOINT_RESTORE, which a container has not
    }
}
