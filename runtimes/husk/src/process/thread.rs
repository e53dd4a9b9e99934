//! A thread: a kernel stack, a saved context, and what clone(2) makes per thread.

use alloc::sync::Arc;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicI32, AtomicU8, AtomicU32, AtomicUsize, Ordering};

use super::Process;
use super::signal::ThreadSignals;
use crate::arch::context::{Context, ExtendedState};
use crate::arch::cpu;
use crate::arch::trap::TrapFrame;
use crate::errno::Errno;
use crate::mm::stack::KernelStack;
use crate::sync::SpinLock;
use crate::time::timer::Expire;

/// `Thread::work`: look at pending signals before returning to the application.
pub const WORK_SIGNAL: u32 = 1;
/// `Thread::work`: the thread must exit (exit_group(2), a fatal signal).
pub const WORK_EXIT: u32 = 2;
/// `Thread::work`: every register was replaced (rt_sigreturn(2), execve(2)): return by IRET.
pub const WORK_FULL_RESTORE: u32 = 4;

/// What PR_SET_TIMERSLACK with 0 goes back to.
pub const DEFAULT_SLACK_NS: usize = 50_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum State {
    Running = 0,
    /// In the run queue.
    Runnable = 1,
    /// Registered on wait queues.
    Waiting = 2,
    Dead = 3,
}

/// A thread of the application. `work` is first: entry code tests it at offset 0.
#[repr(C)]
pub struct Thread {
    pub work: AtomicU32,
    /// Changes once at most: execve(2) makes the thread that calls it the first of its process.
    tid: AtomicU32,
    state: AtomicU8,
    pub process: Arc<Process>,
    pub stack: KernelStack,
    context: UnsafeCell<Context>,
    extended: UnsafeCell<ExtendedState>,
    /// FS base: the thread pointer (arch_prctl(2)).
    pub fs_base: AtomicUsize,
    /// set_tid_address(2): zeroed and woken at exit.
    pub clear_child_tid: AtomicUsize,
    /// set_robust_list(2).
    pub robust_list: AtomicUsize,
    pub signals: SpinLock<ThreadSignals>,
    /// PR_SET_NAME, NUL-padded.
    pub name: SpinLock<[u8; 16]>,
    /// setpriority(2), and a policy of sched_setscheduler(2).
    pub nice: AtomicI32,
    pub policy: AtomicU32,
    /// prctl(2) PR_SET_TIMERSLACK: kept and told.
    pub slack_ns: AtomicUsize,
    /// Nanoseconds of processor time used, and when it last began to run.
    pub cpu_ns: core::sync::atomic::AtomicU64,
    pub running_since_ns: core::sync::atomic::AtomicU64,
}

// SAFETY: `context` and `extended` are touched only by the scheduler while the thread is off the
// processor or switching; everything else is atomic or locked.
unsafe impl Sync for Thread {}
// SAFETY: as above.
unsafe impl Send for Thread {}

impl Thread {
    /// A thread that will return to the application with `frame`'s registers when first scheduled.
    pub fn new(process: Arc<Process>, tid: u32, frame: &TrapFrame) -> Result<Arc<Thread>, Errno> {
        let stack = KernelStack::new()?;
        let context = Context::returning_with(&stack, frame);
        Ok(Arc::new(Thread {
            work: AtomicU32::new(0),
            tid: AtomicU32::new(tid),
            state: AtomicU8::new(State::Waiting as u8),
            process,
            stack,
            context: UnsafeCell::new(context),
            extended: UnsafeCell::new(ExtendedState::initial()?),
            fs_base: AtomicUsize::new(0),
            clear_child_tid: AtomicUsize::new(0),
            robust_list: AtomicUsize::new(0),
            signals: SpinLock::new(ThreadSignals::default()),
            name: SpinLock::new([0; 16]),
            nice: AtomicI32::new(0),
            policy: AtomicU32::new(0),
            slack_ns: AtomicUsize::new(DEFAULT_SLACK_NS),
            cpu_ns: core::sync::atomic::AtomicU64::new(0),
            running_since_ns: core::sync::atomic::AtomicU64::new(0),
        }))
    }

    /// The id that gettid(2) tells.
    pub fn tid(&self) -> u32 {
        self.tid.load(Ordering::Relaxed)
    }

    pub fn set_tid(&self, tid: u32) {
        self.tid.store(tid, Ordering::Relaxed);
    }

    /// The registers the application had when it entered the kernel; what it returns with.
    #[allow(clippy::mut_from_ref)]
    pub fn frame(&self) -> &mut TrapFrame {
        // SAFETY: the frame lives at the top of this thread's kernel stack for as long as the
        // thread does; only the thread itself asks, and keeps the reference within one call.
        unsafe { &mut *TrapFrame::at_stack_top(self.stack.top()) }
    }

    pub fn context(&self) -> *mut Context {
        self.context.get()
    }

    pub fn extended(&self) -> *mut ExtendedState {
        self.extended.get()
    }

    /// Takes the running thread's extended state as it is now (clone(2)).
    pub fn inherit_extended_state(&self, running: &Thread) {
        // SAFETY: `running` is the caller, this thread has not begun: nobody else touches either.
        unsafe {
            (*running.extended()).save();
            (*self.extended()).copy_from(&*running.extended());
        }
    }

    /// A new thread is scheduled as the one that makes it (sched(7)).
    pub fn inherit_scheduling(&self, parent: &Thread) {
        self.nice
            .store(parent.nice.load(Ordering::Relaxed), Ordering::Relaxed);
        self.policy
            .store(parent.policy.load(Ordering::Relaxed), Ordering::Relaxed);
        self.slack_ns
            .store(parent.slack_ns.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// The running thread's FS base, now and after each switch.
    pub fn set_thread_pointer(&self, address: usize) {
        self.fs_base.store(address, Ordering::Relaxed);
        cpu::write_msr(cpu::IA32_FS_BASE, address as u64);
    }

    pub fn add_work(&self, work: u32) {
        self.work.fetch_or(work, Ordering::AcqRel);
    }

    /// True when any of `work` is to be done.
    pub fn has_work(&self, work: u32) -> bool {
        self.work.load(Ordering::Acquire) & work != 0
    }

    /// First half of going to sleep: a wake-up from here on is not lost.
    pub fn prepare_to_wait(&self) {
        self.state.store(State::Waiting as u8, Ordering::Release);
    }

    /// Back to running, whether or not it slept.
    pub fn finish_waiting(self: &Arc<Self>) {
        let before = self.state.swap(State::Running as u8, Ordering::AcqRel);
        if before == State::Runnable as u8 {
            super::scheduler::forget(self); // woken before it slept
        }
    }

    /// Waiting to runnable; false when it was not waiting.
    pub fn become_runnable(&self) -> bool {
        let (from, to) = (State::Waiting as u8, State::Runnable as u8);
        self.state
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    pub fn set_state(&self, state: State) {
        self.state.store(state as u8, Ordering::Release);
    }

    /// On the processor or waiting for it.
    pub fn is_ready(&self) -> bool {
        let state = self.state.load(Ordering::Acquire);
        state == State::Running as u8 || state == State::Runnable as u8
    }

    pub fn is_dead(&self) -> bool {
        self.state.load(Ordering::Acquire) == State::Dead as u8
    }
}

/// The end of a timed sleep.
impl Expire for Thread {
    fn expire(&self, _key: u64) {
        super::scheduler::wake_by_tid(self.tid());
    }
}
