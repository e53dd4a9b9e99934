//! Which thread runs: one run queue, round robin, a time slice for the application.
//!
//! The kernel is not preempted; a thread gives up the processor when it sleeps, exits, or is
//! interrupted in the application after its slice. Lock order: `QUEUE` is a leaf.

use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use core::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use super::Thread;
use super::thread::State;
use crate::arch::context::husk_switch;
use crate::arch::{cpu, interrupt, percpu, tables};
use crate::sorted_map::SortedMap;
use crate::sync::{Deadline, SpinLock};
use crate::time;
use crate::time::timer;
use crate::{boot, net};

/// How long a thread computes while others are ready to.
const SLICE_NS: u64 = 10_000_000;

static QUEUE: SpinLock<VecDeque<Arc<Thread>>> = SpinLock::new(VecDeque::new());
/// Every live thread by id, for tgkill(2) and timed sleeps.
static THREADS: SpinLock<SortedMap<u32, Weak<Thread>>> = SpinLock::new(SortedMap::new());
/// Threads alive, for the leak counts.
static COUNT: AtomicUsize = AtomicUsize::new(0);
/// The thread switched away from last; if it is dead, the next one frees it.
static PREVIOUS: AtomicPtr<Thread> = AtomicPtr::new(core::ptr::null_mut());
/// Where boot goes on when no thread is left.
static BOOT_RSP: AtomicUsize = AtomicUsize::new(0);
static SLICE_END_NS: AtomicU64 = AtomicU64::new(u64::MAX);

/// The running thread. Lives at least until it exits, which it does itself.
pub fn current() -> &'static Thread {
    // SAFETY: `current` points to the running thread, kept alive by its reference in `run`; it is
    // null only before the first program, when nothing calls this (`has_no_thread`).
    unsafe { &*(*percpu::this()).current }
}

/// A counted reference to the running thread.
pub fn current_arc() -> Arc<Thread> {
    let pointer: *const Thread = current();
    // SAFETY: the pointer came from Arc::into_raw in `run`; its count is raised for the new one.
    unsafe {
        Arc::increment_strong_count(pointer);
        Arc::from_raw(pointer)
    }
}

/// True during boot, before the first program.
pub fn has_no_thread() -> bool {
    // SAFETY: this processor's area, interrupts off.
    unsafe { (*percpu::this()).current.is_null() }
}

/// Makes a new thread known and ready to run.
pub fn start(thread: Arc<Thread>) {
    COUNT.fetch_add(1, Ordering::Relaxed);
    THREADS.lock().insert(thread.tid(), Arc::downgrade(&thread));
    wake(thread);
}

/// Makes a waiting thread ready to run; anything else is left as it is.
pub fn wake(thread: Arc<Thread>) {
    if !thread.become_runnable() {
        return;
    }
    let mut queue = QUEUE.lock();
    queue.push_back(thread);
    let is_first = queue.len() == 1;
    drop(queue);
    if is_first {
        // The running thread had the processor to itself: from now on it has its slice.
        time::alarm::set(SLICE_END_NS.load(Ordering::Relaxed));
    }
}

/// As `wake`, by id.
pub fn wake_by_tid(tid: u32) {
    if let Some(thread) = find(tid) {
        wake(thread);
    }
}

/// A live thread.
pub fn find(tid: u32) -> Option<Arc<Thread>> {
    THREADS
        .lock()
        .get(&tid)?
        .upgrade()
        .filter(|thread| !thread.is_dead())
}

/// The running thread is known by another id from now on (execve(2)).
pub fn rename_current(tid: u32) {
    let thread = current_arc();
    let mut threads = THREADS.lock();
    threads.remove(&thread.tid());
    thread.set_tid(tid);
    threads.insert(tid, Arc::downgrade(&thread));
}

/// Takes a thread that was woken before it slept back out of the run queue.
pub fn forget(thread: &Arc<Thread>) {
    QUEUE.lock().retain(|queued| !Arc::ptr_eq(queued, thread));
}

/// Threads alive.
pub fn count() -> usize {
    COUNT.load(Ordering::Relaxed)
}

/// Gives up the processor until woken or until the deadline. The caller has prepared to wait.
pub fn sleep(deadline: Deadline) {
    let thread = current_arc();
    let target: Weak<dyn timer::Expire> = Arc::downgrade(&thread) as Weak<dyn timer::Expire>;
    let alarm = deadline.map(|at_ns| timer::arm(at_ns, 0, target));
    drop(thread);
    schedule();
    if let Some(alarm) = alarm {
        timer::disarm(alarm);
    }
}

/// Lets the other ready threads run first (sched_yield(2)).
pub fn yield_now() {
    let thread = current_arc();
    thread.prepare_to_wait();
    wake(thread);
    schedule();
}

/// After an interrupt of the application: on to the next thread when the slice is over.
pub fn end_of_interrupt() {
    if QUEUE.lock().is_empty() {
        return;
    }
    let now_ns = time::now_ns();
    let end_ns = SLICE_END_NS.load(Ordering::Relaxed);
    if now_ns >= end_ns {
        yield_now();
    } else {
        time::alarm::set(end_ns.min(now_ns + slice_ns()));
    }
}

