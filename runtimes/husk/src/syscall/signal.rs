//! Signals: sigaction(2), sigprocmask(2), kill(2), sigaltstack(2) and the calls that wait for them.

use alloc::sync::Arc;

use super::time::read_timespec;
use crate::errno::{EAGAIN, EINTR, EINVAL, ENOMEM, EPERM, ERESTARTNOHAND, ESRCH, Errno, SysResult};
use crate::mm::user::{self, Plain};
use crate::process::signal::frame::{self, SS_AUTODISARM, SS_DISABLE, SS_ONSTACK};
use crate::process::signal::info::{SI_TKILL, SI_USER, SIZE_BYTES};
use crate::process::signal::pending::AlternateStack;
use crate::process::signal::{self, Action, SIGKILL, SIGSTOP, SignalInfo, SignalSet};
use crate::process::thread::WORK_FULL_RESTORE;
use crate::process::{Thread, current, scheduler};
use crate::sync::{WaitQueue, Woken, wait_until};
use crate::syscall;
use crate::time::now_ns;

// SAFETY: four words in a row.
unsafe impl Plain for Action {}

/// stack_t.
#[repr(C)]
#[derive(Clone, Copy)]
struct StackDescription {
    address: usize,
    flags: u32,
    pad: u32,
    size_bytes: usize,
}

// SAFETY: the padding of stack_t is a field here.
unsafe impl Plain for StackDescription {}

/// Every call that takes a sigset_t is told its size.
pub fn require_set_size(size: usize) -> Result<(), Errno> {
    if size == core::mem::size_of::<SignalSet>() {
        Ok(())
    } else {
        Err(EINVAL)
    }
}

syscall! {
    fn sys_rt_sigaction(raw: u32, new: usize, old: usize, size: usize) {
        require_set_size(size)?;
        let number = signal::number(raw)?;
        let signals = &current().process.signals;
        let before = signals.action(number);
        if new != 0 {
            if matches!(number, SIGKILL | SIGSTOP) {
                return Err(EINVAL);
            }
            let mut action: Action = user::read(new)?;
            action.mask &= !signal::UNBLOCKABLE;
            signals.set_action(number, action);
        }
        if old != 0 {
            user::write(old, before)?;
        }
        Ok(0)
    }

    fn sys_rt_sigprocmask(how: u32, set: usize, old: usize, size: usize) {
        require_set_size(size)?;
        let before = current().signals.lock().blocked;
        if set != 0 {
            let given: SignalSet = user::read(set)?;
            signal::set_mask(match how {
                0 => before | given,
                1 => before & !given,
                2 => given,
                _ => return Err(EINVAL),
            });
        }
        if old != 0 {
            user::write(old, before)?;
        }
        Ok(0)
    }

    fn sys_rt_sigpending(set: usize, size: usize) {
        require_set_size(size)?;
        let blocked = current().signals.lock().blocked;
        user::write(set, signal::pending_set() & blocked)?;
        Ok(0)
    }

    fn sys_rt_sigreturn() {
        let thread = current();
        let trap = thread.frame();
        if frame::pop(thread, trap).is_err() {
            signal::send_to_current(signal::SIGSEGV);
        }
        thread.add_work(WORK_FULL_RESTORE | crate::process::thread::WORK_SIGNAL);
        return Ok(trap.rax);
    }

    fn sys_rt_sigsuspend(set: usize, size: usize) {
        require_set_size(size)?;
        signal::set_mask_for_this_call(user::read(set)?);
        wait_for_signal()
    }

    fn sys_pause() {
        wait_for_signal()
    }

    fn sys_rt_sigtimedwait(set: usize, info: usize, timeout: usize, size: usize) {
        require_set_size(size)?;
        let wanted: SignalSet = user::read::<SignalSet>(set)? & !signal::UNBLOCKABLE;
        let deadline = match timeout {
            0 => None,
            _ => Some(now_ns().saturating_add(read_timespec(timeout)?)),
        };
        let taken = await_signal(wanted, deadline)?;
        if info != 0 {
            user::write_bytes(info, &taken.to_bytes())?;
        }
        Ok(taken.signal as usize)
    }

    fn sys_sigaltstack(new: usize, old: usize) {
        let thread = current();
        let before = thread.signals.lock().alternate_stack;
        let rsp = thread.frame().rsp;
        if new != 0 {
            let stack = alternate_stack(user::read(new)?, frame::is_on(&before, rsp))?;
            thread.signals.lock().alternate_stack = stack;
        }
        if old != 0 {
            user::write(old, StackDescription {
                address: before.address,
                flags: frame::stack_flags(&before, rsp),
                pad: 0,
                size_bytes: before.size_bytes,
            })?;
        }
        Ok(0)
    }

    fn sys_kill(pid: i32, raw: u32) {
        let process = &current().process;
        let is_ours = pid == process.pid as i32 || matches!(pid, 0 | -1) || pid == -(process.pid as i32);
        if !is_ours {
            return Err(if raw > signal::LAST { EINVAL } else { ESRCH });
        }
        if raw != 0 {
            let info = SignalInfo::from_current(signal::number(raw)?, SI_USER);
            signal::send_to_process(process, info);
        }
        Ok(0)
    }

    fn sys_tkill(tid: i32, raw: u32) {
        send_to_tid(None, tid, raw)
    }

    fn sys_tgkill(pid: i32, tid: i32, raw: u32) {
        if pid <= 0 {
            return Err(EINVAL);
        }
        send_to_tid(Some(pid), tid, raw)
    }

    fn sys_rt_sigqueueinfo(pid: i32, raw: u32, info: usize) {
        let process = &current().process;
        let info = queued_info(raw, info)?;
        if pid != process.pid as i32 {
            return Err(ESRCH);
        }
        if let Some(info) = info {
            signal::send_to_process(process, info);
        }
        Ok(0)
    }

    fn sys_rt_tgsigqueueinfo(pid: i32, tid: i32, raw: u32, info: usize) {
        let info = queued_info(raw, info)?;
        let thread = thread_of_process(Some(pid), tid)?;
        if let Some(info) = info {
            signal::send_to_thread(&thread, info);
        }
        Ok(0)
    }
}

