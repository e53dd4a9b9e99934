//! Making children and waiting for them: fork(2), vfork(2), wait4(2), waitid(2).

use super::identity::write_usage;
use crate::errno::{EAGAIN, EINVAL, ESRCH, Errno, SysResult};
use crate::mm::user;
use crate::process::clone::{CLONE_VFORK, CLONE_VM};
use crate::process::family::{self, Interest, Report, Which};
use crate::process::{current, fork, pidfd};
use crate::sync::wait_until;
use crate::syscall;

/// i32::MIN has no group of the opposite sign.
const LOWEST_GROUP: i32 = -i32::MAX;

const P_PIDFD: u32 = 3;

const WNOHANG: u32 = 1;
const WUNTRACED: u32 = 2;
const WEXITED: u32 = 4;
const WCONTINUED: u32 = 8;
const WNOWAIT: u32 = 0x100_0000;
const WNOTHREAD: u32 = 0x2000_0000;
const WALL: u32 = 0x4000_0000;
const WCLONE: u32 = 0x8000_0000;
const CHILD_KINDS: u32 = WNOTHREAD | WALL | WCLONE;

syscall! {
    fn sys_fork() { fork::as_clone(0) }
    fn sys_vfork() { fork::as_clone(CLONE_VM | CLONE_VFORK) }

    fn sys_wait4(pid: i32, status: usize, options: u32, usage: usize) {
        if options & !(WNOHANG | WUNTRACED | WCONTINUED | CHILD_KINDS) != 0 {
            return Err(EINVAL);
        }
        let which = match pid {
            i32::MIN => return Err(ESRCH),
            LOWEST_GROUP..-1 => Which::Group(pid.unsigned_abs()),
            -1 => Which::Any,
            0 => Which::Group(own_group()),
            _ => Which::Process(pid as u32),
        };
        let found = wait(interest(which, options | WEXITED), options & WNOHANG != 0)?;
        let Some(report) = found else { return Ok(0) };
        if status != 0 {
            user::write(status, report.change.status())?;
        }
        tell_usage(usage, &report)?;
        Ok(report.pid as usize)
    }

    fn sys_waitid(kind: u32, id: i32, info: usize, options: u32, usage: usize) {
        const KNOWN: u32 = WNOHANG | WNOWAIT | WEXITED | WUNTRACED | WCONTINUED | CHILD_KINDS;
        let changes = options & (WEXITED | WUNTRACED | WCONTINUED);
        if options & !KNOWN != 0 || changes == 0 {
            return Err(EINVAL);
        }
        let which = which_by_kind(kind, id)?;
        let is_nonblocking = kind == P_PIDFD && pidfd::is_nonblocking(id)?;
        let is_polling = is_nonblocking || options & WNOHANG != 0;
        let found = wait(interest(which, options), is_polling)?;
        if is_nonblocking && found.is_none() && options & WNOHANG == 0 {
            return Err(EAGAIN);
        }
        if let Some(report) = &found {
            tell_usage(usage, report)?;
        }
        if info != 0 {
            write_info(info, found.as_ref())?;
        }
        Ok(0)
    }
}

fn own_group() -> u32 {
    current().process.family.lock().group
}

/// waitid(2): P_ALL, P_PID, P_PGID, P_PIDFD.
fn which_by_kind(kind: u32, id: i32) -> Result<Which, Errno> {
    let number = u32::try_from(id);
    match kind {
        0 => Ok(Which::Any),
        1 if id > 0 => Ok(Which::Process(number.map_err(|_| EINVAL)?)),
        2 if id == 0 => Ok(Which::Group(own_group())),
        2 => Ok(Which::Group(number.map_err(|_| EINVAL)?)),
        P_PIDFD if id >= 0 => Ok(Which::Process(pidfd::process_of(id)?.pid)),
        _ => Err(EINVAL),
    }
}

fn interest(which: Which, options: u32) -> Interest {
    Interest {
        which,
        ended: options & WEXITED != 0,
        stopped: options & WUNTRACED != 0,
        continued: options & WCONTINUED != 0,
        keeps: options & WNOWAIT != 0,
        clones: match options & (WALL | WCLONE) {
            0 => Some(false),
            WCLONE => Some(true),
            _ => None,
        },
    }
}

/// Sleeps until there is a change; with `is_polling` None when there is none yet.
fn wait(interest: Interest, is_polling: bool) -> Result<Option<Report>, Errno> {
    let mut outcome = Err(EAGAIN);
    let changed = &current().process.changed;
    let waited = wait_until(changed, None, || {
        outcome = family::take_change(interest);
        let is_over = is_polling || !matches!(outcome, Ok(None));
        is_over.then_some(())
    });
    waited?;
    outcome
}

fn tell_usage(address: usize, report: &Report) -> Result<(), Errno> {
    if address == 0 {
        return Ok(());
    }
    write_usage(address, report.cpu_ns)
}

/// siginfo_t as waitid(2) fills it; all zero where nothing was waited for.
fn write_info(address: usize, report: Option<&Report>) -> SysResult {
    let mut words = [0u32; 7]; // signo, errno, code, pad, pid, uid, status
    if let Some(report) = report {
        let (code, status) = report.change.code_and_status();
        let signal = crate::process::signal::SIGCHLD;
        words = [signal, 0, code as u32, 0, report.pid, report.uid, status];
    }
    user::write(address, words)?;
    Ok(0)
}
