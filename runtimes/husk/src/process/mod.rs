//! Processes and threads, scheduling, signals, futexes, and starting programs.
//!
//! One process at a time so far: fork(2) comes with a second address space.

pub mod exec;
pub mod exit;
pub mod futex;
pub mod identity;
pub mod launch;
pub mod limits;
pub mod scheduler;
pub mod signal;
pub mod thread;
pub mod timers;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

pub use identity::Credentials;
pub use limits::Limits;
pub use scheduler::current;
pub use thread::Thread;

use crate::fs::{FileTable, PathContext};
use crate::mm::space::AddressSpace;
use crate::sync::SpinLock;

/// What was started: for /proc/self/{exe,cmdline,environ,auxv}.
#[derive(Default, Clone)]
pub struct Program {
    pub executable: Vec<u8>,
    pub arguments: Vec<Vec<u8>>,
    pub environment: Vec<Vec<u8>>,
    /// Auxiliary vector as laid out on the stack (getauxval(3)).
    pub auxiliary: Vec<u64>,
}

/// `Process::exit_status` while nothing has ended it.
pub const RUNNING: u32 = u32::MAX;

/// A process: what its threads share.
pub struct Process {
    pub pid: u32,
    pub space: AddressSpace,
    pub files: FileTable,
    pub paths: PathContext,
    pub credentials: SpinLock<Credentials>,
    pub limits: SpinLock<Limits>,
    pub signals: signal::SharedSignals,
    pub timers: timers::ProcessTimers,
    pub program: SpinLock<Program>,
    pub threads: SpinLock<Vec<Arc<Thread>>>,
    /// Set once by exit_group(2) or a fatal signal.
    pub exit_status: AtomicU32,
    /// What the thread that ended last gave exit(2).
    pub last_thread_status: AtomicU32,
    /// Processor time of threads that have ended.
    pub ended_cpu_ns: AtomicU64,
    pub started_ns: u64,
}

impl Process {
    /// A process without threads; its first has its pid as its tid.
    pub fn new(space: AddressSpace, paths: PathContext, credentials: Credentials) -> Process {
        Process {
            pid: allocate_id(),
            space,
            files: FileTable::new(),
            paths,
            credentials: SpinLock::new(credentials),
            limits: SpinLock::new(Limits::default()),
            signals: signal::SharedSignals::default(),
            timers: timers::ProcessTimers::default(),
            program: SpinLock::new(Program::default()),
            threads: SpinLock::new(Vec::new()),
            exit_status: AtomicU32::new(RUNNING),
            last_thread_status: AtomicU32::new(0),
            ended_cpu_ns: AtomicU64::new(0),
            started_ns: crate::time::now_ns(),
        }
    }
}

static NEXT_ID: AtomicU32 = AtomicU32::new(1);

/// A process or thread id nobody had before.
pub fn allocate_id() -> u32 {
    NEXT_ID.fetch_add(1, Ordering::Relaxed)
}
