//! Signals: sigaction(2), sigprocmask(2), kill(2), sigaltstack(2) and the calls that wait for them.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::time::read_timespec;
use crate::errno::{EAGAIN, EINTR, EINVAL, ENOMEM, EPERM, ERESTARTNOHAND, ESRCH, Errno, SysResult};
use crate::mm::user::{self, Plain};
use crate::process::capability;
use crate::process::signal::action::KNOWN_FLAGS;
use crate::process::signal::frame::{self, SS_AUTODISARM, SS_DISABLE, SS_ONSTACK};
use crate::process::signal::info::{SI_TKILL, SI_USER, SIZE_BYTES};
use crate::process::signal::pending::AlternateStack;
use crate::process::signal::{self, Action, SIGKILL, SIGSTOP, SignalInfo, SignalSet};
use crate::process::thread::WORK_FULL_RESTORE;
use crate::process::{Process, Thread, current, registry, scheduler};
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
        let action = if new == 0 { None } else { Some(user::read::<Action>(new)?) };
        let number = signal::number(raw)?;
        let signals = &current().process.signals;
        let before = signals.action(number);
        if let Some(mut action) = action {
            if matches!(number, SIGKILL | SIGSTOP) {
                return Err(EINVAL);
            }
            action.flags &= KNOWN_FLAGS;
            action.mask &= !signal::UNBLOCKABLE;
            signals.set_action(number, action);
            if signals.ignores(number) {
                signal::discard(&current().process, number);
            }
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
        let targets = targets(pid);
        if targets.is_empty() {
            return Err(ESRCH);
        }
        let info = match raw {
            0 => None,
            _ => Some(SignalInfo::from_current(signal::number(raw)?, SI_USER)),
        };
        send_to_permitted(&targets, raw, info)
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
        let info = queued_info(pid, raw, info)?;
        let process = u32::try_from(pid).ok().and_then(registry::find_by_thread).ok_or(ESRCH)?;
        require_permission(&process, raw)?;
        taken(info.is_none_or(|info| signal::send_to_process(&process, info)))
    }

    fn sys_rt_tgsigqueueinfo(pid: i32, tid: i32, raw: u32, info: usize) {
        let info = queued_info(pid, raw, info)?;
        let thread = thread_of_process(Some(pid), tid)?;
        require_permission(&thread.process, raw)?;
        taken(info.is_none_or(|info| signal::send_to_thread(&thread, info)))
    }
}

/// sigqueue(3): EAGAIN when the queue is full.
pub fn taken(is_queued: bool) -> SysResult {
    if is_queued { Ok(0) } else { Err(EAGAIN) }
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
    require_permission(&thread.process, raw)?;
    if raw == 0 {
        return Ok(0);
    }
    let info = SignalInfo::from_current(signal::number(raw)?, SI_TKILL);
    taken(signal::send_to_thread(&thread, info))
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

/// A siginfo_t from the application. To another process it may not look like the kernel's or
/// kill(2)'s (rt_sigqueueinfo(2)). None for signal 0, which only asks.
pub fn queued_info(target: i32, raw: u32, address: usize) -> Result<Option<SignalInfo>, Errno> {
    let mut bytes = [0; SIZE_BYTES];
    user::read_bytes(address, &mut bytes)?;
    if raw == 0 {
        return Ok(None);
    }
    let info = SignalInfo::from_bytes(signal::number(raw)?, &bytes);
    let is_forged = info.code >= 0 || info.code == SI_TKILL;
    if is_forged && target != current().process.pid as i32 {
        return Err(EPERM);
    }
    Ok(Some(info))
}

/// Whom kill(2) means: a process, a group, or everybody but the first process and the caller.
fn targets(pid: i32) -> Vec<Arc<Process>> {
    let own = &current().process;
    let group = match pid {
        1.. => return registry::find_by_thread(pid as u32).into_iter().collect(),
        0 => own.family.lock().group,
        _ => pid.unsigned_abs(),
    };
    let init = registry::init().map_or(0, |init| init.pid);
    let is_meant = |process: &Arc<Process>| match pid {
        -1 => process.pid != own.pid && process.pid != init,
        _ => process.family.lock().group == group,
    };
    registry::all().into_iter().filter(is_meant).collect()
}

/// One that may be sent to is enough (kill(2) RETURN VALUE).
fn send_to_permitted(targets: &[Arc<Process>], raw: u32, info: Option<SignalInfo>) -> SysResult {
    let is_permitted = |process: &&Arc<Process>| require_permission(process, raw).is_ok();
    let permitted: Vec<&Arc<Process>> = targets.iter().filter(is_permitted).collect();
    if permitted.is_empty() {
        return Err(EPERM);
    }
    if let Some(info) = info {
        for process in permitted {
            signal::send_to_process(process, info);
        }
    }
    Ok(0)
}

/// kill(2): CAP_KILL may, and who has the target's real or saved id; SIGCONT within a session.
pub fn require_permission(target: &Process, raw: u32) -> Result<(), Errno> {
    let own = &current().process;
    if target.pid == own.pid {
        return Ok(());
    }
    let is_allowed = {
        let (mine, theirs) = (own.credentials.lock(), target.credentials.lock());
        let is_owner = |id: u32| id == theirs.uid || id == theirs.suid;
        is_owner(mine.uid) || is_owner(mine.euid) || mine.may(capability::KILL)
    };
    let is_continued =
        raw == signal::SIGCONT && own.family.lock().session == target.family.lock().session;
    (is_allowed || is_continued).then_some(()).ok_or(EPERM)
}
