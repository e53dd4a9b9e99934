//! Timers that signal: setitimer(2), alarm(2), timer_create(2).
//!
//! ITIMER_VIRTUAL and ITIMER_PROF run on elapsed time, not on processor time: a process of a
//! unikernel that computes has the processor to itself.

use alloc::sync::{Arc, Weak};

use super::signal::{self, SignalInfo};
use super::{Process, scheduler};
use crate::errno::{EAGAIN, EINVAL, Errno};
use crate::sorted_map::SortedMap;
use crate::sync::SpinLock;
use crate::time::now_ns;
use crate::time::timer::{self, Expire, TimerId};

/// When a timer expires next and how often after that; 0 is never.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Monotonic.
    pub at_ns: u64,
    pub interval_ns: u64,
}

/// How an expiry is told.
pub enum Notify {
    Nothing,
    Process(SignalInfo),
    Thread(u32, SignalInfo),
}

struct State {
    schedule: Schedule,
    armed: Option<TimerId>,
    /// Expiries since the one that the last signal is about (timer_getoverrun(2)).
    overrun: u32,
    /// The same of the signal before it.
    overrun_before: u32,
}

/// A timer of a process.
pub struct SignalTimer {
    process: Weak<Process>,
    /// CLOCK_* that absolute times are on.
    pub clock: i32,
    notify: Notify,
    state: SpinLock<State>,
}

impl SignalTimer {
    /// A disarmed timer of the running thread's process.
    pub fn new(clock: i32, notify: Notify) -> Arc<SignalTimer> {
        let state = State {
            schedule: Schedule::default(),
            armed: None,
            overrun: 0,
            overrun_before: 0,
        };
        let process = Arc::downgrade(&scheduler::current().process);
        Arc::new(SignalTimer {
            process,
            clock,
            notify,
            state: SpinLock::new(state),
        })
    }

    /// Arms or, with `at_ns` 0, disarms; returns what was set before.
    pub fn set(self: &Arc<Self>, schedule: Schedule) -> Schedule {
        let old = self.get();
        let armed = self.state.lock().armed.take();
        if let Some(armed) = armed {
            timer::disarm(armed);
        }
        let armed = self.arm(schedule.at_ns);
        *self.state.lock() = State {
            schedule,
            armed,
            overrun: 0,
            overrun_before: 0,
        };
        old
    }

    fn arm(self: &Arc<Self>, at_ns: u64) -> Option<TimerId> {
        let target: Weak<dyn Expire> = Arc::downgrade(self) as Weak<dyn Expire>;
        (at_ns != 0).then(|| timer::arm(at_ns, 0, target))
    }

    /// What is set; a one-shot that has expired is disarmed.
    pub fn get(&self) -> Schedule {
        let state = self.state.lock();
        if state.armed.is_some() {
            state.schedule
        } else {
            Schedule::default()
        }
    }

    /// Of the signal taken last, not of one that pends.
    pub fn overrun(&self) -> u32 {
        let owner = self.process.upgrade();
        let is_pending = owner.is_some_and(|owner| self.add_to_pending(&owner, 0));
        let state = self.state.lock();
        if is_pending {
            state.overrun_before
        } else {
            state.overrun
        }
    }

    /// Signals, unless the last signal is still pending: that one then counts the expiries.
    fn tell(&self, missed: u32) {
        let Some(owner) = self.process.upgrade() else {
            return;
        };
        if self.add_to_pending(&owner, missed + 1) {
            let mut state = self.state.lock();
            state.overrun = state.overrun.saturating_add(missed + 1);
            return;
        }
        let mut state = self.state.lock();
        state.overrun_before = core::mem::replace(&mut state.overrun, missed);
        drop(state);
        match &self.notify {
            Notify::Nothing => {}
            Notify::Process(info) => {
                signal::send_to_process(&owner, info.with_overrun(missed));
            }
            Notify::Thread(tid, info) => {
                if let Some(thread) = scheduler::find(*tid) {
                    signal::send_to_thread(&thread, info.with_overrun(missed));
                }
            }
        }
    }

    /// Counts expiries in this timer's signal if it is pending; false when none is.
    fn add_to_pending(&self, owner: &Process, count: u32) -> bool {
        match &self.notify {
            Notify::Nothing => false,
            Notify::Process(info) => owner.signals.add_overrun(info, count),
            Notify::Thread(tid, info) => scheduler::find(*tid)
                .is_some_and(|thread| thread.signals.lock().pending.add_overrun(info, count)),
        }
    }
}

