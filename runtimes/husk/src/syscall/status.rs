//! What files and file systems tell of themselves: stat(2), statx(2), statfs(2).

use super::descriptor::table;
use super::path::{self, AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, find_at, only};
use crate::errno::{EINVAL, Errno, SysResult};
use crate::fs::node::{PROC_INODES, node_of};
use crate::fs::pipe::PipeEnd;
use crate::fs::walk::{AtEnd, NAME_LIMIT};
use crate::fs::{FileRef, FileStatus};
use crate::mm::user::{self, Plain};
use crate::mm::{PAGE_SIZE, frame};
use crate::syscall;

const NS_PER_S: u64 = 1_000_000_000;
const AT_NO_AUTOMOUNT: u32 = 0x800;

/// `struct stat` (arch/x86/include/uapi/asm/stat.h).
#[repr(C)]
#[derive(Clone, Copy)]
struct Stat {
    device: u64,
    inode: u64,
    links: u64,
    mode: u32,
    uid: u32,
    gid: u32,
    pad: u32,
    special_device: u64,
    size_bytes: u64,
    block_size: u64,
    blocks: u64,
    accessed: [u64; 2],
    modified: [u64; 2],
    changed: [u64; 2],
    reserved: [u64; 3],
}

// SAFETY: integers, the padding a field of its own; 144 bytes.
unsafe impl Plain for Stat {}
const _: () = assert!(size_of::<Stat>() == 144);

fn time(ns: u64) -> [u64; 2] {
    let ns = ns as i64; // before the epoch is negative
    let second = NS_PER_S as i64;
    [ns.div_euclid(second) as u64, ns.rem_euclid(second) as u64]
}

fn write_stat(address: usize, status: &FileStatus) -> SysResult {
    let stat = Stat {
        device: status.device,
        inode: status.inode,
        links: status.links,
        mode: status.mode,
        uid: status.uid,
        gid: status.gid,
        pad: 0,
        special_device: status.special_device,
        size_bytes: status.size_bytes,
        block_size: PAGE_SIZE as u64,
        blocks: status.blocks,
        accessed: time(status.accessed_ns),
        modified: time(status.modified_ns),
        changed: time(status.changed_ns),
        reserved: [0; 3],
    };
    user::write(address, stat)?;
    Ok(0)
}

/// `struct statx_timestamp`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Timestamp {
    seconds: i64,
    nanoseconds: u32,
    reserved: i32,
}

/// `struct statx` (statx(2)).
#[repr(C)]
#[derive(Clone, Copy)]
struct Statx {
    mask: u32,
    block_size: u32,
    attributes: u64,
    links: u32,
    uid: u32,
    gid: u32,
    mode: u16,
    pad: u16,
    inode: u64,
    size_bytes: u64,
    blocks: u64,
    attributes_mask: u64,
    accessed: Timestamp,
    born: Timestamp,
    changed: Timestamp,
    modified: Timestamp,
    special_device: [u32; 2],
    device: [u32; 2],
    reserved: [u64; 14],
}

// SAFETY: integers, every padding a field of its own; 256 bytes.
unsafe impl Plain for Statx {}
const _: () = assert!(size_of::<Statx>() == 256);

const STATX_BASIC_STATS: u32 = 0x7ff;
const STATX_BTIME: u32 = 0x800;
const STATX_RESERVED: u32 = 1 << 31;
const AT_STATX_SYNC_TYPE: u32 = 0x6000;

fn timestamp(ns: u64) -> Timestamp {
    let [seconds, nanoseconds] = time(ns);
    Timestamp {
        seconds: seconds as i64,
        nanoseconds: nanoseconds as u32,
        reserved: 0,
    }
}

/// Major and minor number of a `dev_t` as `make_device` packs it.
fn split_device(device: u64) -> [u32; 2] {
    let major = device >> 8 & 0xfff | device >> 32 & !0xfff;
    let minor = device & 0xff | device >> 12 & !0xff;
    [major as u32, minor as u32]
}

