//! Delivery: between the kernel and the application, pending signals are acted upon, interrupted
//! calls are restarted or fail with EINTR, and threads told to exit do.

use core::sync::atomic::Ordering;

use super::action::{DefaultAction, SA_RESTART, SIG_DFL, SIG_IGN, default_action};
use super::{
    Action, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSTOP, SIGTRAP, SignalInfo, SignalSet, bit, frame,
    info, take_pending,
};
use crate::arch::trap::TrapFrame;
use crate::errno::{EINTR, ERESTARTNOHAND, ERESTARTSYS, Errno};
use crate::mm::reserve;
use crate::mm::space::Fault;
use crate::process::thread::{WORK_EXIT, WORK_FULL_RESTORE, WORK_SIGNAL};
use crate::process::{Thread, WaitStatus, exit, scheduler, stop};
use crate::{debug, klog, trace};

/// Signals that a thread would act upon now.
pub fn deliverable(thread: &Thread) -> SignalSet {
    let shared = thread.process.signals.pending_set();
    let signals = thread.signals.lock();
    (signals.pending.set() | shared) & !signals.blocked
}

/// Before any return to the application with work to do.
pub fn before_return(trap: &mut TrapFrame) {
    let thread = scheduler::current();
    if reserve::is_exhausted() {
        klog!("out of memory: the program is killed");
        exit::exit_process(WaitStatus::KILLED);
    }
    while thread.work.load(Ordering::Acquire) != 0 {
        let work = thread.work.swap(0, Ordering::AcqRel);
        if work & WORK_EXIT != 0 {
            exit::exit_thread();
        }
        if work & (WORK_SIGNAL | WORK_FULL_RESTORE) != 0 {
            act_on_signals(thread, trap);
            stop::park();
        }
    }
    restart_call(trap, None);
}

/// What a call is left for is delivered with that call's mask, all else with the thread's own: a
/// call that has found something does not let in signals any more (ppoll(2)).
fn act_on_signals(thread: &Thread, trap: &mut TrapFrame) {
    if !is_interrupted(trap) {
        restore_mask(thread);
    }
    while let Some(info) = take_pending(deliverable(thread)) {
        let action = thread.process.signals.action_for_delivery(info.signal);
        trace::signal(&info);
        match action.handler {
            SIG_IGN => {}
            SIG_DFL => act_by_default(trap, &info),
            _ => run_handler(thread, trap, &info, &action),
        }
    }
    restore_mask(thread);
}

fn restore_mask(thread: &Thread) {
    let mut signals = thread.signals.lock();
    if let Some(mask) = signals.saved_mask.take() {
        signals.blocked = mask;
        thread.add_work(WORK_SIGNAL);
    }
}

fn is_interrupted(trap: &TrapFrame) -> bool {
    let ways = [EINTR, ERESTARTSYS, ERESTARTNOHAND];
    trap.is_system_call() && ways.iter().any(|errno| has_failed_with(trap, *errno))
}

fn has_failed_with(trap: &TrapFrame, errno: Errno) -> bool {
    trap.rax as isize == -(errno.0 as isize)
}

/// When a call that began now is over. One with a time relative to its begin that is made again, for
/// a signal stopped it or went elsewhere, is over when it was to be (restart_syscall(2)).
pub fn deadline_of_call(new_ns: u64) -> u64 {
    let kept = scheduler::current().signals.lock().kept_deadline.take();
    kept.unwrap_or(new_ns)
}

/// What such a call fails with when it is interrupted.
pub fn keep_deadline(at_ns: u64) -> Errno {
    scheduler::current().signals.lock().kept_deadline = Some(at_ns);
    ERESTARTNOHAND
}

fn act_by_default(trap: &TrapFrame, info: &SignalInfo) {
    let process = &scheduler::current().process;
    let [_, group, _] = process.ids();
    match default_action(info.signal) {
        DefaultAction::Ignore => return,
        DefaultAction::Stop if info.signal != SIGSTOP && stop::is_orphaned(group) => return,
        DefaultAction::Stop => return stop::stop(process, info.signal),
        DefaultAction::Terminate => exit::announce(process, info.signal),
        DefaultAction::Core => die(trap, info),
    }
    exit::exit_process(WaitStatus::killed_by(info.signal));
}

fn run_handler(thread: &Thread, trap: &mut TrapFrame, info: &SignalInfo, action: &Action) {
    restart_call(trap, Some(action));
    let signals = thread.signals.lock();
    let blocked = signals.blocked;
    let mask_after = signals.saved_mask.unwrap_or(blocked);
    drop(signals);
    if frame::push(thread, trap, info, action, mask_after).is_err() {
        let fault = SignalInfo::from_kernel(SIGSEGV);
        if info.signal == SIGSEGV {
            die(trap, &fault);
        }
        return force(trap, fault);
    }
    let mut signals = thread.signals.lock();
    signals.saved_mask = None;
    signals.kept_deadline = None;
    signals.blocked = (blocked | action.mask_during(info.signal)) & !super::UNBLOCKABLE;
}

