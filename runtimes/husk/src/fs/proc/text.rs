//! The texts of /proc/PID in Linux's formats (proc(5)).
//!
//! What husk does not count is 0: page faults by kind, context switches, I/O.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use core::sync::atomic::Ordering;

use super::Text;
use super::system::TICKS_PER_S;
use crate::errno::{EACCES, EINVAL, ENOMEM, ESRCH, Errno};
use crate::fs::node::as_node;
use crate::mm::space::mapping::{Backing, Mapping, Protection};
use crate::mm::{PAGE_SIZE, heap};
use crate::process::limits::{RLIM_INFINITY, RLIMIT_SIGPENDING};
use crate::process::signal::{self, SignalSet};
use crate::process::{Process, capability, family, scheduler};

const NS_PER_TICK: u64 = 1_000_000_000 / TICKS_PER_S;

/// Strings one after the other, each with its NUL.
fn joined(strings: &[Vec<u8>]) -> Text {
    let mut out = Vec::new();
    for string in strings {
        heap::append(&mut out, string)?;
        heap::append(&mut out, b"\0")?;
    }
    Ok(out)
}

/// The arguments the program was started with; later changes in its memory do not show.
pub fn cmdline(process: &Process, _tid: u32) -> Text {
    joined(&process.program.lock().arguments)
}

pub fn environ(process: &Process, _tid: u32) -> Text {
    joined(&process.program.lock().environment)
}

pub fn auxv(process: &Process, _tid: u32) -> Text {
    let program = process.program.lock();
    let words = program.auxiliary.iter();
    Ok(words.flat_map(|word| word.to_ne_bytes()).collect())
}

/// A thread's name as prctl(2) set it, without the padding.
fn name(tid: u32) -> String {
    let Some(thread) = scheduler::find(tid) else {
        return String::new();
    };
    let name = *thread.name.lock();
    let length = name
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(name.len());
    String::from_utf8_lossy(name.get(..length).unwrap_or_default()).into_owned()
}

pub fn comm(_process: &Process, tid: u32) -> Text {
    Ok(format!("{}\n", name(tid)).into_bytes())
}

/// proc(5): the threads of a process name each other.
pub fn set_comm(process: &Process, tid: u32, name: &[u8]) -> Text {
    let thread = scheduler::find(tid).ok_or(ESRCH)?;
    if process.pid != scheduler::current().process.pid {
        return Err(EINVAL);
    }
    let length = name.iter().position(|&byte| byte == 0);
    let mut text = [0; 16];
    let end = length.unwrap_or(name.len()).min(text.len() - 1);
    if let (Some(to), Some(from)) = (text.get_mut(..end), name.get(..end)) {
        to.copy_from_slice(from);
    }
    *thread.name.lock() = text;
    Ok(Vec::new())
}

pub fn oom_score_adj(process: &Process, _tid: u32) -> Text {
    let adjustment = process.oom_score.lock().adjustment;
    Ok(format!("{adjustment}\n").into_bytes())
}

/// proc(5); without CAP_SYS_RESOURCE not below what it was set to with it.
pub fn set_oom_score_adj(process: &Process, _tid: u32, text: &[u8]) -> Text {
    const MOST: i32 = 1000;
    let text = core::str::from_utf8(text).map_err(|_| EINVAL)?;
    let wanted: i32 = text.trim_ascii().parse().map_err(|_| EINVAL)?;
    if !(-MOST..=MOST).contains(&wanted) {
        return Err(EINVAL);
    }
    let own = scheduler::current().process.credentials.lock().clone();
    let mut score = process.oom_score.lock();
    if own.may(capability::SYS_RESOURCE) {
        score.least = wanted;
    } else if wanted < score.least {
        return Err(EACCES);
    }
    score.adjustment = wanted;
    Ok(Vec::new())
}

/// As proc(5) names it: a letter, and the word behind it in `status`.
fn state(process: &Process, tid: u32) -> (char, &'static str) {
    match () {
        () if scheduler::find(tid).is_none() => ('Z', "zombie"),
        () if process.stop.lock().is_stopped() => ('T', "stopped"),
        () if scheduler::find(tid).is_some_and(|thread| thread.is_ready()) => ('R', "running"),
        () => ('S', "sleeping"),
    }
}

pub fn stat(process: &Process, tid: u32) -> Text {
    let cpu_ns: u64 = {
        let threads = process.threads.lock();
        let sum: u64 = threads
            .iter()
            .map(|t| t.cpu_ns.load(Ordering::Relaxed))
            .sum();
        sum + process.ended_cpu_ns.load(Ordering::Relaxed)
    };
    let usage = process.space().usage();
    let [_, group, session] = process.ids();
    let nice = scheduler::find(tid).map_or(0, |thread| thread.nice.load(Ordering::Relaxed));
    let text = format!(
        "{tid} ({}) {} {} {group} {session} 0 -1 4194304 0 0 0 0 {} 0 0 0 {} {nice} {} 0 {} {} {} \
         18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
        name(tid),
        state(process, tid).0,
        family::parent_id(process),
        cpu_ns / NS_PER_TICK,
        20 + nice,
        process.threads.lock().len(),
        process.started_ns / NS_PER_TICK,
        usage.mapped * PAGE_SIZE,
        usage.resident,
    );
    Ok(text.into_bytes())
}

