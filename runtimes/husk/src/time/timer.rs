//! Callbacks at a time: timerfd, itimers, the network's retransmissions.
//!
//! Callbacks run in the timer interrupt, which comes only while the application runs or the
//! processor idles: no kernel lock is held then, so a callback may take any.

use alloc::sync::Weak;
use alloc::vec::Vec;

use super::{alarm, now_ns};
use crate::chunked_map::ChunkedMap;
use crate::errno::{ENOMEM, Errno};
use crate::process::scheduler;
use crate::sync::SpinLock;

/// Told when its time has come.
pub trait Expire: Send + Sync {
    /// `key` is what `arm` was given.
    fn expire(&self, key: u64);
}

/// Names an armed timer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimerId {
    at_ns: u64,
    sequence: u64,
}

struct Armed {
    sequence: u64,
    key: u64,
    target: Weak<dyn Expire>,
}

/// Times lead to places in a vector rather than to what is there, so that this map is of a kind
/// that is in the image anyway. No two timers have the same nanosecond.
struct Queue {
    sequence: u64,
    by_time: ChunkedMap<u64>,
    places: Vec<Option<Armed>>,
    free: Vec<u64>,
}

static QUEUE: SpinLock<Queue> = SpinLock::new(Queue {
    sequence: 0,
    by_time: ChunkedMap::new(),
    places: Vec::new(),
    free: Vec::new(),
});

/// Later than this is never (146 years).
const NEVER_NS: u64 = 1 << 62;

/// Calls `target.expire(key)` once `at_ns` has passed, unless the target is gone by then.
pub fn arm(at_ns: u64, key: u64, target: Weak<dyn Expire>) -> TimerId {
    let mut queue = QUEUE.lock();
    let id = queue.add(at_ns, key, target);
    let is_first = queue.next_deadline() == Some(id.at_ns);
    drop(queue);
    if is_first {
        alarm::set(id.at_ns);
    }
    id
}

/// Room for one timer more, and for one of each thread there is: ENOMEM for an application that
/// arms them without end.
pub fn reserve() -> Result<(), Errno> {
    QUEUE.lock().reserve(1 + scheduler::count())
}

impl Queue {
    fn reserve(&mut self, count: usize) -> Result<(), Errno> {
        self.by_time.reserve(count)?;
        let places = self.places.len() + count;
        let free = self.free.try_reserve(places - self.free.len());
        let places = self.places.try_reserve(count);
        free.and(places).map_err(|_| ENOMEM)
    }

    fn add(&mut self, at_ns: u64, key: u64, target: Weak<dyn Expire>) -> TimerId {
        self.sequence += 1;
        let sequence = self.sequence;
        if at_ns >= NEVER_NS {
            return TimerId { at_ns, sequence };
        }
        let mut at_ns = at_ns;
        while self.by_time.contains_key(at_ns) {
            at_ns += 1;
        }
        let armed = Some(Armed {
            sequence,
            key,
            target,
        });
        let place = self.free.pop().unwrap_or(self.places.len() as u64);
        match self.places.get_mut(place as usize) {
            Some(free) => *free = armed,
            None => self.places.push(armed),
        }
        self.by_time.insert(at_ns, place);
        TimerId { at_ns, sequence }
    }

    fn next_deadline(&self) -> Option<u64> {
        self.by_time.first().map(|(at_ns, _)| at_ns)
    }

    fn take(&mut self, at_ns: u64) -> Option<Armed> {
        let place = self.by_time.remove(at_ns)?;
        self.free.push(place);
        self.places.get_mut(place as usize)?.take()
    }

    fn has(&self, id: TimerId) -> bool {
        let place = self.by_time.get(id.at_ns).copied();
        let armed = place.and_then(|place| self.places.get(place as usize)?.as_ref());
        armed.is_some_and(|armed| armed.sequence == id.sequence)
    }
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
    let mut queue = QUEUE.lock();
    let taken = if queue.has(id) {
        queue.take(id.at_ns)
    } else {
        None
    };
    drop(queue); // before the target, which may be the last reference to something
    taken.is_some()
}

/// When the next timer expires.
pub fn next_deadline() -> Option<u64> {
    QUEUE.lock().next_deadline()
}

/// Runs every callback that is due.
pub fn run_due(now_ns: u64) {
    while let Some(armed) = take_due(now_ns) {
        if let Some(target) = armed.target.upgrade() {
            target.expire(armed.key);
        }
    }
}

fn take_due(now_ns: u64) -> Option<Armed> {
    let mut queue = QUEUE.lock();
    let at_ns = queue.next_deadline().filter(|&at_ns| at_ns <= now_ns)?;
    queue.take(at_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl Expire for Nobody {
        fn expire(&self, _key: u64) {}
    }

    fn queue() -> Queue {
        Queue {
            sequence: 0,
            by_time: ChunkedMap::new(),
            places: Vec::new(),
            free: Vec::new(),
        }
    }

    fn add(queue: &mut Queue, at_ns: u64) -> TimerId {
        queue.add(at_ns, at_ns, Weak::<Nobody>::new())
    }

    #[test]
    fn timers_of_the_same_time_are_all_kept() {
        let mut queue = queue();
        let ids = [5, 5, 5, 4].map(|at_ns| add(&mut queue, at_ns));
        assert!(ids.iter().all(|&id| queue.has(id)));
        let order: Vec<u64> = core::iter::from_fn(|| {
            let next = queue.next_deadline()?;
            queue.take(next)
        })
        .map(|armed| armed.sequence)
        .collect();
        assert_eq!(order, [4, 1, 2, 3]);
    }

    #[test]
    fn a_name_of_an_expired_timer_does_not_name_the_next_one() {
        let mut queue = queue();
        let first = add(&mut queue, 7);
        queue.take(7);
        let second = add(&mut queue, 7);
        assert_eq!((queue.has(first), queue.has(second)), (false, true));
        assert_eq!(queue.places.len(), 1);
    }

    #[test]
    fn what_never_comes_is_not_kept() {
        let mut queue = queue();
        let never = add(&mut queue, u64::MAX);
        assert!(!queue.has(never));
        assert_eq!(queue.next_deadline(), None);
    }
}
