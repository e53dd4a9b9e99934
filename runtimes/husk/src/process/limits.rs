//! Resource limits (getrlimit(2)).

use super::clone::THREAD_LIMIT;

pub const RLIM_INFINITY: u64 = u64::MAX;
/// Number of RLIMIT_* resources.
pub const RESOURCE_COUNT: usize = 16;
pub const RLIMIT_DATA: usize = 2;
pub const RLIMIT_STACK: usize = 3;
pub const RLIMIT_CORE: usize = 4;
pub const RLIMIT_NPROC: usize = 6;
pub const RLIMIT_NOFILE: usize = 7;
pub const RLIMIT_MEMLOCK: usize = 8;
pub const RLIMIT_AS: usize = 9;
pub const RLIMIT_SIGPENDING: usize = 11;
/// Linux gives each user half of threads-max.
const PENDING_SIGNALS: u64 = THREAD_LIMIT as u64 / 2;

/// Soft and hard limit per resource, indexed by RLIMIT_*.
#[derive(Clone, Debug)]
pub struct Limits {
    pub soft: [u64; RESOURCE_COUNT],
    pub hard: [u64; RESOURCE_COUNT],
}

impl Default for Limits {
    /// What Docker gives a container by default: 8 MiB of stack, 1,048,576 descriptors.
    fn default() -> Self {
        let mut limits = Self {
            soft: [RLIM_INFINITY; RESOURCE_COUNT],
            hard: [RLIM_INFINITY; RESOURCE_COUNT],
        };
        limits.soft[RLIMIT_STACK] = 8 << 20;
        limits.soft[RLIMIT_NOFILE] = 1 << 20;
        limits.hard[RLIMIT_NOFILE] = 1 << 20;
        limits.soft[RLIMIT_SIGPENDING] = PENDING_SIGNALS;
        limits.hard[RLIMIT_SIGPENDING] = PENDING_SIGNALS;
        limits
    }
}
