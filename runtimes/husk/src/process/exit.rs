//! The end of threads and processes (exit(2), exit_group(2)).

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use super::thread::WORK_EXIT;
use super::{
    Process, Program, Thread, WaitStatus, at_exit, futex, launch, registry, scheduler, stop,
};
use crate::fs::FileTable;
use crate::klog;
use crate::mm::space::AddressSpace;
use crate::mm::user;
use crate::process::signal::{SIGKILL, deliver};
use crate::sync::{Once, wait_until_killed_or};
use crate::trace;

/// What relatives have to do with an end: set by the first process that has any.
pub static ENDED: Once<fn(&Arc<Process>)> = Once::new();

/// Ends the running thread; the last one ends the process.
pub fn exit_thread() -> ! {
    let thread = scheduler::current();
    release_joiners(thread);
    let is_last = leave_process(thread);
    trace::gone(thread.process.wait_status());
    if is_last {
        end_process(&thread.process);
    }
    scheduler::exit_current()
}

/// Ends every thread of the running process.
pub fn exit_process(status: WaitStatus) -> ! {
    begin(&scheduler::current().process, status);
    exit_thread()
}

/// Makes every thread of a process end on its way out of the kernel; the first status counts.
pub fn begin(process: &Process, status: WaitStatus) {
    let is_first = process.exit_status.compare_exchange(
        WaitStatus::RUNNING.0,
        status.0,
        Ordering::AcqRel,
        Ordering::Acquire,
    );
    if is_first.is_ok() {
        process.threads.lock().iter().for_each(tell_to_exit);
    }
}

/// SIGKILL: nothing of the process has a say in it.
pub fn kill(process: &Process) {
    announce(process, SIGKILL);
    begin(process, WaitStatus::KILLED);
    stop::go_on(process, SIGKILL);
}

/// Says what ended the program, since nothing else will; an end of a child is its parent's to tell.
pub fn announce(process: &Process, signal: u32) {
    let is_told = registry::init().is_some_and(|init| init.pid == process.pid);
    if is_told && process.exit_status.load(Ordering::Acquire) == WaitStatus::RUNNING.0 {
        klog!("killed by {}", deliver::name(signal));
    }
}

/// Ends every other thread of the running process and waits until they have (execve(2)).
pub fn end_other_threads() {
    let running = scheduler::current();
    let process = &running.process;
    for thread in process.threads.lock().iter() {
        if thread.tid() != running.tid() {
            tell_to_exit(thread);
        }
    }
    let is_alone = || (process.threads.lock().len() == 1).then_some(());
    wait_until_killed_or(&process.changed, is_alone);
}

fn tell_to_exit(thread: &Arc<Thread>) {
    thread.add_work(WORK_EXIT);
    scheduler::wake(thread.clone());
}

/// The process's status if only single threads have ended: the last one's.
pub fn note_thread_status(status: u32) {
    let process = &scheduler::current().process;
    process.last_thread_status.store(status, Ordering::Relaxed);
}

/// set_tid_address(2) and get_robust_list(2): whoever waits for this thread, or for a lock it held.
pub fn release_joiners(thread: &Thread) {
    futex::release_robust_list(thread);
    let address = thread.clear_child_tid.load(Ordering::Relaxed);
    if address != 0 && user::write(address, 0u32).is_ok() {
        futex::wake_one_at(address);
    }
}

fn leave_process(thread: &Thread) -> bool {
    let process = &thread.process;
    let used_ns = crate::syscall::time::thread_cpu_ns();
    process.ended_cpu_ns.fetch_add(used_ns, Ordering::Relaxed);
    let mut threads = process.threads.lock();
    threads.retain(|other: &Arc<Thread>| !core::ptr::eq(Arc::as_ptr(other), thread));
    let is_last = threads.is_empty();
    drop(threads);
    process.changed.wake_all();
    is_last
}

/// Closes every descriptor, unless another process has the same table (CLONE_FILES).
fn give_up_files(process: &Process) {
    const HERE_AND_IN_PROCESS: usize = 2;
    let files = process.files();
    if Arc::strong_count(&files) <= HERE_AND_IN_PROCESS {
        files.close_all();
    }
    process.replace_files(Arc::new(FileTable::new()));
}

/// From here on a zombie: what it held is given back, what it was is kept for its parent.
fn end_process(process: &Arc<Process>) {
    process.timers.clear();
    give_up_files(process);
    at_exit::run(process.pid);
    process.replace_space(Arc::new(AddressSpace::nothing()));
    *process.program.lock() = Program::default();
    process.has_ended.store(true, Ordering::Release);
    if registry::init().is_some_and(|init| Arc::ptr_eq(&init, process)) {
        launch::program_exited(process.wait_status().as_shell());
    }
    if let Some(ended) = ENDED.get() {
        ended(process);
    }
    process.changed.wake_all();
}
