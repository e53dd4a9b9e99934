//! The end of threads and processes (exit(2), exit_group(2)).

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use super::thread::WORK_EXIT;
use super::{Thread, futex, launch, scheduler};
use crate::mm::user;

/// Ends the running thread; the last one ends the process.
pub fn exit_thread() -> ! {
    let thread = scheduler::current();
    release_joiners(thread);
    let is_last = leave_process(thread);
    if is_last {
        end_process(thread);
    }
    scheduler::exit_current()
}

/// Ends every thread of the process; `status` is what a shell would show: 0-255.
pub fn exit_process(status: u32) -> ! {
    let process = &scheduler::current().process;
    let is_first = process.exit_status.compare_exchange(
        super::RUNNING,
        status,
        Ordering::AcqRel,
        Ordering::Acquire,
    );
    if is_first.is_ok() {
        for thread in process.threads.lock().iter() {
            thread.add_work(WORK_EXIT);
            scheduler::wake(thread.clone());
        }
    }
    exit_thread()
}

/// The process's status if only single threads have ended: the last one's.
pub fn note_thread_status(status: u32) {
    let process = &scheduler::current().process;
    process.last_thread_status.store(status, Ordering::Relaxed);
}

/// set_tid_address(2) and get_robust_list(2): whoever waits for this thread, or for a lock it held.
fn release_joiners(thread: &Thread) {
    futex::release_robust_list(thread);
    let address = thread.clear_child_tid.load(Ordering::Relaxed);
    if address != 0 && user::write(address, 0u32).is_ok() {
        futex::wake(address, 1, futex::ANY_BIT);
    }
}

fn leave_process(thread: &Thread) -> bool {
    let used_ns = crate::syscall::time::thread_cpu_ns();
    thread
        .process
        .ended_cpu_ns
        .fetch_add(used_ns, Ordering::Relaxed);
    let mut threads = thread.process.threads.lock();
    threads.retain(|other: &Arc<Thread>| !core::ptr::eq(Arc::as_ptr(other), thread));
    threads.is_empty()
}

fn end_process(thread: &Thread) {
    let process = &thread.process;
    process.timers.clear();
    process.files.close_all();
    let status = match process.exit_status.load(Ordering::Acquire) {
        super::RUNNING => process.last_thread_status.load(Ordering::Relaxed),
        status => status,
    };
    launch::program_exited(status as u8);
}
