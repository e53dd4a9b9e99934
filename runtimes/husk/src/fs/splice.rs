//! What splice(2), tee(2) and vmsplice(2) ask of a pipe, whichever end they were given. Bytes are
//! copied, and packets (pipe2(2) O_DIRECT) are not kept apart.

use super::pipe::{PipeEnd, Ring};
use super::{Sink, Source};
use crate::errno::{EAGAIN, ENOMEM, EPIPE, Errno, SysResult};
use crate::sync::{WaitQueue, wait_until};

impl PipeEnd {
    /// Bytes there are to read.
    pub fn waiting(&self) -> usize {
        self.pipe().ring.lock().bytes.len()
    }

    /// Bytes that may be written; 0 when nobody reads.
    pub fn free(&self) -> usize {
        let ring = self.pipe().ring.lock();
        if ring.readers == 0 { 0 } else { ring.room() }
    }

    /// Waits for bytes; false when there will be none.
    pub fn await_bytes(&self, is_nonblocking: bool) -> Result<bool, Errno> {
        self.await_state(&self.pipe().readable, is_nonblocking, |ring| {
            let has_bytes = !ring.bytes.is_empty();
            (has_bytes || ring.writers == 0).then_some(Ok(has_bytes))
        })
    }

    /// Waits for room; EPIPE when nobody reads.
    pub fn await_room(&self, is_nonblocking: bool) -> Result<(), Errno> {
        self.await_state(&self.pipe().writable, is_nonblocking, |ring| {
            match ring.readers {
                0 => Some(Err(EPIPE)),
                _ => (ring.room() > 0).then_some(Ok(())),
            }
        })
    }

    fn await_state<T>(
        &self,
        queue: &WaitQueue,
        is_nonblocking: bool,
        look: impl Fn(&Ring) -> Option<Result<T, Errno>>,
    ) -> Result<T, Errno> {
        let now = look(&self.pipe().ring.lock()); // unlocked again before it may sleep
        match now {
            Some(outcome) => outcome,
            None if is_nonblocking => Err(EAGAIN),
            None => wait_until(queue, None, || look(&self.pipe().ring.lock()))?,
        }
    }

    /// Puts bytes for which there is room.
    pub fn push(&self, bytes: &[u8]) -> SysResult {
        let mut ring = self.pipe().ring.lock();
        let bytes = bytes.get(..ring.room()).unwrap_or(bytes);
        ring.bytes.try_reserve(bytes.len()).map_err(|_| ENOMEM)?;
        ring.bytes.extend(bytes);
        Ok(bytes.len())
    }

    /// Copies bytes from `start` on without taking them; how many there were.
    pub fn copy(&self, start: usize, into: &mut [u8]) -> usize {
        let ring = self.pipe().ring.lock();
        let bytes = ring.bytes.iter().skip(start);
        into.iter_mut()
            .zip(bytes)
            .map(|(to, from)| *to = *from)
            .count()
    }

    /// Tells readers of what was pushed.
    pub fn wake_readers(&self) {
        self.pipe().readable.wake_all();
    }
}

/// Bytes moved at a time, on the kernel stack.
const CHUNK_BYTES: usize = 1024;

/// Copies what `from` holds to `to` and leaves it there (tee(2)), at most `left` bytes of it.
pub fn tee(from: &PipeEnd, to: &PipeEnd, left: usize) -> SysResult {
    let mut done = 0;
    let mut chunk = [0; CHUNK_BYTES];
    while done < left {
        let length = CHUNK_BYTES.min(left - done);
        let count = from.copy(done, chunk.get_mut(..length).unwrap_or_default());
        let pushed = to.push(chunk.get(..count).unwrap_or_default())?;
        done += pushed;
        if pushed == 0 {
            break;
        }
    }
    to.wake_readers();
    Ok(done)
}

/// Puts as much of the application's memory into a pipe as fits (vmsplice(2)).
pub fn fill(pipe: &PipeEnd, from: &mut dyn Source) -> SysResult {
    let mut done = 0;
    let mut chunk = [0; CHUNK_BYTES];
    while from.remaining() > 0 && pipe.free() > 0 {
        let length = CHUNK_BYTES.min(pipe.free());
        match from.take(chunk.get_mut(..length).unwrap_or_default()) {
            Ok(count) => done += pipe.push(chunk.get(..count).unwrap_or_default())?,
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
    }
    pipe.wake_readers();
    Ok(done)
}

/// A pipe's room, as a sink.
pub struct IntoPipe<'a> {
    pub pipe: &'a PipeEnd,
    pub left: usize,
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
