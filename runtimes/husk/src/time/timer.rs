//! Callbacks at a time: timerfd, itimers, the network's retransmissions.
//!
//! Callbacks run in the timer interrupt, which comes only while the application runs or the
//! processor idles: no kernel lock is held then, so a callback may take any.

use alloc::collections::BTreeMap;
use alloc::sync::Weak;

use super::{alarm, now_ns};
use crate::sync::SpinLock;

/// Told when its time has come.
pub trait Expire: Send + Sync {
    /// `key` is what `arm` was given.
    fn expire(&self, key: u64);
}

/// Names an armed timer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TimerId {
    at_ns: u64,
    sequence: u64,
}

struct Queue {
    sequence: u64,
    armed: BTreeMap<TimerId, (u64, Weak<dyn Expire>)>,
}

static QUEUE: SpinLock<Queue> = SpinLock::new(Queue {
    sequence: 0,
    armed: BTreeMap::new(),
});

/// Calls `target.expire(key)` once `at_ns` has passed, unless the target is gone by then.
pub fn arm(at_ns: u64, key: u64, target: Weak<dyn Expire>) -> TimerId {
    let mut queue = QUEUE.lock();
    queue.sequence += 1;
    let id = TimerId {
        at_ns,
        sequence: queue.sequence,
    };
    queue.armed.insert(id, (key, target));
    let is_first = queue
        .armed
        .first_key_value()
        .is_some_and(|(first, _)| *first == id);
    drop(queue);
    if is_first {
        alarm::set(at_ns);
    }
    id
}

/// Least time between two expiries of one timer: the interrupts of a shorter interval would leave
/// no time for the application to disarm it. What was missed meanwhile is counted.
const SHORTEST_NS: u64 = 50_000;

/// As `arm`, of a timer that has just expired.
pub fn arm_again(at_ns: u64, key: u64, target: Weak<dyn Expire>) -> TimerId {
    arm(at_ns.max(now_ns() + SHORTEST_NS), key, target)
}

/// Disarms; false when it has expired already.
pub fn disarm(id: TimerId) -> bool {
    QUEUE.lock().armed.remove(&id).is_some()
}

/// When the next timer expires.
pub fn next_deadline() -> Option<u64> {
    QUEUE.lock().armed.first_key_value().map(|(id, _)| id.at_ns)
}

/// Runs every callback that is due.
pub fn run_due(now_ns: u64) {
    while let Some((key, target)) = take_due(now_ns) {
        if let Some(target) = target.upgrade() {
            target.expire(key);
        }
    }
}

fn take_due(now_ns: u64) -> Option<(u64, Weak<dyn Expire>)> {
    let mut queue = QUEUE.lock();
    let first = queue.armed.first_entry()?;
    if first.key().at_ns > now_ns {
        return None;
    }
    Some(first.remove())
}
