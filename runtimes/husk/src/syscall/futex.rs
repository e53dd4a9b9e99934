//! futex(2).

use super::time::{deadline_after, deadline_at};
use crate::errno::{EINVAL, ENOSYS, ERESTARTNOHAND, ERESTARTSYS, Errno, SysResult};
use crate::process::futex::{self, Scope, Word};
use crate::process::signal::{deadline_of_call, keep_deadline};
use crate::sync::Deadline;
use crate::syscall;
use crate::time;

const WAIT: u32 = 0;
const WAKE: u32 = 1;
const REQUEUE: u32 = 3;
const CMP_REQUEUE: u32 = 4;
const WAKE_OP: u32 = 5;
const WAIT_BITSET: u32 = 9;
const WAKE_BITSET: u32 = 10;
const PRIVATE: u32 = 128;
const CLOCK_REALTIME: u32 = 256;

syscall! {
    fn sys_futex(
        address: usize, operation: u32, value: u32, timeout: usize, target: usize, value3: u32,
    ) {
        let (command, scope) = decode(operation)?;
        let deadline = match command {
            WAIT => relative(timeout)?,
            WAIT_BITSET => absolute(timeout, operation & CLOCK_REALTIME != 0)?,
            _ => None,
        };
        let counts = (value as i32, timeout as i32);
        let is_invalid = match command {
            WAIT_BITSET | WAKE_BITSET => value3 == 0,
            REQUEUE | CMP_REQUEUE => counts.0 < 0 || counts.1 < 0,
            _ => false,
        };
        if is_invalid {
            return Err(EINVAL);
        }
        let word = Word::at(address, scope)?;
        let at_least_one = (counts.0.max(1) as usize, counts.1.max(1) as usize);
        match command {
            WAIT => wait(word, value, deadline),
            WAIT_BITSET => match futex::wait(word, value, value3, deadline) {
                Err(ERESTARTSYS) if deadline.is_some() => Err(ERESTARTNOHAND),
                outcome => outcome,
            },
            WAKE => Ok(futex::wake(word, at_least_one.0, futex::ANY_BIT)),
            WAKE_BITSET => Ok(futex::wake(word, at_least_one.0, value3)),
            WAKE_OP => futex::wake_op(word, Word::at(target, scope)?, at_least_one, value3),
            _ => {
                let expected = (command == CMP_REQUEUE).then_some(value3);
                let counts = (counts.0 as usize, counts.1 as usize);
                futex::requeue(word, Word::at(target, scope)?, counts, expected)
            }
        }
    }
}

/// The command, and who may meet; ENOSYS for what is not here, as for what Linux does not have.
fn decode(operation: u32) -> Result<(u32, Scope), Errno> {
    let command = operation & !(PRIVATE | CLOCK_REALTIME);
    let is_known = matches!(
        command,
        WAIT | WAKE | REQUEUE..=WAKE_OP | WAIT_BITSET | WAKE_BITSET
    );
    let has_clock = operation & CLOCK_REALTIME != 0;
    if !is_known || (has_clock && command != WAIT_BITSET) {
        return Err(ENOSYS);
    }
    let is_private = operation & PRIVATE != 0;
    let scope = if is_private {
        Scope::Private
    } else {
        Scope::Shared
    };
    Ok((command, scope))
}

fn wait(word: Word, value: u32, deadline: Deadline) -> SysResult {
    let deadline = deadline.map(deadline_of_call);
    match (futex::wait(word, value, futex::ANY_BIT, deadline), deadline) {
        (Err(ERESTARTSYS), Some(at_ns)) => Err(keep_deadline(at_ns)),
        (outcome, _) => outcome,
    }
}

fn relative(timeout: usize) -> Result<Deadline, Errno> {
    if timeout == 0 {
        return Ok(None);
    }
    deadline_after(timeout).map(Some)
}

fn absolute(timeout: usize, is_realtime: bool) -> Result<Deadline, Errno> {
    if timeout == 0 {
        return Ok(None);
    }
    let clock = if is_realtime {
        time::realtime_ns()
    } else {
        time::now_ns()
    };
    deadline_at(timeout, clock).map(Some)
}
