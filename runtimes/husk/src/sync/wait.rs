//! The one way to sleep: register on the queues, then test, then give up the processor.
//!
//! A queue also tells observers (epoll instances) that its file's readiness may have changed.
//! Lock order: a queue's own lock is a leaf; no lock may be held when `wait_until` is called.

use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use super::SpinLock;
use crate::errno::{ERESTARTSYS, ETIMEDOUT, Errno};
use crate::process::thread::{WORK_EXIT, WORK_SIGNAL};
use crate::process::{Thread, scheduler};
use crate::time;

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
    /// Called with the queue unlocked; must not sleep. `key` is what `observe` was given.
    fn notify(&self, key: u64);
}

struct Observation {
    key: u64,
    observer: Weak<dyn Observer>,
}

struct Inner {
    threads: VecDeque<Arc<Thread>>,
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
        let mut inner = self.inner.lock();
        inner.threads.drain(..).for_each(scheduler::wake);
        drop(inner);
        self.tell_observers();
    }

    /// Makes the longest-waiting thread test again (one resource, one taker), and tells observers.
    pub fn wake_one(&self) {
        let first = self.inner.lock().threads.pop_front();
        if let Some(thread) = first {
            scheduler::wake(thread);
        }
        self.tell_observers();
    }

    /// Makes the longest-waiting thread test again because the one woken before it left something:
    /// no news to observers.
    pub fn pass_on(&self) {
        let first = self.inner.lock().threads.pop_front();
        if let Some(thread) = first {
            scheduler::wake(thread);
        }
    }

    /// Tells `observer` of every wake-up from now on; `key` lets it know which queue spoke.
    pub fn observe(&self, key: u64, observer: Weak<dyn Observer>) {
        self.inner
            .lock()
            .observers
            .push(Observation { key, observer });
    }

    /// Ends every observation made with `key` by `observer`.
    pub fn unobserve(&self, key: u64, observer: &Weak<dyn Observer>) {
        let is_other = |o: &Observation| o.key != key || !Weak::ptr_eq(&o.observer, observer);
        self.inner.lock().observers.retain(is_other);
    }

    fn tell_observers(&self) {
        // Indexed, one lock hold at a time: an observer may look at this queue's file again.
        let mut index = 0;
        loop {
            let inner = self.inner.lock();
            let Some(observation) = inner.observers.get(index) else {
                return;
            };
            let (key, observer) = (observation.key, observation.observer.upgrade());
            drop(inner);
            if let Some(observer) = observer {
                observer.notify(key);
            }
            index += 1;
        }
    }

    fn register(&self, thread: &Arc<Thread>) {
        let mut inner = self.inner.lock();
        if !inner.threads.iter().any(|other| Arc::ptr_eq(other, thread)) {
            inner.threads.push_back(thread.clone());
        }
    }

    /// True when the thread was still registered, that is, was not picked by a wake-up.
    fn unregister(&self, thread: &Arc<Thread>) -> bool {
        let mut inner = self.inner.lock();
        let position = inner
            .threads
            .iter()
            .position(|other| Arc::ptr_eq(other, thread));
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
    wait_until_any(&[queue], deadline, predicate)
}

/// As `wait_until`, woken through any of several queues (poll(2), select(2)).
pub fn wait_until_any<T>(
    queues: &[&WaitQueue],
    deadline: Deadline,
    mut predicate: impl FnMut() -> Option<T>,
) -> Result<T, Woken> {
    let mut value = None;
    let mut test = || {
        value = predicate();
        value.is_some()
    };
    wait(queues, deadline, WORK_SIGNAL | WORK_EXIT, &mut test)?;
    value.ok_or(Woken::Interrupted)
}

/// Sleeps until `predicate` gives a value or the thread must exit; other signals wait meanwhile.
pub fn wait_until_killed_or(queue: &WaitQueue, mut predicate: impl FnMut() -> Option<()>) {
    let mut test = || predicate().is_some();
    let _ = wait(&[queue], None, WORK_EXIT, &mut test); // killed: it ends on its way out
}

/// `work` is what ends the wait early (`Thread::work`).
fn wait(
    queues: &[&WaitQueue],
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
        queues.iter().for_each(|queue| queue.register(&thread));
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
        if was_picked && outcome.is_err() {
            queue.wake_one(); // hand the wake-up on to somebody who can use it
        }
    }
    outcome
}
