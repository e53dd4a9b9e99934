//! Timers behind descriptors (timerfd_create(2)).
//!
//! A time on CLOCK_REALTIME is turned into a delay when it is set: setting the clock afterwards
//! moves nothing, and TFD_TIMER_CANCEL_ON_SET has no effect.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::any::Any;

use super::event::anonymous_status;
use super::{Events, File, FileStatus, IoRequest, Sink};
use crate::errno::{EAGAIN, EINVAL, Errno, SysResult};
use crate::sync::{SpinLock, WaitQueue, wait_until};
use crate::time::now_ns;
use crate::time::timer::{self, Expire, TimerId};

const VALUE_BYTES: usize = 8;

/// When a timer expires next and how often after that.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Schedule {
    /// Monotonic; 0 is never.
    pub at_ns: u64,
    /// 0 is once.
    pub interval_ns: u64,
}

#[derive(Default)]
struct State {
    schedule: Schedule,
    armed: Option<TimerId>,
    /// Since the last read.
    expirations: u64,
}

pub struct TimerFile {
    /// CLOCK_* that absolute times are on.
    pub clock: i32,
    state: SpinLock<State>,
    queue: WaitQueue,
    this: Weak<TimerFile>,
}

impl TimerFile {
    pub fn new(clock: i32) -> Arc<TimerFile> {
        Arc::new_cyclic(|this| TimerFile {
            clock,
            state: SpinLock::new(State::default()),
            queue: WaitQueue::new(),
            this: this.clone(),
        })
    }

    /// Arms or disarms; gives what was set before.
    pub fn set(&self, schedule: Schedule) -> Schedule {
        let before = self.get();
        let armed = self.state.lock().armed.take();
        if let Some(armed) = armed {
            timer::disarm(armed);
        }
        // What is due already expires here: the interrupt comes only when the kernel is left.
        let is_due = schedule.at_ns != 0 && schedule.at_ns <= now_ns();
        let armed = if is_due {
            None
        } else {
            self.arm(schedule.at_ns)
        };
        *self.state.lock() = State {
            schedule,
            armed,
            expirations: 0,
        };
        if is_due {
            self.expire(0);
        }
        before
    }

    pub fn get(&self) -> Schedule {
        self.state.lock().schedule
    }

    fn arm(&self, at_ns: u64) -> Option<TimerId> {
        let target: Weak<dyn Expire> = self.this.clone();
        (at_ns != 0).then(|| timer::arm(at_ns, 0, target))
    }

    fn take(&self) -> Option<u64> {
        let mut state = self.state.lock();
        let expirations = core::mem::take(&mut state.expirations);
        (expirations > 0).then_some(expirations)
    }
}

/// Expirations until now of a timer that was due at `at_ns`, and when it is due next.
fn advance(schedule: Schedule, now_ns: u64) -> (u64, u64) {
    let late_ns = now_ns.saturating_sub(schedule.at_ns);
    match late_ns.checked_div(schedule.interval_ns) {
        None => (1, 0),
        Some(missed) => {
            let expirations = missed + 1;
            (
                expirations,
                missed // after which the next may lie past the end of time
                    .saturating_mul(schedule.interval_ns)
                    .saturating_add(schedule.interval_ns)
                    .saturating_add(schedule.at_ns),
            )
        }
    }
}

impl Expire for TimerFile {
    fn expire(&self, _key: u64) {
        let schedule = self.get();
        let (expirations, next_ns) = advance(schedule, now_ns());
        let target: Weak<dyn Expire> = self.this.clone();
        let armed = (next_ns != 0).then(|| timer::arm_again(next_ns, 0, target));
        let mut state = self.state.lock();
        state.schedule.at_ns = next_ns;
        state.armed = armed;
        state.expirations += expirations;
        drop(state);
        self.queue.wake_all();
    }
}

impl File for TimerFile {
    fn read(&self, request: IoRequest, into: &mut dyn Sink) -> SysResult {
        if into.remaining() < VALUE_BYTES {
            return Err(EINVAL);
        }
        let expirations = match self.take() {
            Some(expirations) => expirations,
            None if request.is_nonblocking => return Err(EAGAIN),
            None => wait_until(&self.queue, None, || self.take())?,
        };
        into.put(&expirations.to_ne_bytes())
    }

    fn readiness(&self) -> Events {
        let is_expired = self.state.lock().expirations > 0;
        if is_expired {
            Events::IN | Events::RDNORM
        } else {
            Events::empty()
        }
    }

    fn wait_queue(&self) -> Option<&WaitQueue> {
        Some(&self.queue)
    }

    fn status(&self) -> Result<FileStatus, Errno> {
        Ok(anonymous_status())
    }

    fn path(&self) -> Vec<u8> {
        b"anon_inode:[timerfd]".to_vec()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Drop for TimerFile {
    fn drop(&mut self) {
        let armed = self.state.lock().armed.take();
        if let Some(armed) = armed {
            timer::disarm(armed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_expiry_may_be_never() {
        let hardly_again = Schedule {
            at_ns: 100,
            interval_ns: u64::MAX,
        };
        assert_eq!(advance(hardly_again, 135), (1, u64::MAX));
    }

    #[test]
    fn missed_expirations_are_counted_and_the_beat_is_kept() {
        let every_10 = Schedule {
            at_ns: 100,
            interval_ns: 10,
        };
        assert_eq!(advance(every_10, 100), (1, 110));
        assert_eq!(advance(every_10, 109), (1, 110));
        assert_eq!(advance(every_10, 135), (4, 140));
        assert_eq!(
            advance(
                Schedule {
                    at_ns: 100,
                    interval_ns: 0
                },
                135
            ),
            (1, 0)
        );
    }
}