fn write_statx(address: usize, status: &FileStatus) -> SysResult {
    let statx = Statx {
        mask: STATX_BASIC_STATS | if status.born_ns != 0 { STATX_BTIME } else { 0 },
        block_size: PAGE_SIZE as u32,
        attributes: 0,
        links: status.links as u32,
        uid: status.uid,
        gid: status.gid,
        mode: status.mode as u16,
        pad: 0,
        inode: status.inode,
        size_bytes: status.size_bytes,
        blocks: status.blocks,
        attributes_mask: 0,
        accessed: timestamp(status.accessed_ns),
        born: timestamp(status.born_ns),
        changed: timestamp(status.changed_ns),
        modified: timestamp(status.modified_ns),
        special_device: split_device(status.special_device),
        device: split_device(status.device),
        reserved: [0; 14],
    };
    user::write(address, statx)?;
    Ok(0)
}

// linux/magic.h
const TMPFS_MAGIC: u64 = 0x0102_1994;
const PROC_SUPER_MAGIC: u64 = 0x9fa0;
const PIPEFS_MAGIC: u64 = 0x5049_5045;
const ST_VALID: u64 = 0x20;
/// execve(2) takes no user's ids from a file.
const ST_NOSUID: u64 = 2;
const ST_NOATIME: u64 = 0x400;

/// `struct statfs` (statfs(2)): memory is the disk.
fn write_statfs(address: usize, file: &FileRef) -> SysResult {
    let frames = frame::total_count() as u64;
    let (magic, total) = match node_of(file) {
        Some(node) if node.number >= PROC_INODES => (PROC_SUPER_MAGIC, 0),
        None if file.as_any().is::<PipeEnd>() => (PIPEFS_MAGIC, 0),
        _ => (TMPFS_MAGIC, frames),
    };
    let free = total.saturating_sub(frame::used_count() as u64);
    let page = PAGE_SIZE as u64;
    let name_limit = NAME_LIMIT as u64;
    // type, bsize, blocks, bfree, bavail, files, ffree, fsid, namelen, frsize, flags, spare
    let fields: [u64; 15] = [
        magic,
        page,
        total,
        free,
        free,
        total,
        free,
        0,
        name_limit,
        page,
        ST_VALID | ST_NOSUID | ST_NOATIME,
        0,
        0,
        0,
        0,
    ];
    user::write(address, fields)?;
    Ok(0)
}

fn status_at(directory: i32, path: usize, flags: u32) -> Result<FileStatus, Errno> {
    only(flags, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT)?;
    find_at(directory, path, flags)?.status()
}

syscall! {
    fn sys_stat(path: usize, buffer: usize) {
        write_stat(buffer, &status_at(AT_FDCWD, path, 0)?)
    }

    fn sys_lstat(path: usize, buffer: usize) {
        write_stat(buffer, &status_at(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW)?)
    }

    fn sys_fstat(fd: i32, buffer: usize) {
        write_stat(buffer, &table().get(fd)?.file.status()?)
    }

    fn sys_newfstatat(directory: i32, path: usize, buffer: usize, flags: u32) {
        write_stat(buffer, &status_at(directory, path, flags)?)
    }

    fn sys_statx(directory: i32, path: usize, flags: u32, mask: u32, buffer: usize) {
        let synchronises = flags & AT_STATX_SYNC_TYPE;
        if mask & STATX_RESERVED != 0 || synchronises == AT_STATX_SYNC_TYPE {
            return Err(EINVAL);
        }
        write_statx(buffer, &status_at(directory, path, flags & !AT_STATX_SYNC_TYPE)?)
    }

    fn sys_statfs(path: usize, buffer: usize) {
        let node: FileRef = path::find(AT_FDCWD, &path::read(path)?, AtEnd::Follow)?;
        write_statfs(buffer, &node)
    }

    fn sys_fstatfs(fd: i32, buffer: usize) {
        write_statfs(buffer, &table().get(fd)?.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::device::make_device;

    #[test]
    fn device_numbers_come_apart_as_they_were_put_together() {
        assert_eq!(split_device(make_device(1, 3)), [1, 3]);
        assert_eq!(
            split_device(make_device(0x12345, 0x6789a)),
            [0x12345, 0x6789a]
        );
    }
}
