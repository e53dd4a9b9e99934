//! Modes, owners and times: chmod(2), chown(2), utimensat(2) and their relatives.

use super::descriptor::{get, table};
use super::path::{AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, find_at, only};
use crate::errno::{EINVAL, EOPNOTSUPP, EPERM, Errno, SysResult};
use crate::fs::node::{
    Attributes, Kind, Node, NodeRef, PERMISSIONS, PROC_INODES, S_ISGID, node_of,
};
use crate::fs::notify::{self, IN_ACCESS, IN_ATTRIB, IN_MODIFY};
use crate::fs::{FileRef, permission};
use crate::mm::user;
use crate::process::capability;
use crate::syscall;
use crate::time::realtime_ns;

const NS_PER_S: u64 = 1_000_000_000;

/// The node whose attributes can be changed: not one of /proc, not a pipe or socket.
fn changeable(file: &FileRef) -> Result<NodeRef, Errno> {
    let node = node_of(file).ok_or(EINVAL)?;
    if node.number >= PROC_INODES {
        Err(EPERM)
    } else {
        Ok(node)
    }
}

fn change_mode(file: &FileRef, mode: u32) -> SysResult {
    let node = changeable(file)?;
    if matches!(node.kind, Kind::Symlink(_)) {
        return Err(EOPNOTSUPP);
    }
    permission::owner(&node)?;
    let gid = node.attributes.lock().gid;
    let mode = match permission::is_in_group(gid) || permission::has(capability::FSETID) {
        true => mode & PERMISSIONS,
        false => mode & PERMISSIONS & !S_ISGID, // chmod(2): not for a group one is not in
    };
    node.change(|attributes| attributes.permissions = mode);
    notify::happened(&node, IN_ATTRIB);
    Ok(0)
}

/// An id that is left as it is (chown(2)).
const UNCHANGED: u32 = u32::MAX;

fn change_owner(file: &FileRef, uid: u32, gid: u32) -> SysResult {
    let node = changeable(file)?;
    let is_directory = node.is_directory();
    let before = *node.attributes.lock();
    permission::change_owner(&before, uid, gid)?;
    node.change(|attributes| {
        set_owner(attributes, uid, gid);
        if !is_directory {
            attributes.drop_set_id_bits(); // chown(2), NOTES
        }
    });
    notify::happened(&node, IN_ATTRIB);
    Ok(0)
}

fn set_owner(attributes: &mut Attributes, uid: u32, gid: u32) {
    if uid != UNCHANGED {
        attributes.uid = uid;
    }
    if gid != UNCHANGED {
        attributes.gid = gid;
    }
}

const UTIME_NOW: u64 = 0x3fff_ffff;
const UTIME_OMIT: u64 = 0x3fff_fffe;

/// A new time, or None to leave the old one.
type NewTime = Option<u64>;

/// What is to be set, and whether both are to be the time it is now.
struct Times {
    accessed: NewTime,
    modified: NewTime,
    is_now: bool,
}

impl Times {
    fn now() -> Times {
        let now = Some(realtime_ns());
        Times {
            accessed: now,
            modified: now,
            is_now: true,
        }
    }

    fn given(accessed: NewTime, modified: NewTime) -> Times {
        Times {
            accessed,
            modified,
            is_now: false,
        }
    }
}

/// One `struct timespec` of utimensat(2).
fn new_time([seconds, nanoseconds]: [u64; 2]) -> Result<NewTime, Errno> {
    match nanoseconds {
        UTIME_OMIT => Ok(None),
        UTIME_NOW => Ok(Some(realtime_ns())),
        0..NS_PER_S => Ok(Some(since_epoch(seconds, nanoseconds))),
        _ => Err(EINVAL),
    }
}

/// Before the epoch is negative.
fn since_epoch(seconds: u64, nanoseconds: u64) -> u64 {
    let ns = (seconds as i64).saturating_mul(NS_PER_S as i64);
    ns.saturating_add(nanoseconds as i64) as u64
}

/// Two `struct timespec`; null is now.
fn read_times(address: usize) -> Result<Times, Errno> {
    if address == 0 {
        return Ok(Times::now());
    }
    let [accessed, modified]: [[u64; 2]; 2] = user::read(address)?;
    if accessed[1] == UTIME_NOW && modified[1] == UTIME_NOW {
        return Ok(Times::now());
    }
    Ok(Times::given(new_time(accessed)?, new_time(modified)?))
}

