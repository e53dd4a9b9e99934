//! Futexes (futex(2)): threads that wait for a word to change.
//!
//! Waiters and wakers meet at a key: for memory that processes share the object and the offset in it,
//! wherever each has it mapped, else the address space and the address.
//!
//! Not here: priority inheritance (ENOSYS; glibc offers it only where asked for). Lock order:
//! `TABLE`, a waiter's key, then the address space's (reading the word may fault its page in).

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};

use super::{Thread, current};
use crate::errno::{EAGAIN, EFAULT, EINVAL, ENOMEM, ENOSYS, Errno, SysResult};
use crate::mm::{USER_END, user};
use crate::sorted_map::SortedMap;
use crate::sync::{Deadline, SpinLock, WaitQueue, wait_until};

/// Wakes whatever bits a waiter waits for.
pub const ANY_BIT: u32 = u32::MAX;

/// Who may meet at a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Threads with the same address space (FUTEX_PRIVATE_FLAG).
    Private,
    /// Whoever has the memory mapped.
    Shared,
}

/// The object and the place in it. Addresses of words are multiples of 4: the bits below tell
/// apart what Linux keeps apart, private words and shared ones that happen to be in private memory.
type Key = (u64, u64);
const IN_PRIVATE_MEMORY: u64 = 1;
const IN_OBJECT: u64 = 2;

/// A word that threads wait at.
#[derive(Clone, Copy)]
pub struct Word {
    address: usize,
    key: Key,
}

struct Waiter {
    bits: u32,
    is_woken: AtomicBool,
    /// Where it waits now: requeueing moves it.
    key: SpinLock<Key>,
    queue: WaitQueue,
}

type Waiters = VecDeque<Arc<Waiter>>;

static TABLE: SpinLock<SortedMap<Key, Waiters>> = SpinLock::new(SortedMap::new());

impl Word {
    /// EINVAL when not aligned, EFAULT when it cannot be the application's or, shared, is not mapped.
    pub fn at(address: usize, scope: Scope) -> Result<Word, Errno> {
        if !address.is_multiple_of(4) {
            return Err(EINVAL);
        }
        if address >= USER_END {
            return Err(EFAULT);
        }
        let space = current().process.space();
        let space_id = Arc::as_ptr(&space) as u64; // above any inode number
        let key = match scope {
            Scope::Private => (space_id, address as u64),
            Scope::Shared => match space.shared_place(address)? {
                Some((object, offset)) => (object, offset | IN_OBJECT),
                None => (space_id, address as u64 | IN_PRIVATE_MEMORY),
            },
        };
        Ok(Word { address, key })
    }

    fn value(&self) -> Result<u32, Errno> {
        user::read(self.address)
    }
}

/// Sleeps while the word holds `expected`; EAGAIN when it does not to begin with.
pub fn wait(word: Word, expected: u32, bits: u32, deadline: Deadline) -> SysResult {
    let waiter = enqueue_if(word, expected, bits)?;
    let is_woken = || waiter.is_woken.load(Ordering::Acquire).then_some(());
    let outcome = wait_until(&waiter.queue, deadline, is_woken);
    if outcome.is_err() {
        remove(&waiter);
        if waiter.is_woken.load(Ordering::Acquire) {
            return Ok(0);
        }
    }
    outcome.map(|()| 0).map_err(Errno::from)
}

fn enqueue_if(word: Word, expected: u32, bits: u32) -> Result<Arc<Waiter>, Errno> {
    let waiter = Arc::new(Waiter {
        bits,
        is_woken: AtomicBool::new(false),
        key: SpinLock::new(word.key),
        queue: WaitQueue::new(),
    });
    let mut table = TABLE.lock();
    if word.value()? != expected {
        return Err(EAGAIN);
    }
    reserve(&mut table, word.key, 1)?;
    table.get_or_default(word.key).push_back(waiter.clone());
    Ok(waiter)
}

/// Has room for `count` more at a key; ENOMEM where there is no memory for it.
fn reserve(table: &mut SortedMap<Key, Waiters>, key: Key, count: usize) -> Result<(), Errno> {
    let reserved = table.get_or_default(key).try_reserve(count);
    if reserved.is_err() {
        forget_if_empty(table, key);
    }
    reserved.map_err(|_| ENOMEM)
}

fn remove(waiter: &Arc<Waiter>) {
    let mut table = TABLE.lock();
    let key = *waiter.key.lock();
    if let Some(waiters) = table.get_mut(&key) {
        waiters.retain(|other| !Arc::ptr_eq(other, waiter));
        forget_if_empty(&mut table, key);
    }
}

fn forget_if_empty(table: &mut SortedMap<Key, Waiters>, key: Key) {
    if table.get(&key).is_some_and(VecDeque::is_empty) {
        table.remove(&key);
    }
}

/// Wakes up to `count` waiters whose bits meet `bits`, longest waiting first; how many it woke.
pub fn wake(word: Word, count: usize, bits: u32) -> usize {
    let waiting = TABLE.lock().get(&word.key).map_or(0, VecDeque::len); // not who comes back
    let mut woken = 0;
    while woken < count.min(waiting)
        && let Some(waiter) = take(word, bits)
    {
        release(&waiter);
        woken += 1;
    }
    woken
}

/// Wakes one waiter at a word that the kernel itself changed, if it can be waited at.
pub fn wake_one_at(address: usize) {
    if let Ok(word) = Word::at(address, Scope::Shared) {
        wake(word, 1, ANY_BIT);
    }
}

