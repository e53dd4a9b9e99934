//! Pending signals: a standard signal is pending once, real-time signals queue (signal(7)).
//!
//! A signal that a full queue has no place for is pending all the same, without its circumstances:
//! a process that is flooded can still be told to end. RLIMIT_SIGPENDING is of a process here, not
//! of all that a user has.

use alloc::collections::VecDeque;

use super::info::{SI_TIMER, SI_USER};
use super::{FIRST_REALTIME, SignalInfo, SignalSet, bit};

/// Signals sent and not yet taken, of a thread or of a process.
#[derive(Default)]
pub struct Pending {
    queue: VecDeque<SignalInfo>,
    set: SignalSet,
}

impl Pending {
    pub const fn new() -> Pending {
        Pending {
            queue: VecDeque::new(),
            set: 0,
        }
    }

    pub fn set(&self) -> SignalSet {
        self.set
    }

    /// Signals that wait with their circumstances.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Adds a signal, without its circumstances where there `is_full`; false when it was dropped, as
    /// real-time signals of sigqueue(3) are then (EAGAIN).
    pub fn push(&mut self, info: SignalInfo, is_full: bool) -> bool {
        let is_there = self.set & bit(info.signal) != 0;
        let is_real_time = info.signal >= FIRST_REALTIME;
        if is_there && !is_real_time {
            return true;
        }
        if !is_full && self.queue.try_reserve(1).is_ok() {
            self.queue.push_back(info);
        } else if is_real_time && info.code != SI_USER {
            return false;
        }
        self.set |= bit(info.signal);
        true
    }

    /// Adds to the overrun count of a timer's signal that is still pending; false when none is.
    pub fn add_overrun(&mut self, timer: &SignalInfo, count: u32) -> bool {
        if timer.code != SI_TIMER {
            return false;
        }
        let is_of_timer = |info: &&mut SignalInfo| {
            info.code == SI_TIMER && info.words[0] as u32 == timer.words[0] as u32
        };
        let Some(info) = self.queue.iter_mut().find(is_of_timer) else {
            return false;
        };
        let overrun = (info.words[0] >> 32) as u32;
        *info = timer.with_overrun(overrun.saturating_add(count));
        true
    }

    /// Takes the lowest-numbered pending signal of `wanted`, oldest first.
    pub fn take(&mut self, wanted: SignalSet) -> Option<SignalInfo> {
        let candidates = self.set & wanted;
        if candidates == 0 {
            return None;
        }
        let signal = candidates.trailing_zeros() + 1;
        let index = self.queue.iter().position(|info| info.signal == signal);
        let queued = index.and_then(|index| self.queue.remove(index));
        let info = queued.unwrap_or(SignalInfo::of_nobody(signal));
        if !self.queue.iter().any(|other| other.signal == signal) {
            self.set &= !bit(signal);
        }
        Some(info)
    }

    /// Forgets a signal that has come to be ignored (sigaction(2)).
    pub fn discard(&mut self, signal: u32) {
        self.queue.retain(|info| info.signal != signal);
        self.set &= !bit(signal);
    }
}

/// An alternate signal stack (sigaltstack(2)).
#[derive(Clone, Copy, Default, Debug)]
pub struct AlternateStack {
    pub address: usize,
    pub size_bytes: usize,
    pub flags: u32,
}

/// Mask, pending signals and alternate stack of a thread.
#[derive(Default)]
pub struct ThreadSignals {
    pub blocked: SignalSet,
    pub pending: Pending,
    /// The mask to put back once the running call is over (sigsuspend(2), ppoll(2)).
    pub saved_mask: Option<SignalSet>,
    /// When the running call was to be over, if it is made again (`keep_deadline`).
    pub kept_deadline: Option<u64>,
    /// What sigtimedwait(2) waits for: wakes the thread although blocked.
    pub awaited: SignalSet,
    pub alternate_stack: AlternateStack,
}

impl ThreadSignals {
    /// True when the thread would do something with the signal now.
    pub fn accepts(&self, signal: u32) -> bool {
        (!self.blocked | self.awaited) & bit(signal) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::super::info::SI_QUEUE;
    use super::*;

    fn info(signal: u32, value: u64) -> SignalInfo {
        SignalInfo {
            signal,
            errno: 0,
            code: 0,
            words: [0, value, 0],
        }
    }

    #[test]
    fn standard_signals_merge_and_real_time_signals_queue() {
        let mut pending = Pending::new();
        for value in 0..3 {
            pending.push(info(10, value), false);
            pending.push(info(40, value), false);
        }
        let taken: Vec<_> = core::iter::from_fn(|| pending.take(!0)).collect();
        let expected = [info(10, 0), info(40, 0), info(40, 1), info(40, 2)];
        assert_eq!(taken, expected);
        assert_eq!(pending.set(), 0);
    }

    #[test]
    fn a_full_queue_drops_real_time_signals_of_sigqueue_only() {
        let mut pending = Pending::new();
        let queued = |signal, value| SignalInfo {
            code: SI_QUEUE,
            ..info(signal, value)
        };
        assert!(pending.push(queued(40, 1), false));
        assert!(!pending.push(queued(40, 2), true));
        assert!(pending.push(queued(14, 2), true)); // but what came with it is lost
        assert!(pending.push(info(15, 2), false));
        assert!(pending.push(info(41, 2), true));
        assert_eq!(pending.take(!0), Some(SignalInfo::of_nobody(14)));
        assert_eq!(pending.take(!0), Some(info(15, 2)));
        assert_eq!(pending.queued(), 1);
        assert_eq!(pending.take(bit(41)), Some(SignalInfo::of_nobody(41)));
        assert_eq!(pending.take(bit(41)), None);
    }

    #[test]
    fn expiries_of_a_timer_count_while_its_signal_is_pending() {
        let mut pending = Pending::new();
        let timer = SignalInfo::of_timer(40, 3, 77);
        assert!(!pending.add_overrun(&timer, 1));
        pending.push(timer.with_overrun(2), false);
        assert!(pending.add_overrun(&timer, 5));
        assert!(!pending.add_overrun(&SignalInfo::of_timer(40, 4, 77), 5));
        assert_eq!(pending.take(!0), Some(timer.with_overrun(7)));
        assert_eq!(pending.take(!0), None);
    }

    #[test]
    fn only_wanted_signals_are_taken() {
        let mut pending = Pending::new();
        pending.push(info(2, 0), false);
        pending.push(info(15, 0), false);
        assert_eq!(pending.take(bit(15)), Some(info(15, 0)));
        assert_eq!(pending.take(bit(15)), None);
        assert_eq!(pending.set(), bit(2));
    }
}
