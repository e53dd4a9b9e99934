//! Descriptors themselves: close(2), dup(2), fcntl(2), ioctl(2).

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use super::lock::{self, F_GETLK, F_OFD_GETLK, F_OFD_SETLKW, F_SETLKW};
use crate::errno::{EBADF, EINVAL, ESRCH, Errno, SysResult};
use crate::fs::node::as_node;
use crate::fs::open::{O_ACCMODE, O_APPEND, O_CLOEXEC, O_DIRECT, O_NONBLOCK, O_PATH, O_WRONLY};
use crate::fs::pipe::PipeEnd;
use crate::fs::{FileTable, OpenFile, permission, seal};
use crate::mm::user;
use crate::process::{self, Process, registry};
use crate::syscall;

/// The running process's descriptors.
pub fn table() -> Arc<FileTable> {
    process::current().process.files()
}

/// What is behind a descriptor, as long as it was opened for more than its path.
pub fn get(fd: i32) -> Result<Arc<OpenFile>, Errno> {
    let open = table().get(fd)?;
    if open.status_flags() & O_PATH != 0 {
        return Err(EBADF);
    }
    Ok(open)
}

/// As `get`, EBADF unless it may be read.
pub fn readable(fd: i32) -> Result<Arc<OpenFile>, Errno> {
    let open = table().get(fd)?;
    if open.status_flags() & (O_PATH | O_WRONLY) != 0 {
        return Err(EBADF);
    }
    Ok(open)
}

/// As `get`, EBADF unless it may be written.
pub fn writable(fd: i32) -> Result<Arc<OpenFile>, Errno> {
    let open = table().get(fd)?;
    if open.status_flags() & O_PATH != 0 || !open.may_write() {
        return Err(EBADF);
    }
    Ok(open)
}

// fcntl(2), asm-generic/fcntl.h
const F_DUPFD: i32 = 0;
const F_GETFD: i32 = 1;
const F_SETFD: i32 = 2;
const F_GETFL: i32 = 3;
const F_SETFL: i32 = 4;
const F_SETOWN: i32 = 8;
const F_GETOWN: i32 = 9;
const F_SETOWN_EX: i32 = 15;
const F_GETOWN_EX: i32 = 16;
const F_DUPFD_CLOEXEC: i32 = 1030;
const F_SETPIPE_SZ: i32 = 1031;
const F_GETPIPE_SZ: i32 = 1032;
const F_ADD_SEALS: i32 = 1033;
const F_GET_SEALS: i32 = 1034;
/// `struct f_owner_ex`: what the id beside it is of.
const F_OWNER_PID: i32 = 1;
const F_OWNER_PGRP: i32 = 2;
const FD_CLOEXEC: usize = 1;
/// Kept and told: no time of access changes at reading anyway.
const O_NOATIME: u32 = 0o1_000_000;
/// What F_SETFL can change; O_ASYNC is accepted and means nothing.
const CHANGEABLE: u32 = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;
const O_LARGEFILE: u32 = 0o100_000;

fn control(fd: i32, command: i32, argument: usize) -> SysResult {
    let open = table().get(fd)?;
    let is_path = open.status_flags() & O_PATH != 0;
    let works_on_paths = matches!(
        command,
        F_DUPFD | F_DUPFD_CLOEXEC | F_GETFD | F_SETFD | F_GETFL
    );
    if is_path && !works_on_paths {
        return Err(EBADF);
    }
    match command {
        F_DUPFD => duplicate_from(open, argument, false),
        F_DUPFD_CLOEXEC => duplicate_from(open, argument, true),
        F_GETFD => Ok(usize::from(table().closes_on_exec(fd)?)),
        F_SETFD => table()
            .set_closes_on_exec(fd, argument & FD_CLOEXEC != 0)
            .map(|()| 0),
        F_GETFL => Ok(shown_flags(&open) as usize),
        F_SETFL => {
            set_flags(&open, argument as u32)?;
            Ok(0)
        }
        F_GETLK..=F_SETLKW | F_OFD_GETLK..=F_OFD_SETLKW => {
            lock::control(fd, &open, command, argument)
        }
        F_SETOWN => set_owner(&open, argument as i32),
        F_GETOWN => Ok(open.owner.load(Ordering::Relaxed) as usize),
        F_SETOWN_EX => match user::read::<[i32; 2]>(argument)? {
            [F_OWNER_PID, pid] if pid >= 0 => set_owner(&open, pid),
            [F_OWNER_PGRP, group] if group >= 0 => set_owner(&open, -group),
            _ => Err(EINVAL),
        },
        F_GETOWN_EX => {
            let owner = open.owner.load(Ordering::Relaxed);
            let kind = if owner < 0 { F_OWNER_PGRP } else { F_OWNER_PID };
            user::write(argument, [kind, owner.abs()]).map(|()| 0)
        }
        F_SETPIPE_SZ => pipe_end(&open)?.pipe().set_capacity(argument),
        F_GETPIPE_SZ => Ok(pipe_end(&open)?.pipe().capacity()),
        F_ADD_SEALS => seal::add(&open, argument),
        F_GET_SEALS => seal::get(&open),
        _ => Err(EINVAL),
    }
}

/// Whom signals of O_ASYNC would go to: a process, or as a negative number a group. None are sent.
fn set_owner(open: &OpenFile, owner: i32) -> SysResult {
    let is_owner = |process: &Arc<Process>| match owner {
        0.. => process.pid == owner as u32,
        _ => process.family.lock().group == owner.unsigned_abs(),
    };
    if owner != 0 && !registry::all().iter().any(is_owner) {
        return Err(ESRCH);
    }
    open.owner.store(owner, Ordering::Relaxed);
    Ok(0)
}

