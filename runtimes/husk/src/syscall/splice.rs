//! Between a pipe and another file inside the kernel: splice(2), tee(2), vmsplice(2). Bytes are
//! copied, not moved, and gifts are not taken: what a program can tell is the same.

use super::descriptor::{get, readable, writable};
use super::file::signal_broken_pipe;
use super::path::only;
use super::transfer::{Position, Slice};
use crate::errno::{EBADF, EINVAL, ESPIPE, Errno, SysResult};
use crate::fs::open::{O_ACCMODE, O_APPEND, O_NONBLOCK};
use crate::fs::pipe::PipeEnd;
use crate::fs::splice::{self, IntoPipe};
use crate::fs::{File, IoRequest, OpenFile, Source};
use crate::mm::user::UserBuffers;
use crate::syscall;

const SPLICE_F_NONBLOCK: u32 = 2;
/// With SPLICE_F_MOVE, SPLICE_F_MORE and SPLICE_F_GIFT: advice.
const SPLICE_F_ALL: u32 = 15;

fn pipe_of(open: &OpenFile) -> Option<&PipeEnd> {
    open.file.as_any().downcast_ref()
}

/// What a pipe holds, as a source.
struct FromPipe<'a> {
    pipe: &'a PipeEnd,
    left: usize,
}

impl Source for FromPipe<'_> {
    fn remaining(&self) -> usize {
        self.left.min(self.pipe.waiting())
    }

    fn take(&mut self, into: &mut [u8]) -> SysResult {
        let length = into.len().min(self.left);
        let mut bytes = Slice::new(into.get_mut(..length).unwrap_or_default());
        let count = self.pipe.read(request(0, true), &mut bytes)?;
        self.left -= count;
        Ok(count)
    }
}

fn request(offset: u64, is_nonblocking: bool) -> IoRequest {
    IoRequest {
        offset,
        is_append: false,
        is_nonblocking,
    }
}

/// One side of a splice: its description, the offset argument, and the pipe if it is one.
struct Side<'a> {
    open: &'a OpenFile,
    pipe: Option<&'a PipeEnd>,
    pointer: usize,
}

impl<'a> Side<'a> {
    /// ESPIPE for an offset of a pipe.
    fn new(open: &'a OpenFile, pointer: usize) -> Result<Self, Errno> {
        let pipe = pipe_of(open);
        if pipe.is_some() && pointer != 0 {
            return Err(ESPIPE);
        }
        Ok(Side {
            open,
            pipe,
            pointer,
        })
    }

    fn is_nonblocking(&self) -> bool {
        self.open.status_flags() & O_NONBLOCK != 0
    }

    /// EINVAL for an offset where there is none.
    fn position(&self) -> Result<Position<'a>, Errno> {
        if self.pointer != 0 {
            self.open.file.size().map_err(|_| EINVAL)?;
        }
        Position::read(self.open, self.pointer)
    }
}

fn splice(from: &Side, to: &Side, left: usize, flags: u32) -> SysResult {
    let asked = flags & SPLICE_F_NONBLOCK != 0;
    match (from.pipe, to.pipe) {
        (Some(source), Some(target)) => {
            let is_nonblocking = asked || from.is_nonblocking() || to.is_nonblocking();
            between_pipes(source, target, left, is_nonblocking)
        }
        (Some(pipe), None) => out_of_pipe(pipe, to, left, asked || from.is_nonblocking()),
        (None, Some(pipe)) => into_pipe(from, pipe, left, asked || to.is_nonblocking()),
        (None, None) => Err(EINVAL),
    }
}

fn is_same(one: &PipeEnd, other: &PipeEnd) -> bool {
    core::ptr::eq(&**one.pipe(), &**other.pipe())
}

