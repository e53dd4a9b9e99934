//! Advisory locks: fcntl(2) record locks, open file description locks, and flock(2).
//!
//! One table holds the locks of all files, so that a file nobody locks pays nothing, and one queue
//! all that wait: who waits looks again whenever a lock goes. Leases and mandatory locks there are
//! not. The table's lock is a leaf.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::OpenFile;
use crate::errno::{EAGAIN, EDEADLK, ENOLCK, Errno};
use crate::process::{at_exit, scheduler};
use crate::sync::{SpinLock, WaitQueue, wait_until};

/// The last byte there is: where a lock of length 0 ends (fcntl(2)).
pub const LAST_BYTE: u64 = i64::MAX as u64;
/// How far a chain of waiting processes is followed (Linux fs/locks.c, MAX_DEADLK_ITERATIONS).
const CHAIN_LIMIT: usize = 10;

/// What is locked: device and inode number, as fstat(2) tells them.
type FileId = (u64, u64);

/// Whose a lock is. Those of flock(2) and the others do not see each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner {
    Process(u32),
    /// F_OFD_SETLK: an open file description, by its address.
    Description(usize),
    /// flock(2): likewise.
    Flock(usize),
}

impl Owner {
    fn is_flock(self) -> bool {
        matches!(self, Owner::Flock(_))
    }
}

/// A lock that is held or asked for, on the bytes from `first` to `last`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lock {
    pub file: FileId,
    pub owner: Owner,
    pub is_exclusive: bool,
    pub first: u64,
    pub last: u64,
}

impl Lock {
    fn is_kin(&self, other: &Lock) -> bool {
        self.owner == other.owner && self.file == other.file
    }

    fn overlaps(&self, other: &Lock) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// Overlaps, or one begins right after the other's end.
    fn touches(&self, other: &Lock) -> bool {
        self.first <= other.last + 1 && other.first <= self.last + 1
    }

    fn conflicts_with(&self, other: &Lock) -> bool {
        self.file == other.file
            && self.owner != other.owner
            && self.owner.is_flock() == other.owner.is_flock()
            && (self.is_exclusive || other.is_exclusive)
            && self.overlaps(other)
    }
}

/// A thread that waits, its process, and the process that is in its way.
struct Waiter {
    tid: u32,
    pid: u32,
    blocker: u32,
}

struct Table {
    held: Vec<Lock>,
    waiters: Vec<Waiter>,
}

static TABLE: SpinLock<Table> = SpinLock::new(Table {
    held: Vec::new(),
    waiters: Vec::new(),
});
/// How many are held: closing a file looks no further while there are none.
static COUNT: AtomicUsize = AtomicUsize::new(0);
/// Woken when a lock was given up or made smaller.
static RELEASED: WaitQueue = WaitQueue::new();

/// The file behind a description, as locks name it.
pub fn file_of(open: &OpenFile) -> Result<FileId, Errno> {
    let status = open.file.status()?;
    Ok((status.device, status.inode))
}

/// A lock that is in the way of this one, the first in the file (F_GETLK).
pub fn conflicting(wanted: &Lock) -> Option<Lock> {
    TABLE.lock().conflicting(wanted)
}

/// True when exactly this lock is held.
pub fn is_held(lock: &Lock) -> bool {
    TABLE.lock().held.contains(lock)
}

/// Takes a lock now; EAGAIN when another is in the way.
pub fn take(wanted: &Lock) -> Result<(), Errno> {
    at_exit::add(process_ended);
    TABLE.lock().attempt(wanted).unwrap_or(Err(EAGAIN))
}

/// Takes a lock, waiting for those in the way; EDEADLK when they wait for this process.
pub fn take_waiting(wanted: &Lock) -> Result<(), Errno> {
    at_exit::add(process_ended);
    let tid = scheduler::current().tid();
    let outcome = wait_until(&RELEASED, None, || {
        let mut table = TABLE.lock();
        table.waiters.retain(|waiter| waiter.tid != tid);
        table
            .attempt(wanted)
            .or_else(|| table.note_waiting(tid, wanted))
    });
    let mut table = TABLE.lock();
    table.waiters.retain(|waiter| waiter.tid != tid);
    drop(table);
    outcome.unwrap_or_else(|woken| Err(woken.into()))
}

