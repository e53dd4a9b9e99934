//! Every process by its id, until its parent has waited for it (kill(2), /proc).
//!
//! Lock order: `PROCESSES` is a leaf: what is found is used after it is released.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use super::{Process, scheduler};
use crate::fs::node::Node;
use crate::sorted_map::SortedMap;
use crate::sync::SpinLock;

/// Linux's pid_max on 64-bit machines; ids begin again after it, above those of early processes.
pub const LAST_ID: u32 = 1 << 22;
const FIRST_ID: u32 = 1;
const FIRST_REUSED_ID: u32 = 300;

static PROCESSES: SpinLock<SortedMap<u32, Weak<Process>>> = SpinLock::new(SortedMap::new());
static NEXT_ID: AtomicU32 = AtomicU32::new(FIRST_ID);
/// Processes that are there in some form, for the leak counts.
static COUNT: AtomicUsize = AtomicUsize::new(0);
/// The first process of the program that runs: as PID 1 of a container.
static INIT: SpinLock<Weak<Process>> = SpinLock::new(Weak::new());

/// A process or thread id that nobody has.
pub fn allocate_id() -> u32 {
    loop {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        if id > LAST_ID {
            NEXT_ID.store(FIRST_REUSED_ID, Ordering::Relaxed);
        } else if scheduler::find(id).is_none() && !is_taken(id) {
            return id;
        }
    }
}

/// An id stays taken while it names a process, its group or its session.
fn is_taken(id: u32) -> bool {
    if find(id).is_some() {
        return true;
    }
    id >= FIRST_REUSED_ID && all().iter().any(|process| process.ids().contains(&id))
}

pub fn add(process: &Arc<Process>) {
    PROCESSES
        .lock()
        .insert(process.pid, Arc::downgrade(process));
}

/// The parent has waited for it, or does not want to: nobody finds it any more.
pub fn remove(pid: u32) {
    PROCESSES.lock().remove(&pid);
}

/// The last reference to a process is going: its id may be another's already.
pub fn remove_if_gone(pid: u32) {
    let mut processes = PROCESSES.lock();
    if processes
        .get(&pid)
        .is_some_and(|known| known.strong_count() == 0)
    {
        processes.remove(&pid);
    }
}

/// A process, a zombie too.
pub fn find(pid: u32) -> Option<Arc<Process>> {
    PROCESSES.lock().get(&pid)?.upgrade()
}

/// A process by its id or by that of one of its threads: Linux lets kill(2) and most of its kind
/// take either.
pub fn find_by_thread(id: u32) -> Option<Arc<Process>> {
    find(id).or_else(|| Some(scheduler::find(id)?.process.clone()))
}

/// Every process in order of id, zombies too.
pub fn all() -> Vec<Arc<Process>> {
    let processes = PROCESSES.lock();
    processes.values().filter_map(Weak::upgrade).collect()
}

pub fn set_init(process: &Arc<Process>) {
    *INIT.lock() = Arc::downgrade(process);
}

/// The next process is a program's first and gets id 1, as in a container (pid_namespaces(7)).
pub fn begin_program() {
    NEXT_ID.store(FIRST_ID, Ordering::Relaxed);
}

/// The process that the end of ends all.
pub fn init() -> Option<Arc<Process>> {
    INIT.lock().upgrade()
}

/// A file was cut: no process shows a page of it past its end any more (mmap(2), SIGBUS).
pub fn forget_pages_past(file: &Node, size_bytes: u64) {
    for process in all() {
        process.space().forget_pages_past(file, size_bytes);
    }
}

/// Counts a process from here until `note_gone`.
pub fn note_made() {
    COUNT.fetch_add(1, Ordering::Relaxed);
}

pub fn note_gone() {
    COUNT.fetch_sub(1, Ordering::Relaxed);
}

pub fn count() -> usize {
    COUNT.load(Ordering::Relaxed)
}