/// An interrupted call fails with EINTR or is made again (signal(7) § Interruption): always again
/// when no handler ran, and with SA_RESTART when one did.
fn restart_call(trap: &mut TrapFrame, handler: Option<&Action>) {
    if !trap.is_system_call() {
        return;
    }
    let is_restartable = has_failed_with(trap, ERESTARTSYS);
    if !is_restartable && !has_failed_with(trap, ERESTARTNOHAND) {
        if handler.is_some() {
            trap.error = 0; // the handler's frame is not a system call's
        }
        return;
    }
    let is_restarted = match handler {
        None => true,
        Some(action) => is_restartable && action.flags & SA_RESTART != 0,
    };
    if is_restarted {
        const SYSCALL_BYTES: usize = 2;
        trap.rax = trap.vector;
        trap.rip -= SYSCALL_BYTES;
    } else {
        trap.rax = -(EINTR.0 as isize) as usize;
        scheduler::current().signals.lock().kept_deadline = None;
    }
    trap.error = 0;
}

/// Turns an exception of the application into a signal to its thread. One that is blocked or
/// ignored kills: the instruction cannot go on.
pub fn raise_for_exception(trap: &TrapFrame, fault: Option<Fault>, address: usize) {
    if fault == Some(Fault::OutOfMemory) {
        klog!("out of memory: the program is killed");
        exit::exit_process(WaitStatus::KILLED);
    }
    force(trap, signal_of(trap, fault, address));
}

/// Sends the running thread what it cannot go on without a handler for, and kills without.
fn force(trap: &TrapFrame, info: SignalInfo) {
    let thread = scheduler::current(); // no counted reference: exiting would never give it back
    let is_blocked = thread.signals.lock().blocked & bit(info.signal) != 0;
    let is_ignored = thread.process.signals.action(info.signal).handler == SIG_IGN;
    if is_blocked || is_ignored {
        die(trap, &info);
    }
    super::send_to_thread(&scheduler::current_arc(), info);
}

fn die(trap: &TrapFrame, info: &SignalInfo) -> ! {
    debug::program_died(trap, info);
    exit::exit_process(WaitStatus::killed_by(info.signal))
}

/// Which signal an exception is (Linux arch/x86/kernel/traps.c, sigaction(2) for the codes).
fn signal_of(trap: &TrapFrame, fault: Option<Fault>, address: usize) -> SignalInfo {
    const FPE_INTDIV: i32 = 1;
    const ILL_ILLOPN: i32 = 2;
    const TRAP_BRKPT: i32 = 1;
    const SEGV_MAPERR: i32 = 1;
    const SEGV_ACCERR: i32 = 2;
    const BUS_ADRALN: i32 = 1;
    const BUS_ADRERR: i32 = 2;
    match (trap.vector, fault) {
        (_, Some(Fault::PastEnd)) => SignalInfo::of_fault(SIGBUS, BUS_ADRERR, address),
        (_, Some(Fault::Forbidden)) => SignalInfo::of_fault(SIGSEGV, SEGV_ACCERR, address),
        (_, Some(_)) => SignalInfo::of_fault(SIGSEGV, SEGV_MAPERR, address),
        (0, _) => SignalInfo::of_fault(SIGFPE, FPE_INTDIV, trap.rip),
        (1, _) => SignalInfo::of_fault(SIGTRAP, TRAP_BRKPT, trap.rip),
        (3, _) => SignalInfo {
            code: info::SI_KERNEL,
            ..SignalInfo::from_kernel(SIGTRAP)
        },
        (6, _) => SignalInfo::of_fault(SIGILL, ILL_ILLOPN, trap.rip),
        (16 | 19, _) => SignalInfo::of_fault(SIGFPE, float_code(), trap.rip),
        (17, _) => SignalInfo::of_fault(SIGBUS, BUS_ADRALN, address),
        (11 | 12, _) => SignalInfo::from_kernel(SIGBUS),
        _ => SignalInfo::from_kernel(SIGSEGV),
    }
}

/// The kernel cannot tell which floating point exception it was without decoding MXCSR and the x87
/// status; FPE_FLTINV is what programs that unmask them mostly look for.
fn float_code() -> i32 {
    const FPE_FLTINV: i32 = 7;
    FPE_FLTINV
}

/// `SIGSEGV` for 11, and so on; real-time signals share a name.
pub fn name(signal: u32) -> &'static str {
    const NAMES: [&str; 31] = [
        "SIGHUP",
        "SIGINT",
        "SIGQUIT",
        "SIGILL",
        "SIGTRAP",
        "SIGABRT",
        "SIGBUS",
        "SIGFPE",
        "SIGKILL",
        "SIGUSR1",
        "SIGSEGV",
        "SIGUSR2",
        "SIGPIPE",
        "SIGALRM",
        "SIGTERM",
        "SIGSTKFLT",
        "SIGCHLD",
        "SIGCONT",
        "SIGSTOP",
        "SIGTSTP",
        "SIGTTIN",
        "SIGTTOU",
        "SIGURG",
        "SIGXCPU",
        "SIGXFSZ",
        "SIGVTALRM",
        "SIGPROF",
        "SIGWINCH",
        "SIGIO",
        "SIGPWR",
        "SIGSYS",
    ];
    NAMES
        .get(signal as usize - 1)
        .copied()
        .unwrap_or("a real-time signal")
}