pub fn statm(process: &Process, _tid: u32) -> Text {
    let usage = process.space().usage();
    let data = usage.data + usage.stack;
    let (mapped, resident, text) = (usage.mapped, usage.resident, usage.text);
    Ok(format!("{mapped} {resident} 0 {text} 0 {data} 0\n").into_bytes())
}

pub fn status(process: &Process, tid: u32) -> Text {
    let mut out = String::new();
    let (letter, word) = state(process, tid);
    let _ = write!(
        out,
        "Name:\t{}\nUmask:\t{:04o}\nState:\t{letter} ({word})\nTgid:\t{}\nNgid:\t0\nPid:\t{tid}\nPPid:\t{}\n\
         TracerPid:\t0\n",
        name(tid),
        process.paths.umask(),
        process.pid,
        family::parent_id(process)
    );
    write_credentials(&mut out, process)?;
    write_memory(&mut out, process);
    let _ = writeln!(out, "Threads:\t{}", process.threads.lock().len());
    write_signals(&mut out, process, tid);
    let ids = process.credentials.lock().clone();
    let held = ids.capabilities;
    let _ = write!(
        out,
        "CapInh:\t{:016x}\nCapPrm:\t{:016x}\nCapEff:\t{:016x}\nCapBnd:\t{:016x}\n\
         CapAmb:\t{:016x}\nNoNewPrivs:\t{}\nSeccomp:\t0\nCpus_allowed:\t1\nCpus_allowed_list:\t0\n\
         Mems_allowed:\t1\nMems_allowed_list:\t0\n\
         voluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n",
        held.inheritable,
        held.permitted,
        held.effective,
        held.bounding,
        0,
        u32::from(ids.no_new_privileges),
    );
    Ok(out.into_bytes())
}

fn write_credentials(out: &mut String, process: &Process) -> Result<(), Errno> {
    let ids = process.credentials.lock();
    let _ = write!(
        out,
        "Uid:\t{}\t{}\t{}\t{}\nGid:\t{}\t{}\t{}\t{}\nFDSize:\t{}\nGroups:\t",
        ids.uid,
        ids.euid,
        ids.suid,
        ids.euid,
        ids.gid,
        ids.egid,
        ids.sgid,
        ids.egid,
        process.files().count().next_power_of_two().max(64),
    );
    let digits = ids.groups.len() * "4294967295 ".len();
    out.try_reserve(digits).map_err(|_| ENOMEM)?;
    for group in ids.groups.iter() {
        let _ = write!(out, "{group} ");
    }
    out.push('\n');
    Ok(())
}

fn write_memory(out: &mut String, process: &Process) {
    let usage = process.space().usage();
    let kib = |pages: usize| pages * PAGE_SIZE / 1024;
    let (mapped, resident) = (kib(usage.mapped), kib(usage.resident));
    let _ = write!(
        out,
        "VmPeak:\t{mapped:8} kB\nVmSize:\t{mapped:8} kB\nVmLck:\t{:8} kB\nVmPin:\t{:8} kB\n\
         VmHWM:\t{resident:8} kB\nVmRSS:\t{resident:8} kB\nVmData:\t{:8} kB\nVmStk:\t{:8} kB\n\
         VmExe:\t{:8} kB\nVmLib:\t{:8} kB\nVmPTE:\t{:8} kB\nVmSwap:\t{:8} kB\n",
        0,
        0,
        kib(usage.data),
        kib(usage.stack),
        kib(usage.text),
        0,
        0,
        0
    );
}

fn write_signals(out: &mut String, process: &Process, tid: u32) {
    let (blocked, pending): (SignalSet, SignalSet) = match scheduler::find(tid) {
        Some(thread) => {
            let signals = thread.signals.lock();
            (signals.blocked, signals.pending.set())
        }
        None => (0, 0),
    };
    let queued = signal::queued(process);
    let limit = process.limits.lock().soft[RLIMIT_SIGPENDING];
    let shared = process.signals.pending_set();
    let (ignored, caught) = process.signals.dispositions();
    let _ = write!(
        out,
        "SigQ:\t{queued}/{limit}\nSigPnd:\t{pending:016x}\nShdPnd:\t{shared:016x}\nSigBlk:\t{blocked:016x}\n\
         SigIgn:\t{ignored:016x}\nSigCgt:\t{caught:016x}\n"
    );
}

