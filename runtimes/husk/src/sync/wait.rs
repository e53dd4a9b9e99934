//! The one way to sleep: register on the queues, then test, then give up the processor.
//!
//! A queue also tells observers (epoll instances) that its file's readiness may have changed.
//! Lock order: a queue's own lock is a leaf; no lock may be held when `wait_until` is called.

use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use super::SpinLock;
use crate::errno::{ERESTARTSYS, ETIMEDOUT, Errno, SysResult};
use crate::mm::heap;
use crate::process::thread::{WORK_EXIT, WORK_SIGNAL};
use crate::process::{Thread, scheduler};
use crate::time;

const ANY_EVENT: u32 = u32::MAX;

/// An absolute monotonic time in nanoseconds, or never.
pub type Deadline = Option<u64>;

/// Why a wait ended without what it waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Woken {
    TimedOut,
    /// A signal is deliverable to the waiting thread (signal(7) § Interruption).
    Interrupted,
}

impl From<Woken> for Errno {
    fn from(woken: Woken) -> Errno {
        match woken {
            Woken::TimedOut => ETIMEDOUT,
            Woken::Interrupted => ERESTARTSYS,
        }
    }
}

/// Something told of every wake-up of a queue, without sleeping on it.
pub trait Observer: Send + Sync {
    /// Called with the queue unlocked; must not sleep. `key` is what `observe` was given, `events`
    /// what may have come, as poll(2) has them. True when that made a thread run that was waiting
    /// for it.
    fn notify(&self, key: u64, events: u32) -> bool;

    /// How many observers stand one on the other, this being the lowest; EINVAL when more than
    /// `visits` are met, of which those met are taken.
    fn height(&self, visits: &mut usize) -> SysResult;
}

struct Observation {
    key: u64,
    observer: Weak<dyn Observer>,
    /// EPOLLEXCLUSIVE: of these, `wake_one` tells only the first that has a thread waiting.
    is_exclusive: bool,
}

struct Waiter {
    thread: Arc<Thread>,
    /// Waits for this queue alone and takes what it waits for; others only look (poll(2)).
    is_taker: bool,
}

struct Inner {
    threads: VecDeque<Waiter>,
    observers: Vec<Observation>,
}

/// Threads that wait for something, and observers of it.
pub struct WaitQueue {
    inner: SpinLock<Inner>,
}

impl Default for WaitQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl WaitQueue {
    pub const fn new() -> Self {
        let inner = Inner {
            threads: VecDeque::new(),
            observers: Vec::new(),
        };
        Self {
            inner: SpinLock::new(inner),
        }
    }

    /// Makes every waiting thread test again, and tells every observer.
    pub fn wake_all(&self) {
        self.wake_all_for(ANY_EVENT);
    }

    /// As `wake_all`, when nothing but `events` can have come: an edge for nothing else (epoll(7)).
    pub fn wake_all_for(&self, events: u32) {
        let mut inner = self.inner.lock();
        let waiters = inner.threads.drain(..);
        waiters.for_each(|waiter| scheduler::wake(waiter.thread));
        drop(inner);
        self.tell_observers(false, events);
    }

    /// Makes the longest-waiting taker test again (one resource, one taker) and all who only look,
    /// and tells observers. True when that made a thread run.
    pub fn wake_one(&self) -> bool {
        let is_taken = self.wake_first();
        self.tell_observers(is_taken, ANY_EVENT) || is_taken
    }

    /// As `wake_one`, because the one woken before left something: no news to observers.
    pub fn pass_on(&self) {
        self.wake_first();
    }

    /// True when it woke somebody who takes.
    fn wake_first(&self) -> bool {
        let mut is_taken = false;
        self.inner.lock().threads.retain(|waiter| {
            let stays = waiter.is_taker && is_taken;
            is_taken |= waiter.is_taker;
            if !stays {
                scheduler::wake(waiter.thread.clone());
            }
            stays
        });
        is_taken
    }

    /// Tells `observer` of every wake-up from now on; `key` lets it know which queue spoke.
    pub fn observe(
        &self,
        key: u64,
        observer: Weak<dyn Observer>,
        is_exclusive: bool,
    ) -> Result<(), Errno> {
        let observation = Observation {
            key,
            observer,
            is_exclusive,
        };
        heap::push(&mut self.inner.lock().observers, observation)
    }

    /// `Observer::height` of the highest one; 0 without any.
    pub fn height(&self, visits: &mut usize) -> SysResult {
        let mut highest = 0;
        for index in 0.. {
            let inner = self.inner.lock();
            let Some(observation) = inner.observers.get(index) else {
                break;
            };
            let observer = observation.observer.upgrade();
            drop(inner);
            if let Some(observer) = observer {
                highest = highest.max(observer.height(visits)?);
            }
        }
        Ok(highest)
    }