/// Gives up what the owner of `range` holds of it.
pub fn release(range: &Lock) -> Result<(), Errno> {
    let mut table = TABLE.lock();
    table.reserve()?;
    table.cut(range);
    drop(table);
    RELEASED.wake_all();
    Ok(())
}

/// A process closes a descriptor: its record locks on the file go, whichever descriptor they were
/// taken by (fcntl(2)). Costs a look at one word while nobody holds a lock.
pub fn descriptor_closed(open: &OpenFile) {
    if COUNT.load(Ordering::Relaxed) == 0 || scheduler::has_no_thread() {
        return;
    }
    if let Ok(file) = file_of(open) {
        let owner = Owner::Process(scheduler::current().process.pid);
        forget(|lock| lock.owner == owner && lock.file == file);
    }
}

/// A process is over, and its record locks with it.
fn process_ended(pid: u32) {
    if COUNT.load(Ordering::Relaxed) != 0 {
        forget(|lock| lock.owner == Owner::Process(pid));
    }
}

/// The last reference to a description goes, and the locks that are the description's with it.
pub fn description_closed(open: &OpenFile) {
    if COUNT.load(Ordering::Relaxed) != 0 {
        let at = address(open);
        forget(|lock| lock.owner == Owner::Description(at) || lock.owner == Owner::Flock(at));
    }
}

/// What tells a description from others while it lives.
pub fn address(open: &OpenFile) -> usize {
    &raw const *open as usize
}

fn forget(is_gone: impl Fn(&Lock) -> bool) {
    let mut table = TABLE.lock();
    let before = table.held.len();
    table.held.retain(|lock| !is_gone(lock));
    let has_changed = table.held.len() != before;
    COUNT.store(table.held.len(), Ordering::Relaxed);
    drop(table);
    if has_changed {
        RELEASED.wake_all();
    }
}

impl Table {
    fn conflicting(&self, wanted: &Lock) -> Option<Lock> {
        let in_the_way = self.held.iter().filter(|lock| lock.conflicts_with(wanted));
        in_the_way.min_by_key(|lock| lock.first).copied()
    }

    /// Takes the lock if nothing is in its way; None when something is.
    fn attempt(&mut self, wanted: &Lock) -> Option<Result<(), Errno>> {
        if self.conflicting(wanted).is_some() {
            return None;
        }
        Some(self.reserve().map(|()| self.put(*wanted)))
    }

    /// Room for what one change can add: the lock, and the rest of one that it splits.
    fn reserve(&mut self) -> Result<(), Errno> {
        self.held.try_reserve(2).map_err(|_| ENOLCK)
    }

    /// Adds a lock: it replaces the owner's others where they overlap, and joins those of its type.
    fn put(&mut self, mut wanted: Lock) {
        let joins = |lock: &&Lock| {
            lock.is_kin(&wanted)
                && lock.is_exclusive == wanted.is_exclusive
                && lock.touches(&wanted)
        };
        let ends = self
            .held
            .iter()
            .filter(joins)
            .map(|lock| (lock.first, lock.last));
        let (first, last) = ends.fold((wanted.first, wanted.last), |(first, last), one| {
            (first.min(one.0), last.max(one.1))
        });
        (wanted.first, wanted.last) = (first, last);
        let was_more = self.cut(&wanted);
        self.held.push(wanted);
        COUNT.store(self.held.len(), Ordering::Relaxed);
        if was_more {
            RELEASED.wake_all(); // an exclusive lock may have become a shared one
        }
    }

    /// Takes a range out of its owner's locks; true if there was something in it.
    fn cut(&mut self, range: &Lock) -> bool {
        let mut has_cut = false;
        let mut index = 0;
        while let Some(lock) = self.held.get_mut(index) {
            if !lock.is_kin(range) || !lock.overlaps(range) {
                index += 1;
                continue;
            }
            has_cut = true;
            let whole = *lock;
            self.held.swap_remove(index);
            if whole.first < range.first {
                let last = range.first - 1;
                self.held.push(Lock { last, ..whole });
            }
            if whole.last > range.last {
                let first = range.last + 1;
                self.held.push(Lock { first, ..whole });
            }
        }
        COUNT.store(self.held.len(), Ordering::Relaxed);
        has_cut
    }

