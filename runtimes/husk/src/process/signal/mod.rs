//! Signals (signal(7)): what is pending, who is told, what is done about it.
//!
//! Not here: core files.
//! Lock order: `SharedSignals` and `Thread::signals` are leaves and never held together.

pub mod action;
pub mod deliver;
pub mod frame;
pub mod info;
pub mod pending;

use alloc::sync::Arc;

pub use action::{Action, SharedSignals};
pub use deliver::{before_return, deadline_of_call, keep_deadline, raise_for_exception};
pub use info::SignalInfo;
pub use pending::{Pending, ThreadSignals};

use super::limits::RLIMIT_SIGPENDING;
use super::thread::WORK_SIGNAL;
use super::{Process, Thread, exit, scheduler, stop};
use crate::errno::{EINVAL, Errno};

/// A set of signals, bit n-1 for signal n (sigset_t as the kernel has it).
pub type SignalSet = u64;

/// Highest signal number.
pub const LAST: u32 = 64;
/// First real-time signal as the kernel counts.
pub const FIRST_REALTIME: u32 = 32;

pub const SIGHUP: u32 = 1;
pub const SIGILL: u32 = 4;
pub const SIGTRAP: u32 = 5;
pub const SIGABRT: u32 = 6;
pub const SIGBUS: u32 = 7;
pub const SIGFPE: u32 = 8;
pub const SIGKILL: u32 = 9;
pub const SIGSEGV: u32 = 11;
pub const SIGPIPE: u32 = 13;
pub const SIGALRM: u32 = 14;
pub const SIGTERM: u32 = 15;
pub const SIGCHLD: u32 = 17;
pub const SIGCONT: u32 = 18;
pub const SIGSTOP: u32 = 19;
pub const SIGVTALRM: u32 = 26;
pub const SIGPROF: u32 = 27;

/// SIGSTOP, SIGTSTP, SIGTTIN and SIGTTOU follow each other.
const LAST_STOP: u32 = 22;

/// The set that holds just `signal`.
pub const fn bit(signal: u32) -> SignalSet {
    1 << (signal - 1)
}

/// SIGKILL and SIGSTOP can be neither blocked nor handled.
pub const UNBLOCKABLE: SignalSet = bit(SIGKILL) | bit(SIGSTOP);

/// A signal number from a register: EINVAL outside 1..64.
pub fn number(raw: u32) -> Result<u32, Errno> {
    if (1..=LAST).contains(&raw) {
        Ok(raw)
    } else {
        Err(EINVAL)
    }
}

/// Sends to a process: some thread that does not block it will take it. False when its queue is full.
pub fn send_to_process(process: &Process, info: SignalInfo) -> bool {
    if note_control(process, info.signal) {
        return true;
    }
    if process.signals.ignores(info.signal) && !is_blocked_everywhere(process, info.signal) {
        return true;
    }
    let is_queued = process.signals.push(info, has_no_room(process, &info));
    if let Some(thread) = choose_thread(process, info.signal) {
        thread.add_work(WORK_SIGNAL);
        scheduler::wake(thread);
    }
    process.signals.arrival.wake_all();
    is_queued
}

/// Sends to one thread (tgkill(2)). False when its queue is full.
pub fn send_to_thread(thread: &Arc<Thread>, info: SignalInfo) -> bool {
    if note_control(&thread.process, info.signal) {
        return true;
    }
    let is_full = has_no_room(&thread.process, &info);
    let mut signals = thread.signals.lock();
    let is_blocked = signals.blocked & bit(info.signal) != 0;
    if !is_blocked && thread.process.signals.ignores(info.signal) {
        return true;
    }
    let is_queued = signals.pending.push(info, is_full);
    drop(signals);
    if !is_blocked {
        thread.add_work(WORK_SIGNAL);
    }
    scheduler::wake(thread.clone());
    thread.process.signals.arrival.wake_all();
    is_queued
}

/// RLIMIT_SIGPENDING, which is of real-time signals and those of sigqueue(3). Of a timer's one waits
/// at most: it always has its place.
fn has_no_room(process: &Process, info: &SignalInfo) -> bool {
    let is_limited = info.signal >= FIRST_REALTIME || info.code < 0;
    if !is_limited || info.code == info::SI_TIMER {
        return false;
    }
    let limit = process.limits.lock().soft[RLIMIT_SIGPENDING];
    queued(process) as u64 >= limit
}

