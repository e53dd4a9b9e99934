//! futex(2).

use super::time::{deadline_after, deadline_at};
use crate::errno::{EINTR, EINVAL, ENOSYS, ERESTARTSYS, Errno, SysResult};
use crate::process::futex;
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
        let counts = (value as i32 as usize, timeout as i32 as usize);
        match operation & !(PRIVATE | CLOCK_REALTIME) {
            WAIT => wait_relative(address, value, timeout),
            WAIT_BITSET => {
                let deadline = absolute(timeout, operation & CLOCK_REALTIME != 0)?;
                futex::wait(address, value, value3, deadline)
            }
            WAKE => wake(address, counts.0, futex::ANY_BIT),
            WAKE_BITSET if value3 != 0 => wake(address, counts.0, value3),
            REQUEUE if are_valid(counts) => futex::requeue(address, target, counts, None).map(|n| n.0),
            CMP_REQUEUE if are_valid(counts) => {
                futex::requeue(address, target, counts, Some(value3)).map(|n| n.0 + n.1)
            }
            WAKE_OP => futex::wake_op(address, target, counts, value3),
            WAKE_BITSET | REQUEUE | CMP_REQUEUE => Err(EINVAL),
            _ => Err(ENOSYS),
        }
    }
}

/// Linux wakes one even when asked for none, and reads counts as int.
fn wake(address: usize, count: usize, bits: u32) -> SysResult {
    if !address.is_multiple_of(4) {
        return Err(EINVAL);
    }
    Ok(futex::wake(address, count.max(1), bits))
}

fn are_valid(counts: (usize, usize)) -> bool {
    counts.0 <= i32::MAX as usize && counts.1 <= i32::MAX as usize
}

/// An interrupted wait with a relative timeout is not made again: it would start from the beginning.
fn wait_relative(address: usize, value: u32, timeout: usize) -> SysResult {
    let deadline = if timeout == 0 {
        None
    } else {
        Some(deadline_after(timeout)?)
    };
    let outcome = futex::wait(address, value, futex::ANY_BIT, deadline);
    match outcome {
        Err(ERESTARTSYS) if deadline.is_some() => Err(EINTR),
        outcome => outcome,
    }
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
