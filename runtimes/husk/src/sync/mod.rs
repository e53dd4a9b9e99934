//! Locks and the one way to sleep.

pub mod once;
pub mod spin;
pub mod wait;

pub use once::Once;
pub use spin::{SpinLock, SpinLockGuard};
pub use wait::{
    Deadline, Observer, WaitQueue, Woken, wait_until, wait_until_any, wait_until_killed_or,
};