/// Signals that wait with their circumstances, for the process or one of its threads.
pub fn queued(process: &Process) -> usize {
    let of_thread = |thread: &Arc<Thread>| thread.signals.lock().pending.queued();
    let of_threads: usize = process.threads.lock().iter().map(of_thread).sum();
    process.signals.queued() + of_threads
}

/// What the sending of a signal does whoever takes it, and when (signal(7)): SIGKILL ends the
/// process, SIGCONT lets it go on, and that and stopping cancel each other. True when that was all.
fn note_control(process: &Process, signal: u32) -> bool {
    match signal {
        SIGKILL => {
            exit::kill(process);
            return true;
        }
        SIGCONT => {
            (SIGSTOP..=LAST_STOP).for_each(|stop| discard(process, stop));
            stop::go_on(process, SIGCONT);
        }
        SIGSTOP..=LAST_STOP => discard(process, SIGCONT),
        _ => {}
    }
    false
}

/// Forgets a signal wherever it is pending.
pub fn discard(process: &Process, signal: u32) {
    process.signals.discard(signal);
    for thread in process.threads.lock().iter() {
        thread.signals.lock().pending.discard(signal);
    }
}

/// Sends to the running thread, as the kernel does for SIGPIPE.
pub fn send_to_current(signal: u32) {
    let thread = scheduler::current_arc();
    let info = match signal {
        SIGPIPE => SignalInfo::from_current(signal, info::SI_USER), // as Linux has it
        _ => SignalInfo::from_kernel(signal),
    };
    send_to_thread(&thread, info);
}

/// A thread that can take the signal now: the running one if it can, else the first. A thread in
/// sigtimedwait(2) for it counts as one that can.
fn choose_thread(process: &Process, signal: u32) -> Option<Arc<Thread>> {
    let threads = process.threads.lock();
    let takes = |thread: &Arc<Thread>| thread.signals.lock().accepts(signal);
    let running: *const Thread = scheduler::current();
    let is_running = |thread: &&Arc<Thread>| core::ptr::eq(Arc::as_ptr(thread), running);
    let first = threads
        .iter()
        .find(|thread| is_running(thread) && takes(thread));
    first
        .or_else(|| threads.iter().find(|thread| takes(thread)))
        .cloned()
}

fn is_blocked_everywhere(process: &Process, signal: u32) -> bool {
    let threads = process.threads.lock();
    threads
        .iter()
        .all(|thread| thread.signals.lock().blocked & bit(signal) != 0)
}

/// Replaces the running thread's mask and returns the old one.
pub fn set_mask(blocked: SignalSet) -> SignalSet {
    let thread = scheduler::current();
    let old = core::mem::replace(&mut thread.signals.lock().blocked, blocked & !UNBLOCKABLE);
    thread.add_work(WORK_SIGNAL); // what is pending may have become deliverable
    clear_work_if_nothing_pends(thread);
    old
}

/// Replaces the mask until the call returns or a handler ran (sigsuspend(2), ppoll(2)): delivery
/// puts the old mask back, after the handler if one runs.
pub fn set_mask_for_this_call(blocked: SignalSet) {
    let old = set_mask(blocked);
    let thread = scheduler::current();
    thread.signals.lock().saved_mask = Some(old);
    thread.work.fetch_or(
        super::thread::WORK_FULL_RESTORE,
        core::sync::atomic::Ordering::AcqRel,
    );
}

fn clear_work_if_nothing_pends(thread: &Thread) {
    if deliver::deliverable(thread) == 0 {
        thread
            .work
            .fetch_and(!WORK_SIGNAL, core::sync::atomic::Ordering::AcqRel);
    }
}

/// Takes a pending signal of `set` for the running thread, its own first (sigwaitinfo(2)).
pub fn take_pending(set: SignalSet) -> Option<SignalInfo> {
    let thread = scheduler::current();
    let own = thread.signals.lock().pending.take(set);
    own.or_else(|| thread.process.signals.take(set))
}

/// Every signal pending for the running thread (sigpending(2)).
pub fn pending_set() -> SignalSet {
    let thread = scheduler::current();
    let own = thread.signals.lock().pending.set();
    own | thread.process.signals.pending_set()
}
