//! Other processes and users.

use core::hint;

use crate::call::{self, ENOSYS, number};
use crate::report;
use crate::start::Arguments;

const SIGKILL: usize = 9;
const SIGCHLD: usize = 17;
const PTRACE_SEIZE: usize = 0x4206;
const FIRST_PROCESS: usize = 1;
/// -1: all but the caller and the first process; ESRCH where there is none (kill(2)).
const EVERY_OTHER: usize = usize::MAX;
/// More than a service has; few enough to be made in a moment.
const MANY: usize = 64;
/// Turns of a loop; less than a second.
const A_WHILE: usize = 1 << 24;

/// A child where there can be one, else whatever is the first process.
pub fn trace_another(_: &Arguments) {
    let child = fork(wait_to_be_killed);
    let (name, target) = match child {
        Some(child) => ("ptrace PTRACE_SEIZE of a child", child),
        None => (
            "ptrace PTRACE_SEIZE of the first process, for no child can be made",
            FIRST_PROCESS,
        ),
    };
    if call::told(name, b"", number::PTRACE, &[PTRACE_SEIZE, target]).is_some() {
        report::achieved();
    }
    if let Some(child) = child {
        call::quietly(number::KILL, &[child, SIGKILL]);
    }
}

/// A child where there can be one, else whatever there is.
pub fn kill_another(_: &Arguments) {
    let Some(target) = fork(wait_to_be_killed) else {
        let name = "kill SIGKILL of every other process, for no child can be made";
        if call::told(name, b"", number::KILL, &[EVERY_OTHER, SIGKILL]).is_some() {
            report::achieved();
        }
        return;
    };
    let name = "kill SIGKILL of a child";
    if call::told(name, b"", number::KILL, &[target, SIGKILL]).is_none() {
        return;
    }
    let mut status = 0u32;
    let call = [target, &raw mut status as usize];
    let waited = call::told("wait4", b"", number::WAIT4, &call);
    // SAFETY: written by the kernel, which the compiler does not see.
    let status = unsafe { core::ptr::read_volatile(&raw const status) };
    // Who cannot wait for it has killed it all the same: SIGKILL is not caught (signal(7)).
    if waited.is_none() || status as usize & 0x7f == SIGKILL {
        report::achieved();
    }
}

/// Each process makes the next and waits for it, so that all live at once and all end. Where none
/// can wait only the first lives on, for the attack ends with it, and no number is claimed.
pub fn multiply(_: &Arguments) {
    let can_wait = call::quietly(number::WAIT4, &[]) != ENOSYS;
    for made in 0..MANY {
        match fork_quietly() {
            0 => {}
            child if child > 0 => {
                if made == 0 && !can_wait {
                    wait_to_be_killed();
                }
                call::quietly(number::WAIT4, &[child as usize]);
                call::exit();
            }
            error => {
                let name = "make 64 processes that live at once, number";
                report::trying(name, decimal(made + 1).trim_ascii_start());
                report::got(error);
                call::exit();
            }
        }
    }
    if !can_wait {
        report::trying(
            "make 64 processes one after the other, for none can wait",
            b"",
        );
        report::got(MANY as isize);
        return;
    }
    report::trying("make 64 processes that live at once", b"");
    report::got(MANY as isize);
    report::achieved();
}

pub fn become_root(arguments: &Arguments) {
    if arguments.effective_user() == Some(0) {
        report::trying("the program is user 0 already", b"");
        report::achieved();
        return;
    }
    let by_setuid = call::told("setuid", b"0", number::SETUID, &[0]);
    let by_both = || call::told("setresuid", b"0", number::SETRESUID, &[0, 0, 0]);
    if by_setuid.or_else(by_both).is_some() {
        report::achieved();
    }
}

/// A number below 100, in two places.
const fn decimal(number: usize) -> [u8; 2] {
    let tens = if number < 10 {
        b' '
    } else {
        b'0' + (number / 10) as u8
    };
    [tens, b'0' + (number % 10) as u8]
}

/// The child's number, for the parent. It is no attack by itself: without a word.
fn fork(child: fn() -> !) -> Option<usize> {
    match fork_quietly() {
        0 => child(),
        made => made.try_into().ok(),
    }
}

/// By whichever call is linked: clone(2) may be without what makes processes.
fn fork_quietly() -> isize {
    match call::quietly(number::FORK, &[]) {
        ENOSYS => call::quietly(number::CLONE, &[SIGCHLD]),
        made => made,
    }
}

/// Not for ever: kill(2) may not be linked.
fn wait_to_be_killed() -> ! {
    let second = [1usize, 0];
    let place = second.as_ptr() as usize;
    let is_asleep = call::quietly(number::NANOSLEEP, &[place]) != ENOSYS
        || call::quietly(number::CLOCK_NANOSLEEP, &[0, 0, place]) != ENOSYS;
    if !is_asleep {
        (0..A_WHILE).map(hint::black_box).for_each(|_| {});
    }
    call::exit()
}
