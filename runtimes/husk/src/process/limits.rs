//! Resource limits (getrlimit(2)).

pub const RLIM_INFINITY: u64 = u64::MAX;
/// Number of RLIMIT_* resources.
pub const RESOURCE_COUNT: usize = 16;
pub const RLIMIT_DATA: usize = 2;
pub const RLIMIT_STACK: usize = 3;
pub const RLIMIT_CORE: usize = 4;
pub const RLIMIT_NOFILE: usize = 7;
pub const RLIMIT_MEMLOCK: usize = 8;
pub const RLIMIT_AS: usize = 9;

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
        limits
    }
}