/// Waits for bytes in one pipe and for room in another; false when there will be no bytes.
fn await_both(from: &PipeEnd, to: &PipeEnd, is_nonblocking: bool) -> Result<bool, Errno> {
    if is_same(from, to) {
        return Err(EINVAL);
    }
    loop {
        to.await_room(is_nonblocking)?;
        if !from.await_bytes(is_nonblocking)? {
            return Ok(false);
        }
        if to.free() > 0 {
            return Ok(true); // nobody filled it while this waited for bytes
        }
    }
}

fn between_pipes(from: &PipeEnd, to: &PipeEnd, left: usize, is_nonblocking: bool) -> SysResult {
    if !await_both(from, to, is_nonblocking)? {
        return Ok(0);
    }
    let count = from.read(request(0, true), &mut IntoPipe { pipe: to, left })?;
    to.wake_readers();
    Ok(count)
}

fn out_of_pipe(pipe: &PipeEnd, to: &Side, left: usize, is_nonblocking: bool) -> SysResult {
    let position = to.position()?;
    if to.open.status_flags() & O_APPEND != 0 {
        return Err(EINVAL);
    }
    if !pipe.await_bytes(is_nonblocking)? {
        return Ok(0);
    }
    let how = request(position.offset, to.is_nonblocking());
    let count = to.open.file.write(how, &mut FromPipe { pipe, left })?;
    position.advance(count)?;
    Ok(count)
}

fn into_pipe(from: &Side, pipe: &PipeEnd, left: usize, is_nonblocking: bool) -> SysResult {
    let position = from.position()?;
    pipe.await_room(is_nonblocking)?;
    let how = request(position.offset, is_nonblocking || from.is_nonblocking());
    let count = from.open.file.read(how, &mut IntoPipe { pipe, left })?;
    pipe.wake_readers();
    position.advance(count)?;
    Ok(count)
}

fn tee(from: i32, to: i32, count: usize, flags: u32) -> SysResult {
    let (from, to) = (readable(from)?, writable(to)?);
    let (Some(source), Some(target)) = (pipe_of(&from), pipe_of(&to)) else {
        return Err(EINVAL);
    };
    let either = from.status_flags() | to.status_flags();
    let is_nonblocking = flags & SPLICE_F_NONBLOCK != 0 || either & O_NONBLOCK != 0;
    if !await_both(source, target, is_nonblocking)? {
        return Ok(0);
    }
    splice::tee(source, target, count)
}

/// vmsplice(2): to a pipe's writing end goes memory, out of its reading end comes what it holds.
fn transfer(fd: i32, vector: usize, count: usize, flags: u32) -> SysResult {
    let open = get(fd)?;
    let mut memory = UserBuffers::vector(vector, count)?;
    let pipe = pipe_of(&open).ok_or(EBADF)?;
    if Source::remaining(&memory) == 0 {
        return Ok(0);
    }
    let is_nonblocking = flags & SPLICE_F_NONBLOCK != 0 || open.status_flags() & O_NONBLOCK != 0;
    if open.status_flags() & O_ACCMODE == 0 {
        return pipe.read(request(0, is_nonblocking), &mut memory);
    }
    pipe.await_room(is_nonblocking)?;
    splice::fill(pipe, &mut memory)
}

syscall! {
    fn sys_splice(
        from: i32, from_offset: usize, to: i32, to_offset: usize, count: usize, flags: u32,
    ) {
        if count == 0 {
            return Ok(0);
        }
        only(flags, SPLICE_F_ALL)?;
        let (source, target) = (readable(from)?, writable(to)?);
        let from = Side::new(&source, from_offset)?;
        let to = Side::new(&target, to_offset)?;
        signal_broken_pipe(splice(&from, &to, count, flags))
    }

    fn sys_tee(from: i32, to: i32, count: usize, flags: u32) {
        only(flags, SPLICE_F_ALL)?;
        if count == 0 {
            return Ok(0);
        }
        signal_broken_pipe(tee(from, to, count, flags))
    }

    fn sys_vmsplice(fd: i32, vector: usize, count: usize, flags: u32) {
        only(flags, SPLICE_F_ALL)?;
        signal_broken_pipe(transfer(fd, vector, count, flags))
    }
}
