//! Futexes (futex(2)): threads that wait for a word to change.
//!
//! Not here yet: priority inheritance (ENOSYS; glibc offers it only where asked for), and futexes
//! shared between processes. Lock order: `TABLE` before the address space's (reading the word may
//! fault its page in).

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::Thread;
use crate::errno::{EAGAIN, EFAULT, EINVAL, Errno, SysResult};
use crate::mm::user;
use crate::sorted_map::SortedMap;
use crate::sync::{Deadline, SpinLock, WaitQueue, wait_until};

/// Wakes whatever bits a waiter waits for.
pub const ANY_BIT: u32 = u32::MAX;

struct Waiter {
    bits: u32,
    is_woken: AtomicBool,
    /// Where it waits now: requeueing moves it.
    address: AtomicUsize,
    queue: WaitQueue,
}

static TABLE: SpinLock<SortedMap<usize, VecDeque<Arc<Waiter>>>> = SpinLock::new(SortedMap::new());

fn check(address: usize) -> Result<(), Errno> {
    if !address.is_multiple_of(4) {
        Err(EINVAL)
    } else {
        Ok(())
    }
}

/// Sleeps while the word holds `expected`; EAGAIN when it does not to begin with.
pub fn wait(address: usize, expected: u32, bits: u32, deadline: Deadline) -> SysResult {
    check(address)?;
    if bits == 0 {
        return Err(EINVAL);
    }
    let waiter = enqueue_if(address, expected, bits)?;
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

fn enqueue_if(address: usize, expected: u32, bits: u32) -> Result<Arc<Waiter>, Errno> {
    let waiter = Arc::new(Waiter {
        bits,
        is_woken: AtomicBool::new(false),
        address: AtomicUsize::new(address),
        queue: WaitQueue::new(),
    });
    let mut table = TABLE.lock();
    if user::read::<u32>(address)? != expected {
        return Err(EAGAIN);
    }
    table.get_or_default(address).push_back(waiter.clone());
    Ok(waiter)
}

fn remove(waiter: &Arc<Waiter>) {
    let address = waiter.address.load(Ordering::Relaxed);
    let mut table = TABLE.lock();
    if let Some(waiters) = table.get_mut(&address) {
        waiters.retain(|other| !Arc::ptr_eq(other, waiter));
        if waiters.is_empty() {
            table.remove(&address);
        }
    }
}

/// Wakes up to `count` waiters whose bits meet `bits`, longest waiting first; how many it woke.
pub fn wake(address: usize, count: usize, bits: u32) -> usize {
    let woken = take(address, count, bits);
    woken.iter().for_each(release);
    woken.len()
}

fn take(address: usize, count: usize, bits: u32) -> VecDeque<Arc<Waiter>> {
    let mut taken = VecDeque::new();
    let mut table = TABLE.lock();
    let Some(waiters) = table.get_mut(&address) else {
        return taken;
    };
    waiters.retain(|waiter| {
        let is_taken = taken.len() < count && waiter.bits & bits != 0;
        if is_taken {
            taken.push_back(waiter.clone());
        }
        !is_taken
    });
    if waiters.is_empty() {
        table.remove(&address);
    }
    taken
}

fn release(waiter: &Arc<Waiter>) {
    waiter.is_woken.store(true, Ordering::Release);
    waiter.queue.wake_all();
}

/// Wakes `wake_count` waiters and lets up to `move_count` more wait at `target` instead; with
/// `expected`, only if the word still holds it. Returns woken and moved.
pub fn requeue(
    address: usize,
    target: usize,
    (wake_count, move_count): (usize, usize),
    expected: Option<u32>,
) -> Result<(usize, usize), Errno> {
    check(address)?;
    check(target)?;
    if let Some(expected) = expected
        && user::read::<u32>(address)? != expected
    {
        return Err(EAGAIN);
    }
    let woken = wake(address, wake_count, ANY_BIT);
    let moved = take(address, move_count, ANY_BIT);
    let count = moved.len();
    for waiter in &moved {
        waiter.address.store(target, Ordering::Relaxed);
    }
    if count != 0 {
        TABLE.lock().get_or_default(target).extend(moved);
    }
    Ok((woken, count))
}

/// FUTEX_WAKE_OP: changes the word at `target` and wakes there too if its old value compares.
pub fn wake_op(
    address: usize,
    target: usize,
    (count, target_count): (usize, usize),
    encoded: u32,
) -> SysResult {
    check(address)?;
    check(target)?;
    let (op, comparison) = (encoded >> 28, encoded >> 24 & 0xf);
    let mut operand = sign_extend_12(encoded >> 12);
    let compared = sign_extend_12(encoded);
    const SHIFTED: u32 = 8;
    if op & SHIFTED != 0 {
        operand = 1u32.wrapping_shl(operand);
    }
    let old = user::read::<u32>(target)?;
    user::write(target, apply(op & !SHIFTED, old, operand)?)?;
    let mut woken = wake(address, count, ANY_BIT);
    if compares(comparison, old as i32, compared as i32)? {
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
        _ => Err(EINVAL),
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
        _ => Err(EINVAL),
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
    let offset: isize = user::read(head + 8)?;
    let pending: usize = user::read(head + 16)?;
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
        abandon(thread, (pending & !1).wrapping_add_signed(offset))?;
    }
    Ok(())
}

fn abandon(thread: &Thread, address: usize) -> Result<(), Errno> {
    const OWNER: u32 = 0x3fff_ffff;
    const OWNER_DIED: u32 = 0x4000_0000;
    const WAITERS: u32 = 0x8000_0000;
    check(address).map_err(|_| EFAULT)?;
    let word: u32 = user::read(address)?;
    if word & OWNER == thread.tid() {
        user::write(address, word & WAITERS | OWNER_DIED)?;
        wake(address, 1, ANY_BIT);
    }
    Ok(())
}