/// Two `struct timeval`; null is now.
fn read_timevals(address: usize) -> Result<Times, Errno> {
    if address == 0 {
        return Ok(Times::now());
    }
    let pairs: [[u64; 2]; 2] = user::read(address)?;
    let [accessed, modified] = pairs.map(|[seconds, microseconds]| {
        let is_normal = microseconds < 1_000_000;
        is_normal.then(|| since_epoch(seconds, microseconds * 1000))
    });
    let given = |time: Option<u64>| time.ok_or(EINVAL).map(Some);
    Ok(Times::given(given(accessed)?, given(modified)?))
}

/// utimensat(2): who may write may say that it is used now; other times are the owner's to set.
fn may_set_times(node: &Node, is_now: bool) -> Result<(), Errno> {
    match permission::owner(node) {
        Err(_) if is_now => permission::check(node, permission::WRITE),
        other => other,
    }
}

fn set_times(file: &FileRef, times: Times) -> SysResult {
    let Times {
        accessed,
        modified,
        is_now,
    } = times;
    let node = changeable(file)?;
    if accessed.is_none() && modified.is_none() {
        return Ok(0);
    }
    may_set_times(&node, is_now)?;
    node.change(|attributes| {
        attributes.accessed_ns = accessed.unwrap_or(attributes.accessed_ns);
        attributes.modified_ns = modified.unwrap_or(attributes.modified_ns);
    });
    // As Linux tells it: one time alone is taken for what usually changes it (fsnotify_change).
    let event = match (accessed, modified) {
        (Some(_), None) => IN_ACCESS,
        (None, Some(_)) => IN_MODIFY,
        _ => IN_ATTRIB,
    };
    notify::happened(&node, event);
    Ok(0)
}

fn at(directory: i32, path: usize) -> Result<FileRef, Errno> {
    find_at(directory, path, 0)
}

syscall! {
    fn sys_chmod(path: usize, mode: u32) {
        change_mode(&at(AT_FDCWD, path)?, mode)
    }

    fn sys_fchmod(fd: i32, mode: u32) {
        change_mode(&get(fd)?.file, mode)
    }

    fn sys_fchmodat(directory: i32, path: usize, mode: u32) {
        change_mode(&at(directory, path)?, mode)
    }

    fn sys_fchmodat2(directory: i32, path: usize, mode: u32, flags: u32) {
        only(flags, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)?;
        change_mode(&find_at(directory, path, flags)?, mode)
    }

    fn sys_chown(path: usize, uid: u32, gid: u32) {
        change_owner(&at(AT_FDCWD, path)?, uid, gid)
    }

    fn sys_lchown(path: usize, uid: u32, gid: u32) {
        change_owner(&find_at(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW)?, uid, gid)
    }

    fn sys_fchown(fd: i32, uid: u32, gid: u32) {
        change_owner(&get(fd)?.file, uid, gid)
    }

    fn sys_fchownat(directory: i32, path: usize, uid: u32, gid: u32, flags: u32) {
        only(flags, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)?;
        change_owner(&find_at(directory, path, flags)?, uid, gid)
    }

    /// A null path means the descriptor itself (futimens(3)).
    fn sys_utimensat(directory: i32, path: usize, times: usize, flags: u32) {
        only(flags, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)?;
        let times = read_times(times)?;
        if path == 0 && directory != AT_FDCWD {
            return set_times(&table().get(directory)?.file, times);
        }
        set_times(&find_at(directory, path, flags)?, times)
    }

    fn sys_utimes(path: usize, times: usize) {
        set_times(&at(AT_FDCWD, path)?, read_timevals(times)?)
    }

    fn sys_futimesat(directory: i32, path: usize, times: usize) {
        set_times(&at(directory, path)?, read_timevals(times)?)
    }

    /// `struct utimbuf`: seconds only.
    fn sys_utime(path: usize, times: usize) {
        let file = at(AT_FDCWD, path)?;
        if times == 0 {
            return set_times(&file, Times::now());
        }
        let seconds: [u64; 2] = user::read(times)?;
        let [accessed, modified] = seconds.map(|seconds| Some(since_epoch(seconds, 0)));
        set_times(&file, Times::given(accessed, modified))
    }
}
