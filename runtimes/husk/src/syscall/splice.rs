//! Between a pipe and another file inside the kernel: splice(2). Bytes are copied, not moved.

use super::descriptor::{readable, writable};
use super::file::signal_broken_pipe;
use super::path::only;
use super::transfer::Position;
use crate::errno::{EINVAL, ESPIPE, SysResult};
use crate::fs::open::{O_APPEND, O_NONBLOCK};
use crate::fs::pipe::PipeEnd;
use crate::fs::{File, IoRequest, OpenFile, Sink, Source};
use crate::syscall;

const SPLICE_F_MOVE: u32 = 1;
const SPLICE_F_NONBLOCK: u32 = 2;
const SPLICE_F_MORE: u32 = 4;
const SPLICE_F_GIFT: u32 = 8;

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
        let mut bytes = super::transfer::Slice::new(into.get_mut(..length).unwrap_or_default());
        let request = IoRequest {
            offset: 0,
            is_append: false,
            is_nonblocking: true,
        };
        let count = self.pipe.read(request, &mut bytes)?;
        self.left -= count;
        Ok(count)
    }
}

/// A pipe's room, as a sink.
struct IntoPipe<'a> {
    pipe: &'a PipeEnd,
    left: usize,
}

impl Sink for IntoPipe<'_> {
    fn remaining(&self) -> usize {
        self.left.min(self.pipe.free())
    }

    fn put(&mut self, bytes: &[u8]) -> SysResult {
        let count = self.pipe.push(bytes.get(..self.left).unwrap_or(bytes))?;
        self.left -= count;
        Ok(count)
    }
}

/// One side of a splice: its description, the offset argument, and the pipe if it is one.
struct Side<'a> {
    open: &'a OpenFile,
    pipe: Option<&'a PipeEnd>,
    position: Position<'a>,
    is_nonblocking: bool,
}

impl<'a> Side<'a> {
    /// ESPIPE for an offset where there is none (splice(2)).
    fn new(open: &'a OpenFile, pointer: usize, flags: u32) -> Result<Self, crate::errno::Errno> {
        let pipe = open.file.as_any().downcast_ref::<PipeEnd>();
        if pointer != 0 {
            open.file.size().map_err(|_| ESPIPE)?;
        }
        let is_nonblocking = flags & SPLICE_F_NONBLOCK != 0 && pipe.is_some()
            || open.status_flags() & O_NONBLOCK != 0;
        let position = Position::read(open, pointer)?;
        Ok(Side {
            open,
            pipe,
            position,
            is_nonblocking,
        })
    }

    fn request(&self) -> IoRequest {
        IoRequest {
            offset: self.position.offset,
            is_append: false,
            is_nonblocking: self.is_nonblocking,
        }
    }
}

fn splice(from: Side, to: Side, left: usize) -> SysResult {
    if left == 0 {
        return Ok(0);
    }
    match (from.pipe, to.pipe) {
        (Some(pipe), other) => {
            if other.is_some_and(|other| core::ptr::eq(&**pipe.pipe(), &**other.pipe())) {
                return Err(EINVAL);
            }
            if !pipe.await_bytes(from.is_nonblocking)? {
                return Ok(0);
            }
            let written = to
                .open
                .file
                .write(to.request(), &mut FromPipe { pipe, left });
            let count = signal_broken_pipe(written)?;
            to.position.advance(count)?;
            Ok(count)
        }
        (None, Some(pipe)) => {
            signal_broken_pipe(pipe.await_room(to.is_nonblocking).map(|()| 0))?;
            let count = from
                .open
                .file
                .read(from.request(), &mut IntoPipe { pipe, left })?;
            pipe.wake_readers();
            from.position.advance(count)?;
            Ok(count)
        }
        (None, None) => Err(EINVAL),
    }
}

syscall! {
    fn sys_splice(
        from: i32, from_offset: usize, to: i32, to_offset: usize, count: usize, flags: u32,
    ) {
        only(flags, SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)?;
        let (source, target) = (readable(from)?, writable(to)?);
        if target.status_flags() & O_APPEND != 0 {
            return Err(EINVAL);
        }
        let from = Side::new(&source, from_offset, flags)?;
        splice(from, Side::new(&target, to_offset, flags)?, count)
    }
}