fn wait_for_signal() -> SysResult {
    let nothing = WaitQueue::new();
    let _ = wait_until(&nothing, None, || None::<()>);
    Err(ERESTARTNOHAND)
}

fn await_signal(wanted: SignalSet, deadline: Option<u64>) -> Result<SignalInfo, Errno> {
    let thread = current();
    thread.signals.lock().awaited = wanted;
    let arrival = &thread.process.signals.arrival;
    let taken = wait_until(arrival, deadline, || signal::take_pending(wanted));
    thread.signals.lock().awaited = 0;
    taken.map_err(|woken| match woken {
        Woken::TimedOut => EAGAIN,
        Woken::Interrupted => EINTR,
    })
}

fn alternate_stack(new: StackDescription, is_in_use: bool) -> Result<AlternateStack, Errno> {
    const MINSIGSTKSZ: usize = 2048;
    if is_in_use {
        return Err(EPERM);
    }
    match new.flags & !SS_AUTODISARM {
        SS_DISABLE => Ok(AlternateStack::default()),
        0 | SS_ONSTACK if new.size_bytes < MINSIGSTKSZ => Err(ENOMEM),
        0 | SS_ONSTACK => Ok(AlternateStack {
            address: new.address,
            size_bytes: new.size_bytes,
            flags: new.flags & SS_AUTODISARM,
        }),
        _ => Err(EINVAL),
    }
}

fn send_to_tid(pid: Option<i32>, tid: i32, raw: u32) -> SysResult {
    let thread = thread_of_process(pid, tid)?;
    if raw != 0 {
        let info = SignalInfo::from_current(signal::number(raw)?, SI_TKILL);
        signal::send_to_thread(&thread, info);
    }
    Ok(0)
}

fn thread_of_process(pid: Option<i32>, tid: i32) -> Result<Arc<Thread>, Errno> {
    if tid <= 0 {
        return Err(EINVAL);
    }
    let thread = scheduler::find(tid as u32).ok_or(ESRCH)?;
    if pid.is_some_and(|pid| pid != thread.process.pid as i32) {
        return Err(ESRCH);
    }
    Ok(thread)
}

/// Another process may not be impersonated, but there is none: any siginfo_t is taken. None for
/// signal 0, which only asks.
fn queued_info(raw: u32, address: usize) -> Result<Option<SignalInfo>, Errno> {
    let mut bytes = [0; SIZE_BYTES];
    user::read_bytes(address, &mut bytes)?;
    if raw == 0 {
        return Ok(None);
    }
    Ok(Some(SignalInfo::from_bytes(signal::number(raw)?, &bytes)))
}