/// Ends the running thread: it is never scheduled again.
pub fn exit_current() -> ! {
    let thread = current();
    thread.set_state(State::Dead);
    THREADS.lock().remove(&thread.tid());
    if COUNT.fetch_sub(1, Ordering::Relaxed) == 1 {
        return_to_boot();
    }
    schedule();
    unreachable!("a dead thread was scheduled")
}

/// Runs threads until the last one has ended and is gone. Called on boot's stack, which is where
/// nothing of a program is left.
pub fn run_until_all_exited() {
    let next = next_ready();
    enter(BOOT_RSP.as_ptr(), next);
    free_previous();
    tables::use_idle_interrupt_stack();
}

/// From the last thread's stack back to boot's.
fn return_to_boot() {
    let mut lost_rsp = 0usize;
    let area = percpu::this();
    // SAFETY: this processor's area, interrupts off; boot waits in `run_until_all_exited`, where it
    // saved its RSP. The reference to the ended thread is freed there.
    unsafe {
        let previous = (*area).current;
        (*area).current = core::ptr::null();
        PREVIOUS.store(previous.cast_mut(), Ordering::Relaxed);
        husk_switch(&raw mut lost_rsp, BOOT_RSP.load(Ordering::Relaxed));
    }
}

fn schedule() {
    let thread = current();
    let now_ns = time::now_ns();
    let began_ns = thread.running_since_ns.load(Ordering::Relaxed);
    thread
        .cpu_ns
        .fetch_add(now_ns.saturating_sub(began_ns), Ordering::Relaxed);
    let next = next_ready();
    if core::ptr::eq(Arc::as_ptr(&next), thread) {
        next.set_state(State::Running);
        let now_ns = time::now_ns(); // the time it was idle is nobody's
        next.running_since_ns.store(now_ns, Ordering::Relaxed);
        begin_slice(now_ns);
        return;
    }
    // SAFETY: the running thread's own state, about to be left.
    unsafe { (*thread.extended()).save() };
    // SAFETY: only the address is taken; `switch` writes through it once this thread is left.
    let saved_rsp = unsafe { &raw mut (*thread.context()).rsp };
    enter(saved_rsp, next);
    husk_finish_switch();
}

/// The next thread in the run queue, idling until there is one.
fn next_ready() -> Arc<Thread> {
    loop {
        if let Some(thread) = QUEUE.lock().pop_front() {
            return thread;
        }
        SLICE_END_NS.store(u64::MAX, Ordering::Relaxed);
        if !net::before_idle() {
            interrupt::idle();
        }
    }
}

/// Saves RSP, leaves this stack for the thread's, and returns when somebody switches back.
fn enter(saved_rsp: *mut usize, next: Arc<Thread>) {
    let area = percpu::this();
    next.set_state(State::Running);
    let now_ns = time::now_ns();
    next.running_since_ns.store(now_ns, Ordering::Relaxed);
    begin_slice(now_ns);
    // SAFETY: this processor's area, interrupts off; `next` is alive through the reference that
    // becomes `current`, and the one given up goes to PREVIOUS.
    unsafe {
        let previous = (*area).current;
        let needs_space = previous.is_null() || !Arc::ptr_eq(&(*previous).process, &next.process);
        if needs_space {
            next.process.space().activate();
        }
        (*area).kernel_stack_top = next.stack.top();
        tables::set_interrupt_stack(next.stack.top());
        let to = (*next.context()).rsp;
        (*area).current = Arc::into_raw(next);
        PREVIOUS.store(previous.cast_mut(), Ordering::Relaxed);
        husk_switch(saved_rsp, to);
    }
}

/// First thing on the new thread's stack: its FS base and extended state, and farewell to the old.
#[unsafe(no_mangle)]
extern "C" fn husk_finish_switch() {
    let thread = current();
    cpu::write_msr(
        cpu::IA32_FS_BASE,
        thread.fs_base.load(Ordering::Relaxed) as u64,
    );
    // SAFETY: the running thread's own saved state.
    unsafe { (*thread.extended()).restore() };
    free_previous();
}

fn free_previous() {
    let previous = PREVIOUS.swap(core::ptr::null_mut(), Ordering::Relaxed);
    if !previous.is_null() {
        // SAFETY: the reference `switch` gave up; the thread is off its stack by now.
        drop(unsafe { Arc::from_raw(previous.cast_const()) });
    }
}

/// As long as usual, or as the command line says.
/// How long a thread runs while others wait.
pub fn slice_ns() -> u64 {
    boot::options()
        .slice_us
        .map_or(SLICE_NS, |slice_us| slice_us * 1000)
}

fn begin_slice(now_ns: u64) {
    let end_ns = now_ns + slice_ns();
    SLICE_END_NS.store(end_ns, Ordering::Relaxed);
    if !QUEUE.lock().is_empty() {
        time::alarm::set(end_ns);
    }
}

/// Interrupts build their frame on the running thread's stack again.
pub fn restore_interrupt_stack() {
    // SAFETY: this processor's area, interrupts off.
    let top = unsafe { (*percpu::this()).kernel_stack_top };
    if top != 0 {
        tables::set_interrupt_stack(top);
    }
}
