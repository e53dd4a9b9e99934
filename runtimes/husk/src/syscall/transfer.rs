//! From file to file inside the kernel: sendfile(2), copy_file_range(2).
//!
//! The file that is read is handed to the file that is written as a source, so that bytes of the
//! root archive are copied once, into a socket's buffer.

use super::descriptor::{readable, writable};
use super::file::signal_broken_pipe;
use crate::errno::{EBADF, EINVAL, EISDIR, Errno, SysResult};
use crate::fs::node::as_node;
use crate::fs::open::{O_APPEND, O_NONBLOCK, is_same};
use crate::fs::{Bytes, FileRef, IoRequest, OpenFile, Sink, Source};
use crate::mm::user;
use crate::process::scheduler;
use crate::process::thread::{WORK_EXIT, WORK_SIGNAL};
use crate::syscall;

/// Most that one call transfers (sendfile(2) NOTES).
const TRANSFER_LIMIT: usize = 0x7fff_f000;

/// A stretch of a file as a source.
struct FileSource<'a> {
    file: &'a FileRef,
    offset: u64,
    left: usize,
}

impl Source for FileSource<'_> {
    fn remaining(&self) -> usize {
        let size = self.file.size().unwrap_or(0);
        let there = size.saturating_sub(self.offset);
        self.left.min(usize::try_from(there).unwrap_or(usize::MAX))
    }

    fn take(&mut self, into: &mut [u8]) -> SysResult {
        let length = into.len().min(self.left);
        let mut sink = Slice::new(into.get_mut(..length).unwrap_or_default());
        let count = self.file.read(read_request(self.offset), &mut sink)?;
        self.offset += count as u64;
        self.left -= count;
        Ok(count)
    }
}

/// Kernel bytes as a sink.
pub struct Slice<'a> {
    bytes: &'a mut [u8],
    used: usize,
}

impl<'a> Slice<'a> {
    pub fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, used: 0 }
    }
}

impl Sink for Slice<'_> {
    fn remaining(&self) -> usize {
        self.bytes.len() - self.used
    }

    fn put(&mut self, bytes: &[u8]) -> SysResult {
        let count = bytes.len().min(self.remaining());
        let to = self
            .bytes
            .get_mut(self.used..self.used + count)
            .unwrap_or_default();
        to.copy_from_slice(bytes.get(..count).unwrap_or_default());
        self.used += count;
        Ok(count)
    }
}

fn read_request(offset: u64) -> IoRequest {
    IoRequest {
        offset,
        is_append: false,
        is_nonblocking: true,
    }
}

/// An offset argument: at a pointer, or the description's own when that is null.
pub struct Position<'a> {
    open: &'a OpenFile,
    pointer: usize,
    pub offset: u64,
}

impl<'a> Position<'a> {
    pub fn read(open: &'a OpenFile, pointer: usize) -> Result<Self, Errno> {
        let offset = match pointer {
            0 => *open.offset.lock(),
            _ => u64::try_from(user::read::<i64>(pointer)?).map_err(|_| EINVAL)?,
        };
        Ok(Self {
            open,
            pointer,
            offset,
        })
    }

    pub fn advance(&self, count: usize) -> Result<(), Errno> {
        let offset = self.offset + count as u64;
        if self.pointer == 0 {
            *self.open.offset.lock() = offset;
            return Ok(());
        }
        user::write(self.pointer, offset)
    }
}

/// Most that is moved before other threads have a turn: the kernel is not preempted.
const TURN_BYTES: usize = 1 << 20;

/// Gives other threads a turn; false when a signal has come, which ends a transfer early.
fn takes_turns() -> bool {
    scheduler::yield_now();
    !scheduler::current().has_work(WORK_SIGNAL | WORK_EXIT)
}

