//! Other processes and users.

use core::hint;

use crate::call::{self, ENOSYS, number};
use crate::report;
use crate::start::Arguments;

const SIGKILL: usize = 9;
const SIGCHLD: usize = 17;
const PTRACE_SEIZE: usize = 0x4206;
const FIRST_PROCESS: usize = 1;
/// More than a service has; few enough to be made in a moment.
const MANY: usize = 64;
/// Turns of a loop; less than a second.
const A_WHILE: usize = 1 << 24;

/// A child where there can be one, else whatever is the first process.
pub fn trace_another(_: &Arguments) {
    let child = fork(wait_to_be_killed);
    let call = [PTRACE_SEIZE, child.unwrap_or(FIRST_PROCESS)];
    if call::told("ptrace", b"PTRACE_SEIZE", number::PTRACE, &call).is_some() {
        report::achieved();
    }
    if let Some(child) = child {
        call::quietly(number::KILL, &[child, SIGKILL]);
    }
}

pub fn kill_another(_: &Arguments) {
    let Some(target) = fork(wait_to_be_killed) else {
        return;
    };
    if call::told("kill", b"SIGKILL", number::KILL, &[target, SIGKILL]).is_none() {
        return;
    }
    let mut status = 0u32;
    let call = [target, &raw mut status as usize];
    call::told("wait4", b"", number::WAIT4, &call);
    // SAFETY: written by the kernel, which the compiler does not see.
    let status = unsafe { core::ptr::read_volatile(&raw const status) };
    if status as usize & 0x7f == SIGKILL {
        report::achieved();
    }
}

/// Each process makes the next and waits for it, so that all live at once and all end.
pub fn multiply(_: &Arguments) {
    report::trying("make 64 processes that live at once", b"");
    for made in 0..MANY {
        match fork_quietly() {
            0 => {}
            child if child > 0 => {
                call::quietly(number::WAIT4, &[child as usize]);
                call::exit();
            }
            error => {
                report::got(made as isize);
                report::trying("fork or clone", b"");
                report::got(error);
                call::exit();
            }
        }
    }
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

/// The child's number, for the parent.
fn fork(child: fn() -> !) -> Option<usize> {
    let ways: [(&str, usize, &[usize]); 2] = [
        ("fork", number::FORK, &[]),
        ("clone", number::CLONE, &[SIGCHLD]),
    ];
    for (name, number, arguments) in ways {
        report::trying(name, b"");
        let made = call::quietly(number, arguments);
        if made == 0 {
            child();
        }
        report::got(made);
        if made > 0 {
            return Some(made as usize);
        }
    }
    None
}

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
