//! A spin lock. The kernel runs with interrupts off, so on one processor a lock is never contended:
//! finding it taken means this call chain took it already, and that is reported instead of hanging.

use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicBool, Ordering};

/// Mutual exclusion without sleeping; hold it briefly and never across `wait_until`.
pub struct SpinLock<T: ?Sized> {
    is_locked: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the lock gives out one guard at a time.
unsafe impl<T: ?Sized + Send> Sync for SpinLock<T> {}
// SAFETY: moving the lock moves the value it owns.
unsafe impl<T: ?Sized + Send> Send for SpinLock<T> {}

impl<T: Default> Default for SpinLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> SpinLock<T> {
    pub const fn new(value: T) -> Self {
        Self {
            is_locked: AtomicBool::new(false),
            value: UnsafeCell::new(value),
        }
    }
}

impl<T: ?Sized> SpinLock<T> {
    /// Takes the lock. Who took it for ever is told by the backtrace: `#[track_caller]` would put the
    /// place of each of hundreds of calls into the image.
    #[inline(always)]
    pub fn lock(&self) -> SpinLockGuard<'_, T> {
        acquire(&self.is_locked);
        SpinLockGuard { lock: self }
    }

    /// Takes the lock if nobody has it: for crash reports, which must not wait.
    pub fn try_lock(&self) -> Option<SpinLockGuard<'_, T>> {
        if self.is_locked.swap(true, Ordering::Acquire) {
            return None;
        }
        Some(SpinLockGuard { lock: self })
    }
}

/// One for all types.
fn acquire(is_locked: &AtomicBool) {
    let mut spins = 0u32;
    while is_locked.swap(true, Ordering::Acquire) {
        core::hint::spin_loop();
        spins += 1;
        assert!(spins < 100_000_000, "a lock is held for ever");
    }
}

/// Access to the value until dropped.
pub struct SpinLockGuard<'a, T: ?Sized> {
    lock: &'a SpinLock<T>,
}

impl<T: ?Sized> Deref for SpinLockGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard is the only access while it lives.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T: ?Sized> DerefMut for SpinLockGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard is the only access while it lives.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T: ?Sized> Drop for SpinLockGuard<'_, T> {
    fn drop(&mut self) {
        self.lock.is_locked.store(false, Ordering::Release);
    }
}
