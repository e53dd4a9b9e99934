//! Reading, writing and sizing open files: read(2), pread(2), readv(2), lseek(2), truncate(2), …

use super::descriptor::{get, readable, writable};
use super::path::{self, AT_FDCWD};
use crate::errno::{EINVAL, EISDIR, ENXIO, EOPNOTSUPP, EPIPE, ESPIPE, Errno, SysResult};
use crate::fs::content::Content;
use crate::fs::node::{Kind, as_node};
use crate::fs::open::{O_APPEND, O_NONBLOCK};
use crate::fs::walk::AtEnd;
use crate::fs::{IoRequest, OpenFile, Sink, Source, permission};
use crate::mm::user::UserBuffers;
use crate::net::socket::Socket;
use crate::process::exec::busy;
use crate::process::signal;
use crate::syscall;

// preadv2(2)
const RWF_HIPRI: u32 = 1;
const RWF_DSYNC: u32 = 2;
const RWF_SYNC: u32 = 4;
const RWF_NOWAIT: u32 = 8;
const RWF_APPEND: u32 = 16;
const RWF_KNOWN: u32 = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND;

/// Reads at the description's offset and moves it.
pub fn read_on(open: &OpenFile, into: &mut dyn Sink) -> SysResult {
    let offset = *open.offset.lock();
    let count = open.file.read(request(open, offset), into)?;
    *open.offset.lock() = offset + count as u64;
    Ok(count)
}

/// Writes at the description's offset, or at the end, and moves it there.
pub fn write_on(open: &OpenFile, from: &mut dyn Source) -> SysResult {
    let offset = *open.offset.lock();
    let request = request(open, offset);
    let count = write_or_signal(open, request, from)?;
    let end = if request.is_append {
        open.file.size().unwrap_or(0)
    } else {
        offset + count as u64
    };
    *open.offset.lock() = end;
    Ok(count)
}

fn request(open: &OpenFile, offset: u64) -> IoRequest {
    let flags = open.status_flags();
    IoRequest {
        offset,
        is_append: flags & O_APPEND != 0,
        is_nonblocking: flags & O_NONBLOCK != 0,
    }
}

/// A socket signals by itself, where send(2) does.
fn write_or_signal(open: &OpenFile, request: IoRequest, from: &mut dyn Source) -> SysResult {
    let outcome = open.file.write(request, from);
    match open.file.as_any().is::<Socket>() {
        true => outcome,
        false => signal_broken_pipe(outcome),
    }
}

/// pipe(7): the writer gets SIGPIPE beside EPIPE.
pub fn signal_broken_pipe(result: SysResult) -> SysResult {
    if result == Err(EPIPE) {
        signal::send_to_current(signal::SIGPIPE);
    }
    result
}

/// An offset of pread(2): EINVAL when negative or when the transfer would pass the largest.
fn valid_offset(offset: i64, count: usize) -> Result<u64, Errno> {
    let end = i64::try_from(count)
        .ok()
        .and_then(|count| offset.checked_add(count));
    end.and(u64::try_from(offset).ok()).ok_or(EINVAL)
}

/// The same of an open file: ESPIPE for what has no positions.
fn position(open: &OpenFile, offset: i64) -> Result<u64, Errno> {
    let offset = valid_offset(offset, 0)?;
    open.file.size().map(|_| offset)
}

/// What is wrong with the buffers matters after what is wrong with the descriptor.
fn read_at(fd: i32, into: Result<UserBuffers, Errno>, offset: i64) -> SysResult {
    valid_offset(offset, 0)?;
    let open = readable(fd)?;
    position(&open, offset)?;
    let mut into = into?;
    let offset = valid_offset(offset, Sink::remaining(&into))?;
    open.file.read(request(&open, offset), &mut into)
}

/// pwrite(2) BUGS: with O_APPEND Linux writes at the end all the same.
fn write_at(fd: i32, from: Result<UserBuffers, Errno>, offset: i64) -> SysResult {
    valid_offset(offset, 0)?;
    let open = writable(fd)?;
    position(&open, offset)?;
    let mut from = from?;
    let offset = valid_offset(offset, Source::remaining(&from))?;
    open.file.write(request(&open, offset), &mut from)
}