fn set_flags(open: &OpenFile, wanted: u32) -> Result<(), Errno> {
    let is_asked = wanted & !open.status_flags() & O_NOATIME != 0;
    if let Some(node) = as_node(&open.file).filter(|_| is_asked) {
        permission::owner(node)?;
    }
    let mut flags = open.flags.lock();
    *flags = *flags & !CHANGEABLE | wanted & CHANGEABLE;
    let is_writing_end = *flags & O_ACCMODE != 0;
    drop(flags);
    if let Ok(end) = pipe_end(open)
        && is_writing_end
    {
        end.pipe().set_packetized(wanted & O_DIRECT != 0);
    }
    Ok(())
}

/// The status flags as Linux shows them: with O_LARGEFILE on what 64-bit programs open by a path.
pub fn shown_flags(open: &OpenFile) -> u32 {
    let flags = open.status_flags();
    let is_from_path = as_node(&open.file).is_some() && flags & O_PATH == 0;
    flags | if is_from_path { O_LARGEFILE } else { 0 }
}

fn duplicate_from(open: Arc<OpenFile>, lowest: usize, closes_on_exec: bool) -> SysResult {
    let limit = process::current().process.limits.lock().soft[process::limits::RLIMIT_NOFILE];
    if lowest as u64 >= limit || lowest > i32::MAX as usize {
        return Err(EINVAL);
    }
    Ok(table().install_open(open, lowest, closes_on_exec)? as usize)
}

fn pipe_end(open: &OpenFile) -> Result<&PipeEnd, Errno> {
    open.file.as_any().downcast_ref().ok_or(EBADF)
}

// ioctl_fd(2): what works on every descriptor.
const FIONBIO: u32 = 0x5421;
const FIONCLEX: u32 = 0x5450;
const FIOCLEX: u32 = 0x5451;
const FIOASYNC: u32 = 0x5452;
const FIONREAD: u32 = 0x541b;

fn ioctl(fd: i32, command: u32, argument: usize) -> SysResult {
    let open = get(fd)?;
    match command {
        FIONCLEX => table().set_closes_on_exec(fd, false).map(|()| 0),
        FIOCLEX => table().set_closes_on_exec(fd, true).map(|()| 0),
        FIONBIO => {
            let is_on = user::read::<i32>(argument)? != 0;
            let mut flags = open.flags.lock();
            *flags = if is_on {
                *flags | O_NONBLOCK
            } else {
                *flags & !O_NONBLOCK
            };
            Ok(0)
        }
        // No SIGIO is sent: accepted, as O_ASYNC is, where Linux has it.
        FIOASYNC if user::read::<i32>(argument)? == 0 || !is_regular(&open) => Ok(0),
        FIONREAD if is_regular(&open) => {
            let left = open.file.size()?.saturating_sub(*open.offset.lock());
            user::write(argument, left as i32)?;
            Ok(0)
        }
        _ => open.file.control(command, argument),
    }
}

fn is_regular(open: &OpenFile) -> bool {
    as_node(&open.file).is_some_and(|node| node.content().is_some())
}

const CLOSE_RANGE_UNSHARE: u32 = 1 << 1;
const CLOSE_RANGE_CLOEXEC: u32 = 1 << 2;

/// Gives the process a table of its own. Its threads have one together: EINVAL where there are more.
fn unshare() -> Result<(), Errno> {
    let process = &process::current().process;
    if process.threads.lock().len() > 1 {
        return Err(EINVAL);
    }
    process.replace_files(Arc::new(process.files().duplicate()?));
    Ok(())
}

fn mark_range(first: usize, last: usize) {
    let mut fd = first;
    while let Some(next) = table().next_open(fd).filter(|&next| next <= last) {
        let _ = table().set_closes_on_exec(next as i32, true); // it is open: nothing can fail
        fd = next + 1;
    }
}

syscall! {
    fn sys_close(fd: i32) {
        table().close(fd).map(|()| 0)
    }

    fn sys_close_range(first: u32, last: u32, flags: u32) {
        if flags & !(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) != 0 || first > last {
            return Err(EINVAL);
        }
        if flags & CLOSE_RANGE_UNSHARE != 0 {
            unshare()?;
        }
        if flags & CLOSE_RANGE_CLOEXEC != 0 {
            mark_range(first as usize, last as usize);
        } else {
            table().close_range(first as usize, last as usize);
        }
        Ok(0)
    }

    fn sys_dup(fd: i32) {
        let open = table().get(fd)?;
        Ok(table().install_open(open, 0, false)? as usize)
    }

    fn sys_dup2(old: i32, new: i32) {
        let open = table().get(old)?;
        if old != new {
            table().replace(new, open, false)?;
        }
        Ok(new as usize)
    }

    fn sys_dup3(old: i32, new: i32, flags: u32) {
        if old == new || flags & !O_CLOEXEC != 0 {
            return Err(EINVAL);
        }
        let open = table().get(old)?;
        table().replace(new, open, flags & O_CLOEXEC != 0)?;
        Ok(new as usize)
    }

    fn sys_fcntl(fd: i32, command: i32, argument: usize) {
        control(fd, command, argument)
    }

    fn sys_ioctl(fd: i32, command: u32, argument: usize) {
        ioctl(fd, command, argument)
    }
}