    /// Remembers who waits for whom; EDEADLK when that closes a circle of processes.
    fn note_waiting(&mut self, tid: u32, wanted: &Lock) -> Option<Result<(), Errno>> {
        let blocker = self.conflicting(wanted)?;
        let (Owner::Process(pid), Owner::Process(blocker)) = (wanted.owner, blocker.owner) else {
            return None;
        };
        if self.leads_to(blocker, pid) {
            return Some(Err(EDEADLK));
        }
        let has_room = self.waiters.try_reserve(1).is_ok();
        if !has_room {
            return Some(Err(ENOLCK));
        }
        self.waiters.push(Waiter { tid, pid, blocker });
        None
    }

    /// True when `from` waits, directly or through others, for `to`.
    fn leads_to(&self, from: u32, to: u32) -> bool {
        let mut at = from;
        for _ in 0..CHAIN_LIMIT {
            if at == to {
                return true;
            }
            match self.waiters.iter().find(|waiter| waiter.pid == at) {
                Some(waiter) => at = waiter.blocker,
                None => return false,
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Owner = Owner::Process(1);
    const B: Owner = Owner::Process(2);

    fn table() -> Table {
        Table {
            held: Vec::new(),
            waiters: Vec::new(),
        }
    }

    fn lock(owner: Owner, is_exclusive: bool, first: u64, last: u64) -> Lock {
        Lock {
            file: (1, 1),
            owner,
            is_exclusive,
            first,
            last,
        }
    }

    fn ranges(table: &Table) -> Vec<(u64, u64, bool)> {
        let held = table.held.iter();
        let mut ranges: Vec<_> = held.map(|l| (l.first, l.last, l.is_exclusive)).collect();
        ranges.sort_unstable();
        ranges
    }

    #[test]
    fn locks_of_one_type_join_and_of_another_split() {
        let mut table = table();
        table.put(lock(A, true, 0, 9));
        table.put(lock(A, true, 10, 19));
        assert_eq!(ranges(&table), [(0, 19, true)]);
        table.put(lock(A, false, 5, 14));
        assert_eq!(
            ranges(&table),
            [(0, 4, true), (5, 14, false), (15, 19, true)]
        );
        table.cut(&lock(A, false, 4, 5));
        assert_eq!(
            ranges(&table),
            [(0, 3, true), (6, 14, false), (15, 19, true)]
        );
        table.put(lock(A, true, 0, LAST_BYTE));
        assert_eq!(ranges(&table), [(0, LAST_BYTE, true)]);
        table.cut(&lock(A, false, 0, LAST_BYTE));
        assert_eq!(ranges(&table), []);
    }

    #[test]
    fn shared_locks_get_along_and_kinds_do_not_meet() {
        let mut table = table();
        table.put(lock(A, false, 0, 9));
        assert_eq!(table.conflicting(&lock(B, false, 0, 9)), None);
        assert_eq!(table.conflicting(&lock(B, true, 10, 20)), None);
        assert_eq!(table.conflicting(&lock(Owner::Flock(7), true, 0, 9)), None);
        assert_eq!(table.conflicting(&lock(A, true, 0, 9)), None);
        let owner = table.conflicting(&lock(Owner::Description(7), true, 9, 9));
        assert_eq!(owner.map(|lock| lock.owner), Some(A));
    }

    #[test]
    fn a_circle_of_waiting_processes_is_a_deadlock() {
        let mut table = table();
        table.put(lock(A, true, 0, 0));
        table.put(lock(B, true, 1, 1));
        assert_eq!(table.note_waiting(10, &lock(A, true, 1, 1)), None);
        let outcome = table.note_waiting(20, &lock(B, true, 0, 0));
        assert_eq!(outcome, Some(Err(EDEADLK)));
        let outcome = table.note_waiting(20, &lock(Owner::Process(3), true, 0, 0));
        assert_eq!(outcome, None);
    }
}