/// preadv2(2) and pwritev2(2): RWF_* flags; offset -1 is the description's own.
fn vector_request(open: &OpenFile, offset: i64, flags: u32) -> Result<IoRequest, Errno> {
    if flags & !RWF_KNOWN != 0 {
        return Err(EOPNOTSUPP);
    }
    let offset = if offset == -1 {
        *open.offset.lock()
    } else {
        position(open, offset)?
    };
    let mut request = request(open, offset);
    request.is_append |= flags & RWF_APPEND != 0;
    request.is_nonblocking |= flags & RWF_NOWAIT != 0;
    Ok(request)
}

fn read_vector_with(fd: i32, mut into: UserBuffers, offset: i64, flags: u32) -> SysResult {
    let open = readable(fd)?;
    let request = vector_request(&open, offset, flags)?;
    let count = open.file.read(request, &mut into)?;
    if offset == -1 {
        *open.offset.lock() = request.offset + count as u64;
    }
    Ok(count)
}

fn write_vector_with(fd: i32, mut from: UserBuffers, offset: i64, flags: u32) -> SysResult {
    let open = writable(fd)?;
    let request = vector_request(&open, offset, flags)?;
    let count = write_or_signal(&open, request, &mut from)?;
    if offset == -1 {
        *open.offset.lock() = request.offset + count as u64;
    }
    Ok(count)
}

const SEEK_SET: u32 = 0;
const SEEK_CUR: u32 = 1;
const SEEK_END: u32 = 2;
const SEEK_DATA: u32 = 3;
const SEEK_HOLE: u32 = 4;

fn seek(open: &OpenFile, offset: i64, whence: u32) -> SysResult {
    let size = open.file.size()?;
    if is_device(open) {
        return Ok(0); // null(4): seeking succeeds and goes nowhere
    }
    let base = match whence {
        SEEK_SET => 0,
        SEEK_CUR => *open.offset.lock() as i64,
        SEEK_END => size as i64,
        SEEK_DATA | SEEK_HOLE => return seek_sparse(open, offset, whence),
        _ => return Err(EINVAL),
    };
    let target = base
        .checked_add(offset)
        .filter(|&target| target >= 0)
        .ok_or(EINVAL)?;
    *open.offset.lock() = target as u64;
    Ok(target as usize)
}

fn is_device(open: &OpenFile) -> bool {
    as_node(&open.file).is_some_and(|node| matches!(node.kind, Kind::Device(_)))
}

fn seek_sparse(open: &OpenFile, offset: i64, whence: u32) -> SysResult {
    let offset = u64::try_from(offset).map_err(|_| ENXIO)?;
    let target = with_content(open, EINVAL, |content| match whence {
        SEEK_DATA => content.next_data(offset),
        _ => content.next_hole(offset),
    })?;
    *open.offset.lock() = target;
    Ok(target as usize)
}

/// Applies to a regular file's contents; `otherwise` when it is none.
pub fn with_content<T>(
    open: &OpenFile,
    otherwise: Errno,
    apply: impl FnOnce(&Content) -> Result<T, Errno>,
) -> Result<T, Errno> {
    let node = as_node(&open.file).ok_or(otherwise)?;
    apply(node.content().ok_or(otherwise)?)
}

fn truncate_path(address: usize, length: i64) -> SysResult {
    let path = path::read(address)?;
    let node = path::find(AT_FDCWD, &path, AtEnd::Follow)?;
    let size_bytes = u64::try_from(length).map_err(|_| EINVAL)?;
    if node.is_directory() {
        return Err(EISDIR);
    }
    permission::check(&node, permission::WRITE)?;
    busy::require_not_running(&node)?;
    crate::fs::File::truncate(&*node, size_bytes)?;
    Ok(0)
}

