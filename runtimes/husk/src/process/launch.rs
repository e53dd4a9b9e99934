//! Running the programs of the boot configuration, one after the other.
//!
//! This runs on boot's stack. The scheduler leaves it for the first thread of a program and comes
//! back when the last one has ended, so that everything of the program is gone when it is counted.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use super::capability::Capabilities;
use super::exec::{self, Command, Loaded};
use super::limits::RLIMIT_STACK;
use super::signal::SharedSignals;
use super::{Credentials, Limits, OomScore, Parts, Process, Thread, registry, scheduler};
use crate::arch::power;
use crate::arch::tables::{KERNEL_CODE, KERNEL_DATA};
use crate::arch::trap::TrapFrame;
use crate::boot;
use crate::boot::config::ProgramConfig;
use crate::errno::{ENOENT, Errno};
use crate::fs::{self, FileTable, PathContext};
use crate::mm::space::AddressSpace;
use crate::mm::{frame, heap};
use crate::{event, klog, net};

/// What shells answer with when a program is not there, or cannot be run.
const STATUS_NOT_FOUND: u8 = 127;
const STATUS_NOT_RUN: u8 = 126;

/// Status of the program that ended last.
static STATUS: AtomicU32 = AtomicU32::new(0);

/// Runs every program, then powers the machine off with the first status that is not 0.
pub fn run_all() -> ! {
    let programs = &boot::config().programs;
    let mut outcome = 0;
    for (index, program) in programs.iter().enumerate() {
        let number = index + 1;
        if programs.len() > 1 {
            klog!("program {number}: {}", program.executable.escape_ascii());
        }
        let status = run(program);
        report(number, status, programs.len() > 1);
        if outcome == 0 {
            outcome = status;
        }
    }
    net::finish();
    event!("exit {outcome}");
    power::off(outcome.min(127))
}

/// The process has ended; its last thread is about to.
pub fn program_exited(status: u8) {
    STATUS.store(u32::from(status), Ordering::Relaxed);
}

fn run(config: &ProgramConfig) -> u8 {
    match start(config) {
        Ok(()) => {
            scheduler::run_until_all_exited();
            STATUS.load(Ordering::Relaxed) as u8
        }
        Err(error) => {
            let path = config.executable.escape_ascii();
            klog!("cannot run {path}: {}", error.name());
            if error == ENOENT {
                STATUS_NOT_FOUND
            } else {
                STATUS_NOT_RUN
            }
        }
    }
}

/// What is left of a program that is gone. The heap is told apart: the kernel's own structures grow
/// to what they needed once, and stay.
fn report(number: usize, status: u8, is_one_of_many: bool) {
    event!(
        "counts frames={} fds={} threads={} processes={} sockets={}",
        frame::held_count(),
        fs::table::open_count(),
        scheduler::count(),
        registry::count(),
        net::socket::count()
    );
    event!("heap {}", heap::used_bytes());
    if is_one_of_many {
        event!("program {number} exit {status}");
    }
}

fn start(config: &ProgramConfig) -> Result<(), Errno> {
    let credentials = credentials(config);
    let environment = environment(config)?;
    let space = AddressSpace::new()?;
    let loaded = exec::load(
        &space,
        &Command {
            file: &fs::open_kernel(&config.executable)?,
            executable: &config.executable,
            name: &config.executable,
            arguments: &config.arguments,
            environment: &environment,
            credentials: &credentials,
        },
    )?;
    let frame = first_frame(&loaded);
    registry::begin_program();
    let process = Process::new(Parts {
        space: Arc::new(space),
        files: Arc::new(FileTable::new()),
        paths: Arc::new(PathContext::new(&config.cwd, config.umask)),
        credentials,
        limits: limits(config),
        signals: SharedSignals::default(),
        program: loaded.program,
        family: None,
        oom_score: OomScore::default(),
    });
    process
        .space()
        .set_stack_limit(process.limits.lock().soft[RLIMIT_STACK] as usize);
    registry::set_init(&process);
    open_console(&process)?;
    let thread = Thread::new(process.clone(), process.pid, &frame)?;
    *thread.name.lock() = command_name(&config.executable);
    process.threads.lock().push(thread.clone());
    scheduler::start(thread);
    Ok(())
}

fn credentials(config: &ProgramConfig) -> Credentials {
    let (uid, gid) = (config.uid, config.gid);
    let [effective, bounding] = config.capabilities;
    Credentials {
        uid,
        euid: uid,
        suid: uid,
        gid,
        egid: gid,
        sgid: gid,
        groups: Arc::new(config.groups.clone()),
        capabilities: Capabilities {
            effective,
            permitted: effective,
            inheritable: 0,
            bounding,
        },
        ..Credentials::default()
    }
}

/// A container's own, but for those that were set for the program.
fn limits(config: &ProgramConfig) -> Limits {
    let mut limits = Limits::default();
    for &[resource, soft, hard] in &config.limits {
        if let Some(limit) = limits.soft.get_mut(resource as usize) {
            *limit = soft;
            limits.hard[resource as usize] = hard;
        }
    }
    limits
}

/// The baked environment; variables given at boot replace those of the same name.
fn environment(config: &ProgramConfig) -> Result<Vec<Vec<u8>>, Errno> {
    let given = boot::environment::given()?;
    let baked = config.environment.iter().map(Vec::as_slice);
    let kept = baked.filter(|baked| given.clone().all(|other| name(other) != name(baked)));
    let given = given.clone().map(<[u8]>::to_vec);
    Ok(kept.map(<[u8]>::to_vec).chain(given).collect())
}

fn name(variable: &[u8]) -> &[u8] {
    let end = variable.iter().position(|&byte| byte == b'=');
    &variable[..end.unwrap_or(variable.len())]
}

/// Registers a program begins with (System V ABI AMD64 § 3.4.1): all zero but these.
pub fn first_frame(loaded: &Loaded) -> TrapFrame {
    const INTERRUPTS_ON: usize = 1 << 9 | 1 << 1; // bit 1 reads as 1
    TrapFrame {
        rip: loaded.entry,
        rsp: loaded.stack_pointer,
        cs: usize::from(KERNEL_CODE),
        ss: usize::from(KERNEL_DATA),
        rflags: INTERRUPTS_ON,
        ..TrapFrame::default()
    }
}

/// What /proc/PID/comm says: the last component of the path, cut to 15 bytes.
pub fn command_name(executable: &[u8]) -> [u8; 16] {
    let last = executable.rsplit(|&byte| byte == b'/').next();
    let mut name = [0; 16];
    name.iter_mut()
        .take(15)
        .zip(last.unwrap_or_default())
        .for_each(|(to, from)| *to = *from);
    name
}

/// Descriptors 0, 1 and 2.
fn open_console(process: &Process) -> Result<(), Errno> {
    const O_RDWR: u32 = 2;
    let console = fs::console_file(process.credentials.lock().uid)?;
    for _ in 0..3 {
        process.files().install(console.clone(), O_RDWR)?;
    }
    Ok(())
}