/// The longest waiting one whose bits meet `bits`.
fn take(word: Word, bits: u32) -> Option<Arc<Waiter>> {
    let mut table = TABLE.lock();
    let waiters = table.get_mut(&word.key)?;
    let index = waiters.iter().position(|waiter| waiter.bits & bits != 0)?;
    let taken = waiters.remove(index);
    forget_if_empty(&mut table, word.key);
    taken
}

fn release(waiter: &Arc<Waiter>) {
    waiter.is_woken.store(true, Ordering::Release);
    waiter.queue.wake_all();
}

/// Wakes `wake_count` waiters and lets up to `move_count` more wait at `target` instead; with
/// `expected`, only if the word still holds it. How many in all: futex(2) says
/// otherwise of FUTEX_REQUEUE, but Linux does not.
pub fn requeue(
    word: Word,
    target: Word,
    (wake_count, move_count): (usize, usize),
    expected: Option<u32>,
) -> SysResult {
    if let Some(expected) = expected
        && word.value()? != expected
    {
        return Err(EAGAIN);
    }
    let woken = wake(word, wake_count, ANY_BIT);
    Ok(woken + move_waiters(word.key, target.key, move_count)?)
}

/// The longest waiting ones, up to `count`; how many. ENOMEM before the first is moved.
fn move_waiters(from: Key, to: Key, count: usize) -> SysResult {
    let mut table = TABLE.lock();
    let count = table.get(&from).map_or(0, VecDeque::len).min(count);
    if count == 0 {
        return Ok(0);
    }
    reserve(&mut table, to, count)?;
    for _ in 0..count {
        if let Some(waiter) = table.get_mut(&from).and_then(VecDeque::pop_front) {
            *waiter.key.lock() = to;
            table.get_or_default(to).push_back(waiter);
        }
    }
    forget_if_empty(&mut table, from);
    Ok(count)
}

/// FUTEX_WAKE_OP: changes the word at `target` and wakes there too if its old value compares.
pub fn wake_op(
    word: Word,
    target: Word,
    (count, target_count): (usize, usize),
    encoded: u32,
) -> SysResult {
    let (op, comparison) = (encoded >> 28, encoded >> 24 & 0xf);
    let mut operand = sign_extend_12(encoded >> 12);
    let compared = sign_extend_12(encoded);
    const SHIFTED: u32 = 8;
    if op & SHIFTED != 0 {
        operand = 1u32.wrapping_shl(operand);
    }
    let old = target.value()?;
    user::write(target.address, apply(op & !SHIFTED, old, operand)?)?;
    let is_met = compares(comparison, old as i32, compared as i32)?;
    let mut woken = wake(word, count, ANY_BIT);
    if is_met {
        woken += wake(target, target_count, ANY_BIT);
    }
    Ok(woken)
}

fn sign_extend_12(value: u32) -> u32 {
    ((value << 20) as i32 >> 20) as u32
}

fn apply(op: u32, old: u32, operand: u32) -> Result<u32, Errno> {
    match op {
        0 => Ok(operand),
        1 => Ok(old.wrapping_add(operand)),
        2 => Ok(old | operand),
        3 => Ok(old & !operand),
        4 => Ok(old ^ operand),
        _ => Err(ENOSYS),
    }
}

fn compares(comparison: u32, old: i32, value: i32) -> Result<bool, Errno> {
    match comparison {
        0 => Ok(old == value),
        1 => Ok(old != value),
        2 => Ok(old < value),
        3 => Ok(old <= value),
        4 => Ok(old > value),
        5 => Ok(old >= value),
        _ => Err(ENOSYS),
    }
}

/// Locks a dying thread held are marked and their waiters woken (get_robust_list(2), Linux
/// Documentation/locking/robust-futexes.rst).
pub fn release_robust_list(thread: &Thread) {
    let head = thread.robust_list.load(Ordering::Relaxed);
    if head != 0 {
        let _ = walk_robust_list(thread, head); // a list that faults is the program's own mistake
    }
}

fn walk_robust_list(thread: &Thread, head: usize) -> Result<(), Errno> {
    const LIMIT: usize = 2048;
    let offset: isize = user::read(head.wrapping_add(8))?;
    let pending: usize = user::read(head.wrapping_add(16))?;
    let mut entry: usize = user::read(head)?;
    for _ in 0..LIMIT {
        if entry & !1 == head {
            break;
        }
        let next: usize = user::read(entry & !1)?;
        if entry != pending {
            abandon(thread, (entry & !1).wrapping_add_signed(offset))?;
        }
        entry = next;
    }
    if pending != 0 {
        let address = (pending & !1).wrapping_add_signed(offset);
        abandon(thread, address)?;
        wake_if_free(address)?;
    }
    Ok(())
}

fn abandon(thread: &Thread, address: usize) -> Result<(), Errno> {
    const OWNER: u32 = 0x3fff_ffff;
    const OWNER_DIED: u32 = 0x4000_0000;
    const WAITERS: u32 = 0x8000_0000;
    let word = Word::at(address, Scope::Shared).map_err(|_| EFAULT)?;
    let value = word.value()?;
    if value & OWNER == thread.tid() {
        user::write(address, value & WAITERS | OWNER_DIED)?;
        wake(word, 1, ANY_BIT);
    }
    Ok(())
}

/// The thread ended between letting go of a lock and waking who waits for it.
fn wake_if_free(address: usize) -> Result<(), Errno> {
    if user::read::<u32>(address)? == 0 {
        wake_one_at(address);
    }
    Ok(())
}
