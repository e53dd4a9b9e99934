//! Locks on files: flock(2), and fcntl(2)'s F_GETLK, F_SETLK, F_SETLKW and F_OFD_* of them.

use alloc::sync::Arc;

use super::descriptor::{get, table};
use crate::errno::{EBADF, EINVAL, EOVERFLOW, Errno, SysResult};
use crate::fs::OpenFile;
use crate::fs::lock::{self, LAST_BYTE, Lock, Owner};
use crate::mm::user;
use crate::process::current;
use crate::syscall;

// fcntl(2), asm-generic/fcntl.h
pub const F_GETLK: i32 = 5;
pub const F_SETLK: i32 = 6;
pub const F_SETLKW: i32 = 7;
pub const F_OFD_GETLK: i32 = 36;
pub const F_OFD_SETLK: i32 = 37;
pub const F_OFD_SETLKW: i32 = 38;
const F_RDLCK: u16 = 0;
const F_WRLCK: u16 = 1;
const F_UNLCK: u16 = 2;

const SEEK_SET: u16 = 0;
const SEEK_CUR: u16 = 1;
const SEEK_END: u16 = 2;

/// `struct flock` as four words: type and whence, start, length, pid.
struct Flock {
    kind: u16,
    whence: u16,
    start: i64,
    length: i64,
    pid: u32,
}

impl Flock {
    fn read(address: usize) -> Result<Flock, Errno> {
        let [head, start, length, pid]: [u64; 4] = user::read(address)?;
        Ok(Flock {
            kind: head as u16,
            whence: (head >> 16) as u16,
            start: start as i64,
            length: length as i64,
            pid: pid as u32,
        })
    }

    /// The first and the last byte (Linux fs/locks.c, `flock64_to_posix_lock`).
    fn range(&self, open: &OpenFile) -> Result<(u64, u64), Errno> {
        let base = match self.whence {
            SEEK_SET => 0,
            SEEK_CUR => *open.offset.lock() as i64,
            SEEK_END => open.file.size().unwrap_or(0) as i64,
            _ => return Err(EINVAL),
        };
        let start = base.checked_add(self.start).ok_or(EOVERFLOW)?;
        let from = |offset: i64| u64::try_from(offset).map_err(|_| EINVAL);
        let first = from(start)?;
        match self.length {
            0 => Ok((first, LAST_BYTE)),
            1.. => {
                let last = start.checked_add(self.length - 1).ok_or(EOVERFLOW)?;
                Ok((first, last as u64))
            }
            // A negative length: the bytes before `start`, which cannot be the first byte then.
            _ => Ok((
                from(start.saturating_add(self.length))?,
                first.wrapping_sub(1),
            )),
        }
    }
}

/// fcntl(2)'s commands on locks.
pub fn control(fd: i32, open: &Arc<OpenFile>, command: i32, argument: usize) -> SysResult {
    let flock = Flock::read(argument)?;
    let tells = command == F_GETLK || command == F_OFD_GETLK;
    let is_known = flock.kind < F_UNLCK || flock.kind == F_UNLCK && command != F_GETLK;
    if tells && !is_known {
        return Err(EINVAL);
    }
    let (first, last) = flock.range(open)?;
    if !is_known {
        return Err(EINVAL);
    }
    let is_description = command >= F_OFD_GETLK;
    if !tells {
        check_access(open, flock.kind)?;
    }
    if is_description && flock.pid != 0 {
        return Err(EINVAL);
    }
    let owner = match is_description {
        true => Owner::Description(lock::address(open)),
        false => Owner::Process(current().process.pid),
    };
    let wanted = Lock {
        file: lock::file_of(open)?,
        owner,
        is_exclusive: flock.kind == F_WRLCK,
        first,
        last,
    };
    match command {
        F_GETLK | F_OFD_GETLK => tell(argument, lock::conflicting(&wanted)),
        _ if flock.kind == F_UNLCK => lock::release(&wanted).map(|()| 0),
        F_SETLKW | F_OFD_SETLKW => take_waiting(fd, open, &wanted),
        _ => lock::take(&wanted).map(|()| 0),
    }
}

/// EBADF for a lock that the access mode does not allow.
fn check_access(open: &OpenFile, kind: u16) -> Result<(), Errno> {
    match kind {
        F_RDLCK if !open.may_read() => Err(EBADF),
        F_WRLCK if !open.may_write() => Err(EBADF),
        _ => Ok(()),
    }
}

/// Another thread may close the descriptor meanwhile: no lock is to stay behind then.
fn take_waiting(fd: i32, open: &Arc<OpenFile>, wanted: &Lock) -> SysResult {
    lock::take_waiting(wanted)?;
    let is_open = table().get(fd).is_ok_and(|now| Arc::ptr_eq(&now, open));
    if !is_open {
        lock::release(wanted)?;
        return Err(EBADF);
    }
    Ok(0)
}

fn tell(address: usize, in_the_way: Option<Lock>) -> SysResult {
    let Some(lock) = in_the_way else {
        user::write(address, F_UNLCK)?;
        return Ok(0);
    };
    let kind = if lock.is_exclusive { F_WRLCK } else { F_RDLCK };
    let length = match lock.last {
        LAST_BYTE => 0,
        last => last - lock.first + 1,
    };
    let pid = match lock.owner {
        Owner::Process(pid) => pid,
        _ => u32::MAX, // -1: a description is nobody's (fcntl(2))
    };
    let head = u64::from(kind) | u64::from(SEEK_SET) << 16;
    user::write(address, [head, lock.first, length])?;
    user::write(address + 24, pid)?;
    Ok(0)
}

const LOCK_SH: i32 = 1;
const LOCK_EX: i32 = 2;
const LOCK_NB: i32 = 4;
const LOCK_UN: i32 = 8;

/// flock(2). A lock of another type is given up before the new one is there, as on Linux.
fn flock(open: &OpenFile, operation: i32) -> SysResult {
    let wanted = Lock {
        file: lock::file_of(open)?,
        owner: Owner::Flock(lock::address(open)),
        is_exclusive: operation & LOCK_EX != 0,
        first: 0,
        last: LAST_BYTE,
    };
    if operation & LOCK_UN != 0 {
        return lock::release(&wanted).map(|()| 0);
    }
    if lock::is_held(&wanted) {
        return Ok(0);
    }
    lock::release(&wanted)?;
    match operation & LOCK_NB {
        0 => lock::take_waiting(&wanted)?,
        _ => lock::take(&wanted)?,
    }
    Ok(0)
}

syscall! {
    fn sys_flock(fd: i32, operation: i32) {
        match operation & !LOCK_NB {
            LOCK_SH | LOCK_EX | LOCK_UN => flock(&*get(fd)?, operation),
            _ => Err(EINVAL),
        }
    }
}