/// Writes until the source is empty or the target takes no more.
fn pump(from: &mut FileSource, to: &OpenFile, mut offset: u64) -> SysResult {
    let mut done = 0;
    while from.remaining() > 0 {
        let request = IoRequest {
            offset,
            is_append: false,
            is_nonblocking: to.status_flags() & O_NONBLOCK != 0,
        };
        let later = from.left.saturating_sub(TURN_BYTES);
        from.left -= later;
        let written = to.file.write(request, from);
        from.left += later;
        match written {
            Ok(0) => break,
            Ok(count) => {
                done += count;
                offset += count as u64;
            }
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
        if later > 0 && !takes_turns() {
            break;
        }
    }
    Ok(done)
}

/// As `pump`, from what has no size to tell when it is over: devices, files of /proc.
fn pump_pieces(from: &mut FileSource, to: &OpenFile, offset: u64) -> SysResult {
    const PIECE_BYTES: usize = 1024;
    let mut done = 0;
    while from.left > 0 {
        let mut piece = [0; PIECE_BYTES];
        let count = from.take(&mut piece)?;
        let mut bytes = Bytes(piece.get(..count).unwrap_or_default());
        let request = IoRequest {
            offset: offset + done as u64,
            is_append: false,
            is_nonblocking: to.status_flags() & O_NONBLOCK != 0,
        };
        match to.file.write(request, &mut bytes) {
            Ok(written) => done += written,
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
        if count == 0 || bytes.remaining() > 0 {
            break;
        }
        if done % TURN_BYTES < count && !takes_turns() {
            break;
        }
    }
    Ok(done)
}

fn send(out_fd: i32, in_fd: i32, pointer: usize, count: usize) -> SysResult {
    let (from, to) = (readable(in_fd)?, writable(out_fd)?);
    from.file.size().map_err(|_| EINVAL)?;
    if to.status_flags() & O_APPEND != 0 {
        return Err(EINVAL);
    }
    if as_node(&from.file).is_some_and(|node| node.is_directory()) {
        return Err(EINVAL);
    }
    let position = Position::read(&from, pointer)?;
    let left = count.min(TRANSFER_LIMIT);
    let mut source = FileSource {
        file: &from.file,
        offset: position.offset,
        left,
    };
    let target_offset = *to.offset.lock();
    let has_size = as_node(&from.file).is_some_and(|node| node.content().is_some());
    let done = signal_broken_pipe(match has_size {
        true => pump(&mut source, &to, target_offset),
        false => pump_pieces(&mut source, &to, target_offset),
    })?;
    if to.file.size().is_ok() {
        *to.offset.lock() = target_offset + done as u64;
    }
    position.advance(done)?;
    Ok(done)
}

/// Where a copy goes and what it may not do (copy_file_range(2) ERRORS).
fn copy(from: (i32, usize), to: (i32, usize), count: usize) -> SysResult {
    let (source, target) = (readable(from.0)?, writable(to.0)?);
    for open in [&source, &target] {
        let node = as_node(&open.file).ok_or(EINVAL)?;
        if node.is_directory() {
            return Err(EISDIR);
        }
        node.content().ok_or(EINVAL)?;
    }
    if target.status_flags() & O_APPEND != 0 {
        return Err(EBADF);
    }
    let (start, end) = (
        Position::read(&source, from.1)?,
        Position::read(&target, to.1)?,
    );
    let left = count.min(TRANSFER_LIMIT);
    let overlaps = start.offset.abs_diff(end.offset) < left as u64;
    if is_same(&source.file, &target.file) && overlaps {
        return Err(EINVAL);
    }
    let mut bytes = FileSource {
        file: &source.file,
        offset: start.offset,
        left,
    };
    let done = pump(&mut bytes, &target, end.offset)?;
    start.advance(done)?;
    end.advance(done)?;
    Ok(done)
}

syscall! {
    fn sys_sendfile(to: i32, from: i32, offset: usize, count: usize) {
        send(to, from, offset, count)
    }

    fn sys_copy_file_range(
        from: i32, from_offset: usize, to: i32, to_offset: usize, count: usize, flags: u32,
    ) {
        if flags != 0 {
            return Err(EINVAL);
        }
        copy((from, from_offset), (to, to_offset), count)
    }
}