    /// Ends the observation made with `key` by `observer`; the last ones are found first.
    pub fn unobserve(&self, key: u64, observer: &Weak<dyn Observer>) {
        let is_it = |o: &Observation| o.key == key && Weak::ptr_eq(&o.observer, observer);
        let observers = &mut self.inner.lock().observers;
        let place = observers.iter().rposition(is_it);
        let ended = place.map(|place| observers.remove(place));
        drop(ended);
    }

    /// Ends those of observers that are no more.
    pub fn forget_gone(&self) {
        let is_there = |o: &Observation| o.observer.strong_count() > 0;
        self.inner.lock().observers.retain(is_there);
    }

    /// Tells all observers, but those that are exclusive only until one of them took the news.
    /// True when one of them did.
    fn tell_observers(&self, mut is_taken: bool, events: u32) -> bool {
        // Indexed, one lock hold at a time: an observer may look at this queue's file again.
        let mut index = 0;
        let mut is_told = false;
        loop {
            let inner = self.inner.lock();
            let Some(observation) = inner.observers.get(index) else {
                return is_told;
            };
            let is_for_it = !(is_taken && observation.is_exclusive);
            let is_exclusive = observation.is_exclusive;
            let (key, observer) = (observation.key, observation.observer.upgrade());
            drop(inner);
            if let Some(observer) = observer.filter(|_| is_for_it) {
                let took = observer.notify(key, events);
                is_told |= took;
                is_taken |= took && is_exclusive;
            }
            index += 1;
        }
    }

    fn register(&self, thread: &Arc<Thread>, is_taker: bool) {
        let mut inner = self.inner.lock();
        let is_there = |waiter: &Waiter| Arc::ptr_eq(&waiter.thread, thread);
        if !inner.threads.iter().any(is_there) {
            inner.threads.push_back(Waiter {
                thread: thread.clone(),
                is_taker,
            });
        }
    }

    /// True when the thread was still registered, that is, was not picked by a wake-up.
    fn unregister(&self, thread: &Arc<Thread>) -> bool {
        let mut inner = self.inner.lock();
        let position = inner
            .threads
            .iter()
            .position(|waiter| Arc::ptr_eq(&waiter.thread, thread));
        position
            .and_then(|index| inner.threads.remove(index))
            .is_some()
    }
}

/// Sleeps until `predicate` gives a value, the deadline passes or a signal comes.
pub fn wait_until<T>(
    queue: &WaitQueue,
    deadline: Deadline,
    predicate: impl FnMut() -> Option<T>,
) -> Result<T, Woken> {
    wait_for(&[queue], true, deadline, predicate)
}

/// As `wait_until`, woken through any of several queues (poll(2), select(2)); takes nothing.
pub fn wait_until_any<T>(
    queues: &[&WaitQueue],
    deadline: Deadline,
    predicate: impl FnMut() -> Option<T>,
) -> Result<T, Woken> {
    wait_for(queues, false, deadline, predicate)
}

fn wait_for<T>(
    queues: &[&WaitQueue],
    is_taker: bool,
    deadline: Deadline,
    mut predicate: impl FnMut() -> Option<T>,
) -> Result<T, Woken> {
    let mut value = None;
    let mut test = || {
        value = predicate();
        value.is_some()
    };
    wait(
        queues,
        is_taker,
        deadline,
        WORK_SIGNAL | WORK_EXIT,
        &mut test,
    )?;
    value.ok_or(Woken::Interrupted)
}

/// Sleeps until `predicate` gives a value or the thread must exit; other signals wait meanwhile.
pub fn wait_until_killed_or(queue: &WaitQueue, mut predicate: impl FnMut() -> Option<()>) {
    let mut test = || predicate().is_some();
    let _ = wait(&[queue], true, None, WORK_EXIT, &mut test); // killed: it ends on its way out
}

/// `work` is what ends the wait early (`Thread::work`).
fn wait(
    queues: &[&WaitQueue],
    is_taker: bool,
    deadline: Deadline,
    work: u32,
    test: &mut dyn FnMut() -> bool,
) -> Result<(), Woken> {
    if test() {
        return Ok(());
    }
    let thread = scheduler::current_arc();
    let outcome = loop {
        thread.prepare_to_wait();
        let register = |queue: &&WaitQueue| queue.register(&thread, is_taker);
        queues.iter().for_each(register);
        if test() {
            break Ok(());
        }
        if thread.has_work(work) {
            break Err(Woken::Interrupted);
        }
        if deadline.is_some_and(|at_ns| time::now_ns() >= at_ns) {
            break Err(Woken::TimedOut);
        }
        scheduler::sleep(deadline);
    };
    thread.finish_waiting();
    for queue in queues {
        let was_picked = !queue.unregister(&thread);
        if was_picked && is_taker && outcome.is_err() {
            queue.wake_one(); // hand the wake-up on to somebody who can use it
        }
    }
    outcome
}