impl Expire for SignalTimer {
    fn expire(&self, _key: u64) {
        let mut state = self.state.lock();
        state.armed = None;
        let Schedule { at_ns, interval_ns } = state.schedule;
        let mut missed = 0;
        if let Some(intervals) = now_ns().saturating_sub(at_ns).checked_div(interval_ns) {
            missed = intervals.min(i32::MAX as u64 / 2) as u32;
            let passed_ns = intervals.saturating_mul(interval_ns);
            let next_ns = at_ns.saturating_add(passed_ns);
            state.schedule.at_ns = next_ns.saturating_add(interval_ns);
        }
        drop(state);
        if interval_ns != 0 {
            self.rearm();
        }
        self.tell(missed);
    }
}

impl SignalTimer {
    fn rearm(&self) {
        let Some(owner) = self.process.upgrade() else {
            return;
        };
        let Some(this) = owner.timers.find_arc(self) else {
            return;
        };
        let at_ns = self.state.lock().schedule.at_ns;
        let target: Weak<dyn Expire> = Arc::downgrade(&this) as Weak<dyn Expire>;
        self.state.lock().armed = Some(timer::arm_again(at_ns, 0, target));
    }
}

const CLOCK_REALTIME: i32 = 0;
/// Interval timers count from here; timer_create's ids are below.
const FIRST_INTERVAL_TIMER: u32 = 1 << 30;
/// Timers a process may have.
const LIMIT: usize = 1024;

/// Every timer of a process.
#[derive(Default)]
pub struct ProcessTimers {
    timers: SpinLock<SortedMap<u32, Arc<SignalTimer>>>,
}

impl ProcessTimers {
    /// Adds a timer, made knowing its id, the lowest free; returns the id.
    pub fn add(
        &self,
        make: impl FnOnce(u32) -> Result<Arc<SignalTimer>, Errno>,
    ) -> Result<u32, Errno> {
        let mut timers = self.timers.lock();
        if timers.len() >= LIMIT {
            return Err(EAGAIN);
        }
        let id = (0..).find(|id| !timers.contains_key(id)).ok_or(EAGAIN)?;
        timers.insert(id, make(id)?);
        Ok(id)
    }

    pub fn get(&self, id: u32) -> Result<Arc<SignalTimer>, Errno> {
        if id >= FIRST_INTERVAL_TIMER {
            return Err(EINVAL);
        }
        self.timers.lock().get(&id).cloned().ok_or(EINVAL)
    }

    pub fn remove(&self, id: u32) -> Result<(), Errno> {
        self.get(id)?.set(Schedule::default());
        self.timers.lock().remove(&id);
        Ok(())
    }

    /// ITIMER_REAL, ITIMER_VIRTUAL or ITIMER_PROF, made when first asked for.
    pub fn interval_timer(&self, which: u32) -> Result<Arc<SignalTimer>, Errno> {
        let signals = [signal::SIGALRM, signal::SIGVTALRM, signal::SIGPROF];
        let signal = *signals.get(which as usize).ok_or(EINVAL)?;
        let id = FIRST_INTERVAL_TIMER + which;
        if let Some(timer) = self.timers.lock().get(&id) {
            return Ok(timer.clone());
        }
        let timer = SignalTimer::new(
            CLOCK_REALTIME,
            Notify::Process(SignalInfo::from_kernel(signal)),
        );
        self.timers.lock().insert(id, timer.clone());
        Ok(timer)
    }

    /// Disarms and forgets all: the process is over.
    pub fn clear(&self) {
        let timers = core::mem::take(&mut *self.timers.lock());
        timers.into_values().for_each(|timer| {
            timer.set(Schedule::default());
        });
    }

    /// Disarms and forgets those of timer_create(2); interval timers go on (execve(2)).
    pub fn clear_created(&self) {
        let mut id = 0;
        while let Some(next) = self.created_from(id) {
            let _ = self.remove(next);
            id = next + 1;
        }
    }

    fn created_from(&self, first: u32) -> Option<u32> {
        let timers = self.timers.lock();
        let mut ids = timers.iter().map(|(&id, _)| id);
        ids.find(|&id| (first..FIRST_INTERVAL_TIMER).contains(&id))
    }

    fn find_arc(&self, timer: &SignalTimer) -> Option<Arc<SignalTimer>> {
        let timers = self.timers.lock();
        timers
            .values()
            .find(|other| core::ptr::eq(Arc::as_ptr(other), timer))
            .cloned()
    }
}