syscall! {
    fn sys_read(fd: i32, address: usize, count: usize) {
        let open = readable(fd)?;
        read_on(&open, &mut UserBuffers::single(address, count)?)
    }

    fn sys_write(fd: i32, address: usize, count: usize) {
        let open = writable(fd)?;
        write_on(&open, &mut UserBuffers::single(address, count)?)
    }

    fn sys_readv(fd: i32, vector: usize, count: usize) {
        let open = readable(fd)?;
        read_on(&open, &mut UserBuffers::vector(vector, count)?)
    }

    fn sys_writev(fd: i32, vector: usize, count: usize) {
        let open = writable(fd)?;
        write_on(&open, &mut UserBuffers::vector(vector, count)?)
    }

    fn sys_pread64(fd: i32, address: usize, count: usize, offset: i64) {
        read_at(fd, UserBuffers::single(address, count), offset)
    }

    fn sys_pwrite64(fd: i32, address: usize, count: usize, offset: i64) {
        write_at(fd, UserBuffers::single(address, count), offset)
    }

    fn sys_preadv(fd: i32, vector: usize, count: usize, offset: i64) {
        read_at(fd, UserBuffers::vector(vector, count), offset)
    }

    fn sys_pwritev(fd: i32, vector: usize, count: usize, offset: i64) {
        write_at(fd, UserBuffers::vector(vector, count), offset)
    }

    /// The offset's upper half is for 32-bit machines.
    fn sys_preadv2(fd: i32, vector: usize, count: usize, offset: i64, _high: usize, flags: u32) {
        read_vector_with(fd, UserBuffers::vector(vector, count)?, offset, flags)
    }

    fn sys_pwritev2(fd: i32, vector: usize, count: usize, offset: i64, _high: usize, flags: u32) {
        write_vector_with(fd, UserBuffers::vector(vector, count)?, offset, flags)
    }

    fn sys_lseek(fd: i32, offset: i64, whence: u32) {
        seek(&*get(fd)?, offset, whence)
    }

    fn sys_truncate(path: usize, length: i64) {
        truncate_path(path, length)
    }

    fn sys_ftruncate(fd: i32, length: i64) {
        let size_bytes = u64::try_from(length).map_err(|_| EINVAL)?;
        let open = get(fd)?;
        if !open.may_write() {
            return Err(EINVAL); // not EBADF (ftruncate(2))
        }
        open.file.truncate(size_bytes).map(|()| 0)
    }

    /// Files are memory: there is nothing slower to bring them to.
    fn sys_fsync(fd: i32) {
        synchronise(fd)
    }

    fn sys_fdatasync(fd: i32) {
        synchronise(fd)
    }

    fn sys_sync() {
        Ok(0)
    }

    fn sys_syncfs(fd: i32) {
        get(fd).map(|_| 0)
    }

    fn sys_sync_file_range(fd: i32, offset: i64, length: i64, flags: u32) {
        const KNOWN_FLAGS: u32 = 7;
        let open = get(fd)?;
        if offset < 0 || length < 0 || flags & !KNOWN_FLAGS != 0 {
            return Err(EINVAL);
        }
        synchronise(fd).map_err(|_| if open.file.size().is_err() { ESPIPE } else { EINVAL })
    }

    /// POSIX_FADV_*: advice that changes nothing here.
    fn sys_fadvise64(fd: i32, _offset: i64, length: i64, advice: i32) {
        const ADVICE_LIMIT: i32 = 5;
        let open = get(fd)?;
        open.file.size()?;
        if length >= 0 && (0..=ADVICE_LIMIT).contains(&advice) { Ok(0) } else { Err(EINVAL) }
    }

    fn sys_readahead(fd: i32, _offset: i64, _count: usize) {
        with_content(&*readable(fd)?, EINVAL, |_| Ok(0))
    }
}

/// fsync(2): EINVAL for what cannot be synchronised.
fn synchronise(fd: i32) -> SysResult {
    let open = get(fd)?;
    let is_in_tree = as_node(&open.file).is_some_and(|n| n.content().is_some() || n.is_directory());
    if is_in_tree { Ok(0) } else { Err(EINVAL) }
}