/// Name, units, by RLIMIT_* number (asm-generic/resource.h).
const LIMITS: [(&str, &str); 16] = [
    ("Max cpu time", "seconds"),
    ("Max file size", "bytes"),
    ("Max data size", "bytes"),
    ("Max stack size", "bytes"),
    ("Max core file size", "bytes"),
    ("Max resident set", "bytes"),
    ("Max processes", "processes"),
    ("Max open files", "files"),
    ("Max locked memory", "bytes"),
    ("Max address space", "bytes"),
    ("Max file locks", "locks"),
    ("Max pending signals", "signals"),
    ("Max msgqueue size", "bytes"),
    ("Max nice priority", ""),
    ("Max realtime priority", ""),
    ("Max realtime timeout", "us"),
];

pub fn limits(process: &Process, _tid: u32) -> Text {
    let shown = |limit: u64| match limit {
        RLIM_INFINITY => String::from("unlimited"),
        limit => format!("{limit}"),
    };
    let limits = process.limits.lock().clone();
    let mut out = format!(
        "{:<25} {:<20} {:<20} {:<10}\n",
        "Limit", "Soft Limit", "Hard Limit", "Units"
    );
    for (((name, units), soft), hard) in LIMITS.iter().zip(limits.soft).zip(limits.hard) {
        let _ = writeln!(
            out,
            "{name:<25} {:<20} {:<20} {units:<10}",
            shown(soft),
            shown(hard)
        );
    }
    Ok(out.into_bytes())
}

pub fn maps(process: &Process, _tid: u32) -> Text {
    let mut out = Vec::new();
    for mapping in mappings(process)? {
        heap::append(&mut out, &line_of(&mapping))?;
    }
    Ok(out)
}

/// Sizes only: which pages are resident is not known per mapping.
pub fn smaps(process: &Process, _tid: u32) -> Text {
    let mut out = Vec::new();
    for mapping in mappings(process)? {
        let size = mapping.size_bytes() / 1024;
        let text = format!("Size:           {size:8} kB\nKernelPageSize:        4 kB\n");
        heap::append(&mut out, &line_of(&mapping))?;
        heap::append(&mut out, text.as_bytes())?;
    }
    Ok(out)
}

/// Copies, since formatting one asks its file for things while the address space is not locked.
fn mappings(process: &Process) -> Result<Vec<Mapping>, Errno> {
    let mut mappings = Vec::new();
    let mut has_room = true;
    process.space().for_each_mapping(&mut |mapping| {
        has_room &= mappings.try_reserve(1).is_ok();
        if has_room {
            mappings.push(mapping.clone());
        }
    });
    has_room.then_some(mappings).ok_or(ENOMEM)
}

fn line_of(mapping: &Mapping) -> Vec<u8> {
    let flag = |protection, letter| match mapping.protection.contains(protection) {
        true => letter,
        false => '-',
    };
    let (offset, device, inode, path) = match &mapping.backing {
        Backing::Anonymous => (0, 0, 0, mapping.name.as_bytes().to_vec()),
        Backing::File { file, offset } => {
            let status = file.status().unwrap_or_default();
            (*offset, status.device, status.inode, file.path())
        }
    };
    let mut line = format!(
        "{:x}-{:x} {}{}{}{} {offset:08x} {:02x}:{:02x} {inode} ",
        mapping.start,
        mapping.end,
        flag(Protection::READ, 'r'),
        flag(Protection::WRITE, 'w'),
        flag(Protection::EXECUTE, 'x'),
        if mapping.is_shared { 's' } else { 'p' },
        device >> 8,
        device & 0xff,
    )
    .into_bytes();
    const PATH_COLUMN: usize = 73;
    if !path.is_empty() {
        line.resize(PATH_COLUMN.max(line.len()), b' ');
        line.extend_from_slice(&path);
    }
    line.push(b'\n');
    line
}

pub fn mounts(_process: &Process, _tid: u32) -> Text {
    Ok(b"rootfs / tmpfs rw,nosuid,noatime 0 0\nproc /proc proc rw,nosuid,noatime 0 0\n".to_vec())
}

pub fn mountinfo(_process: &Process, _tid: u32) -> Text {
    const LINES: &[u8] = b"1 1 0:1 / / rw,nosuid,noatime - tmpfs rootfs rw\n\
          2 1 0:2 / /proc rw,nosuid,noatime - proc proc rw\n";
    Ok(LINES.to_vec())
}

/// /proc/PID/fdinfo/FD.
pub fn descriptor(process: &Process, fd: i32) -> Text {
    let Ok(open) = process.files().get(fd) else {
        return Ok(Vec::new());
    };
    let closes_on_exec = process.files().closes_on_exec(fd).unwrap_or(false);
    let on_exec = if closes_on_exec {
        crate::fs::open::O_CLOEXEC
    } else {
        0
    };
    let mount = if as_node(&open.file).is_some() { 1 } else { 0 };
    let mut text = format!(
        "pos:\t{}\nflags:\t0{:o}\nmnt_id:\t{mount}\nino:\t{}\n",
        *open.offset.lock(),
        crate::syscall::descriptor::shown_flags(&open) | on_exec,
        open.file.status().map_or(0, |status| status.inode),
    )
    .into_bytes();
    heap::append(&mut text, &open.file.details())?;
    Ok(text)
}
