//! Processes and threads, scheduling, signals, futexes, and starting programs.
//!
//! Lock order: a process's `family` before its relatives'; every other lock here is a leaf.

pub mod at_exit;
pub mod capability;
pub mod clone;
pub mod exec;
pub mod exit;
pub mod family;
pub mod fork;
pub mod futex;
pub mod identity;
pub mod launch;
pub mod limits;
pub mod pidfd;
pub mod registry;
pub mod scheduler;
pub mod signal;
pub mod stop;
pub mod thread;
pub mod timers;
pub mod wait_status;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

pub use family::Family;
pub use identity::Credentials;
pub use limits::Limits;
pub use registry::allocate_id;
pub use scheduler::current;
pub use stop::Stop;
pub use thread::Thread;
pub use wait_status::WaitStatus;

use crate::fs::node::NodeRef;
use crate::fs::{FileTable, PathContext};
use crate::mm::space::AddressSpace;
use crate::sync::{SpinLock, WaitQueue};

/// What was started: for /proc/self/{exe,cmdline,environ,auxv}.
#[derive(Default, Clone)]
pub struct Program {
    pub node: Option<NodeRef>,
    pub arguments: Vec<Vec<u8>>,
    pub environment: Vec<Vec<u8>>,
    /// Auxiliary vector as laid out on the stack (getauxval(3)).
    pub auxiliary: Vec<u64>,
}

/// /proc/PID/oom_score_adj: told and inherited; who is killed it does not change.
#[derive(Clone, Copy, Default)]
pub struct OomScore {
    pub adjustment: i32,
    /// What it was set to with CAP_SYS_RESOURCE: without, it does not go below.
    pub least: i32,
}

/// A process: what its threads share.
pub struct Process {
    pub pid: u32,
    /// Replaced by execve(2), shared by vfork(2), given up at the end.
    space: SpinLock<Arc<AddressSpace>>,
    /// True from vfork(2) until execve(2) or the end: the parent waits for its memory.
    pub borrows_space: AtomicBool,
    /// Shared by clone(2) with CLONE_FILES, until execve(2).
    files: SpinLock<Arc<FileTable>>,
    pub paths: Arc<PathContext>,
    pub credentials: SpinLock<Credentials>,
    pub limits: SpinLock<Limits>,
    pub signals: signal::SharedSignals,
    pub timers: timers::ProcessTimers,
    pub program: SpinLock<Program>,
    pub threads: SpinLock<Vec<Arc<Thread>>>,
    pub family: SpinLock<Family>,
    pub stop: SpinLock<Stop>,
    /// Woken when a child, or the process itself, changes: ended, stopped, continued, execve(2).
    pub changed: WaitQueue,
    /// Set once by exit_group(2) or a fatal signal.
    pub exit_status: AtomicU32,
    /// What the thread that ended last gave exit(2).
    pub last_thread_status: AtomicU32,
    /// The last thread has ended: a zombie until the parent has waited for it.
    pub has_ended: AtomicBool,
    /// Processor time of threads that have ended, and of children that were waited for.
    pub ended_cpu_ns: AtomicU64,
    pub children_cpu_ns: AtomicU64,
    pub started_ns: u64,
    pub oom_score: SpinLock<OomScore>,
}

/// What a new process is made of.
pub struct Parts {
    pub space: Arc<AddressSpace>,
    pub files: Arc<FileTable>,
    pub paths: Arc<PathContext>,
    pub credentials: Credentials,
    pub limits: Limits,
    pub signals: signal::SharedSignals,
    pub program: Program,
    /// The parent's; none for the first process of a program.
    pub family: Option<Family>,
    pub oom_score: OomScore,
}

impl Process {
    /// A process without threads; its first has its pid as its tid.
    pub fn new(parts: Parts) -> Arc<Process> {
        let pid = allocate_id();
        registry::note_made();
        let process = Arc::new(Process {
            pid,
            space: SpinLock::new(parts.space),
            borrows_space: AtomicBool::new(false),
            files: SpinLock::new(parts.files),
            paths: parts.paths,
            credentials: SpinLock::new(parts.credentials),
            limits: SpinLock::new(parts.limits),
            signals: parts.signals,
            timers: timers::ProcessTimers::default(),
            program: SpinLock::new(parts.program),
            threads: SpinLock::new(Vec::new()),
            family: SpinLock::new(parts.family.unwrap_or_else(|| Family::leader(pid))),
            stop: SpinLock::new(Stop::default()),
            changed: WaitQueue::new(),
            exit_status: AtomicU32::new(WaitStatus::RUNNING.0),
            last_thread_status: AtomicU32::new(0),
            has_ended: AtomicBool::new(false),
            ended_cpu_ns: AtomicU64::new(0),
            children_cpu_ns: AtomicU64::new(0),
            started_ns: crate::time::now_ns(),
            oom_score: SpinLock::new(parts.oom_score),
        });
        registry::add(&process);
        process
    }

    /// Its memory; nothing is mapped there once it has ended.
    pub fn space(&self) -> Arc<AddressSpace> {
        self.space.lock().clone()
    }

    /// Gives it other memory, and a parent that waits in vfork(2) its own back.
    pub fn replace_space(&self, space: Arc<AddressSpace>) {
        let old = core::mem::replace(&mut *self.space.lock(), space);
        drop(old);
        if self.borrows_space.swap(false, Ordering::AcqRel) {
            self.changed.wake_all();
        }
    }

    pub fn files(&self) -> Arc<FileTable> {
        self.files.lock().clone()
    }

    pub fn replace_files(&self, files: Arc<FileTable>) {
        let old = core::mem::replace(&mut *self.files.lock(), files);
        drop(old);
    }

    /// Process, process group and session id (credentials(7)).
    pub fn ids(&self) -> [u32; 3] {
        let family = self.family.lock();
        [self.pid, family.group, family.session]
    }

    pub fn is_zombie(&self) -> bool {
        self.has_ended.load(Ordering::Acquire)
    }

    /// How it ended, or is about to.
    pub fn wait_status(&self) -> WaitStatus {
        match WaitStatus(self.exit_status.load(Ordering::Acquire)) {
            WaitStatus::RUNNING => {
                WaitStatus::exited(self.last_thread_status.load(Ordering::Relaxed))
            }
            status => status,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        registry::remove_if_gone(self.pid);
        registry::note_gone();
    }
}
