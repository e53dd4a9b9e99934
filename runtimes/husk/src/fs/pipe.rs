//! Pipes and FIFOs (pipe(7)): a ring of bytes between two kinds of ends.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::sync::atomic::{AtomicU64, Ordering};

use super::node::{Node, S_IFIFO};
use super::{Events, File, FileRef, FileStatus, IoRequest, Sink, Source};
use crate::errno::{
    EAGAIN, EBADF, EBUSY, EFAULT, EINVAL, ENOMEM, ENOTTY, ENXIO, EPIPE, Errno, SysResult,
};
use crate::mm::user;
use crate::process::signal::{self, SIGPIPE};
use crate::sync::{Once, SpinLock, WaitQueue, wait_until};
use crate::{klog, time};

/// Default and largest capacity in bytes (pipe(7); /proc/sys/fs/pipe-max-size).
pub const DEFAULT_CAPACITY: usize = 64 * 1024;
pub const CAPACITY_LIMIT: usize = 1 << 20;
const CAPACITY_STEP: usize = 4096;
/// Writes up to this size are not interleaved with others (limits.h).
pub const PIPE_BUF: usize = 4096;
/// Bytes moved at a time, on the kernel stack.
const CHUNK_BYTES: usize = 1024;

static NEXT_INODE: AtomicU64 = AtomicU64::new(1 << 32);

/// The bytes between the ends, and how many ends there are.
pub struct Ring {
    pub bytes: VecDeque<u8>,
    /// Lengths of what `bytes` is made of when writes are packets (pipe2(2) O_DIRECT).
    packets: VecDeque<usize>,
    is_packetized: bool,
    pub capacity: usize,
    pub readers: usize,
    pub writers: usize,
    /// Of them, ends that do both: a FIFO opened O_RDWR.
    duplex: usize,
    /// Ends ever opened: open(2) of a FIFO waits for a new one on the other side.
    readers_ever: u64,
    writers_ever: u64,
}

impl Ring {
    /// Bytes that fit. A packet takes a page, whatever its length.
    pub fn room(&self) -> usize {
        let taken = self.bytes.len().max(self.packets.len() * PIPE_BUF);
        self.capacity.saturating_sub(taken)
    }
}

pub struct Pipe {
    pub ring: SpinLock<Ring>,
    /// Those that wait for bytes; ends that read and write are here for both.
    pub readable: WaitQueue,
    /// Those that wait for room.
    pub writable: WaitQueue,
    number: u64,
    created_ns: u64,
}

/// What an end may do; the direction of a FIFO opened O_RDWR is both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Direction {
    pub reads: bool,
    pub writes: bool,
}

impl Direction {
    fn is_both(self) -> bool {
        self.reads && self.writes
    }
}

/// One end of a pipe.
pub struct PipeEnd {
    pipe: Arc<Pipe>,
    direction: Direction,
    /// The FIFO it was opened by.
    node: Option<Arc<Node>>,
}

impl Pipe {
    pub fn new() -> Arc<Pipe> {
        Arc::new(Pipe {
            ring: SpinLock::new(Ring {
                bytes: VecDeque::new(),
                packets: VecDeque::new(),
                is_packetized: false,
                capacity: DEFAULT_CAPACITY,
                readers: 0,
                writers: 0,
                duplex: 0,
                readers_ever: 0,
                writers_ever: 0,
            }),
            readable: WaitQueue::new(),
            writable: WaitQueue::new(),
            number: NEXT_INODE.fetch_add(1, Ordering::Relaxed),
            created_ns: time::realtime_ns(),
        })
    }

    /// A new pipe's two ends: read, write (pipe(2)).
    pub fn pair(is_packetized: bool) -> (FileRef, FileRef) {
        let pipe = Pipe::new();
        pipe.set_packetized(is_packetized);
        let end = |reads, writes| pipe.clone().end(Direction { reads, writes }, None);
        (end(true, false), end(false, true))
    }

    /// One more end.
    pub fn end(self: Arc<Self>, direction: Direction, node: Option<Arc<Node>>) -> Arc<PipeEnd> {
        let mut ring = self.ring.lock();
        ring.readers += usize::from(direction.reads);
        ring.writers += usize::from(direction.writes);
        ring.duplex += usize::from(direction.is_both());
        ring.readers_ever += u64::from(direction.reads);
        ring.writers_ever += u64::from(direction.writes);
        drop(ring);
        self.wake_both();
        Arc::new(PipeEnd {
            pipe: self,
            direction,
            node,
        })
    }

    fn wake_both(&self) {
        self.readable.wake_all();
        self.writable.wake_all();
    }

    /// O_DIRECT of the writing end: from now on each write is a packet, or is not.
    pub fn set_packetized(&self, is_packetized: bool) {
        self.ring.lock().is_packetized = is_packetized;
    }

    /// Wakes writers if what was read made the room they wait for: an edge to epoll(7), so not
    /// otherwise.
    fn wake_after_reading(&self, count: usize) {
        let ring = self.ring.lock();
        let room_before = match ring.packets.is_empty() {
            true => ring.capacity.saturating_sub(ring.bytes.len() + count),
            false => 0, // packets are few: every one makes news
        };
        let has_duplex = ring.duplex > 0;
        drop(ring);
        if room_before >= PIPE_BUF {
            return;
        }
        self.writable.wake_all();
        if has_duplex {
            self.readable.wake_all();
        }
    }

    fn read_once(&self, into: &mut dyn Sink) -> Option<SysResult> {
        let packet = self.ring.lock().packets.front().copied();
        let room = into.remaining();
        let limit = packet.unwrap_or(room).min(room);
        let outcome = self.read_up_to(into, limit);
        if let (Some(length), Some(Ok(count))) = (packet, &outcome) {
            let mut ring = self.ring.lock();
            ring.packets.pop_front();
            ring.bytes.drain(..length - count); // what did not fit is lost
        }
        outcome
    }

    fn read_up_to(&self, into: &mut dyn Sink, limit: usize) -> Option<SysResult> {
        let mut done = 0;
        while done < limit {
            let mut chunk = [0; CHUNK_BYTES];
            let count = self.peek(&mut chunk, limit - done);
            if count == 0 {
                break;
            }
            // Application memory is touched with the ring unlocked; single file through the kernel
            // keeps the bytes where they are meanwhile.
            let put = into.put(chunk.get(..count).unwrap_or_default());
            let taken = *put.as_ref().unwrap_or(&0);
            self.ring.lock().bytes.drain(..taken);
            done += taken;
            match put {
                Err(error) if done == 0 => return Some(Err(error)),
                Ok(_) if taken == count => {}
                _ => break,
            }
        }
        if done > 0 {
            return Some(Ok(done));
        }
        let is_over = self.ring.lock().writers == 0;
        is_over.then_some(Ok(0))
    }

    /// Copies the first bytes without taking them.
    fn peek(&self, chunk: &mut [u8], limit: usize) -> usize {
        let ring = self.ring.lock();
        let (front, back) = ring.bytes.as_slices();
        let first = if front.is_empty() { back } else { front };
        let count = first.len().min(chunk.len()).min(limit);
        if let (Some(to), Some(from)) = (chunk.get_mut(..count), first.get(..count)) {
            to.copy_from_slice(from);
        }
        count
    }

    /// Writes what fits; None when nothing does and the caller should wait.
    fn write_once(&self, from: &mut dyn Source, is_atomic: bool) -> Option<SysResult> {
        let needed = if is_atomic { from.remaining() } else { 1 };
        let mut done = 0;
        let mut packet = 0;
        while from.remaining() > 0 && packet < PIPE_BUF {
            match self.room(if done == 0 { needed } else { 1 }) {
                Err(error) if done == 0 => return Some(Err(error)),
                Ok(room) if room > 0 => match self.append(from, room) {
                    Ok(0) => break,
                    Ok(count) => {
                        done += count;
                        packet = self.packet_so_far(done);
                    }
                    Err(error) if done == 0 => return Some(Err(error)),
                    Err(_) => break,
                },
                _ => break,
            }
        }
        if packet > 0 {
            self.ring.lock().packets.push_back(packet);
        }
        (done > 0).then_some(Ok(done))
    }

    /// How long the packet is that a write is making; 0 when writes are no packets.
    fn packet_so_far(&self, written: usize) -> usize {
        match self.ring.lock().is_packetized {
            true => written,
            false => 0,
        }
    }

    /// Free bytes, or 0 when there are fewer than `needed`.
    fn room(&self, needed: usize) -> SysResult {
        let ring = self.ring.lock();
        if ring.readers == 0 {
            return Err(EPIPE);
        }
        let room = ring.room();
        Ok(if room >= needed { room } else { 0 })
    }

    fn append(&self, from: &mut dyn Source, room: usize) -> SysResult {
        let mut chunk = [0; CHUNK_BYTES];
        let length = room.min(CHUNK_BYTES);
        let count = from.take(chunk.get_mut(..length).unwrap_or_default())?;
        if count < length && from.remaining() > 0 {
            return Err(EFAULT); // the rest is unreadable: as on Linux, none of the piece goes
        }
        let mut ring = self.ring.lock();
        ring.bytes.try_reserve(count).map_err(|_| ENOMEM)?;
        ring.bytes.extend(chunk.get(..count).unwrap_or_default());
        Ok(count)
    }

    /// fcntl(2) F_SETPIPE_SZ; gives the capacity there is now.
    pub fn set_capacity(&self, wanted: usize) -> SysResult {
        if wanted > CAPACITY_LIMIT {
            return Err(EINVAL);
        }
        let mut ring = self.ring.lock();
        let capacity = wanted.next_power_of_two().max(CAPACITY_STEP);
        if capacity < ring.bytes.len() {
            return Err(EBUSY);
        }
        ring.capacity = capacity;
        Ok(capacity)
    }

    pub fn capacity(&self) -> usize {
        self.ring.lock().capacity
    }

    fn readiness(&self, direction: Direction) -> Events {
        let ring = self.ring.lock();
        let mut events = Events::empty();
        if direction.reads {
            events.set(Events::IN | Events::RDNORM, !ring.bytes.is_empty());
            events.set(Events::HUP, ring.writers == 0 && ring.writers_ever > 0);
        }
        if direction.writes {
            let has_room = ring.room() >= PIPE_BUF;
            events.set(Events::OUT | Events::WRNORM, has_room);
            events.set(Events::ERR, ring.readers == 0);
        }
        events
    }
}

type OpenFifo = fn(&Arc<Node>, &Arc<Pipe>, Direction, bool) -> Result<FileRef, Errno>;

static OPEN_FIFO: Once<OpenFifo> = Once::new();

/// FIFOs can be opened: only where the converter linked that.
pub fn install() {
    OPEN_FIFO.set(open_linked_fifo);
}

/// Opens a FIFO: waits for the other side unless told not to (fifo(7)).
pub fn open_fifo(
    node: &Arc<Node>,
    pipe: &Arc<Pipe>,
    direction: Direction,
    is_nonblocking: bool,
) -> Result<FileRef, Errno> {
    let Some(open) = OPEN_FIFO.get() else {
        klog!("a FIFO cannot be opened in this image; convert --keep-part FIFOs links it");
        return Err(ENXIO);
    };
    open(node, pipe, direction, is_nonblocking)
}

fn open_linked_fifo(
    node: &Arc<Node>,
    pipe: &Arc<Pipe>,
    direction: Direction,
    is_nonblocking: bool,
) -> Result<FileRef, Errno> {
    if direction.writes && !direction.reads && is_nonblocking && pipe.ring.lock().readers == 0 {
        return Err(ENXIO);
    }
    let (readers_before, writers_before) = {
        let ring = pipe.ring.lock();
        (ring.readers_ever, ring.writers_ever)
    };
    let end = pipe.clone().end(direction, Some(node.clone()));
    if is_nonblocking || direction.is_both() {
        return Ok(end);
    }
    wait_until(&pipe.readable, None, || {
        let ring = pipe.ring.lock();
        let has_partner = if direction.reads {
            ring.writers > 0 || ring.writers_ever > writers_before
        } else {
            ring.readers > 0 || ring.readers_ever > readers_before
        };
        has_partner.then_some(())
    })?;
    Ok(end)
}

impl PipeEnd {
    pub fn pipe(&self) -> &Arc<Pipe> {
        &self.pipe
    }

    /// Another end of the same pipe (opening /proc/self/fd/N).
    pub fn reopen(&self, direction: Direction) -> FileRef {
        self.pipe.clone().end(direction, self.node.clone())
    }
}

impl File for PipeEnd {
    fn read(&self, request: IoRequest, into: &mut dyn Sink) -> SysResult {
        if !self.direction.reads {
            return Err(EBADF);
        }
        if into.remaining() == 0 {
            return Ok(0);
        }
        let mut attempt = || self.pipe.read_once(into);
        let outcome = match attempt() {
            Some(outcome) => outcome,
            None if request.is_nonblocking => Err(EAGAIN),
            None => wait_until(&self.pipe.readable, None, attempt)?,
        };
        if let Ok(count @ 1..) = outcome {
            self.pipe.wake_after_reading(count);
        }
        outcome
    }

    /// pipe(7): all of a blocking write goes out; up to PIPE_BUF bytes at once or not at all.
    fn write(&self, request: IoRequest, from: &mut dyn Source) -> SysResult {
        if !self.direction.writes {
            return Err(EBADF);
        }
        let is_atomic = from.remaining() <= PIPE_BUF;
        let mut done = 0;
        while from.remaining() > 0 {
            let mut attempt = || self.pipe.write_once(from, is_atomic);
            let outcome = match attempt() {
                Some(outcome) => outcome,
                None if request.is_nonblocking => Err(EAGAIN),
                None => {
                    wait_until(&self.pipe.writable, None, attempt).unwrap_or_else(|w| Err(w.into()))
                }
            };
            match outcome {
                Ok(count) => done += count,
                Err(error) if done == 0 => return Err(error),
                Err(error) => {
                    if error == EPIPE {
                        signal::send_to_current(SIGPIPE); // beside telling what was written
                    }
                    break;
                }
            }
            self.pipe.readable.wake_all();
        }
        Ok(done)
    }

    fn readiness(&self) -> Events {
        self.pipe.readiness(self.direction)
    }

    fn wait_queue(&self) -> Option<&WaitQueue> {
        Some(match self.direction.reads {
            true => &self.pipe.readable,
            false => &self.pipe.writable,
        })
    }

    fn status(&self) -> Result<FileStatus, Errno> {
        if let Some(node) = &self.node {
            return node.status();
        }
        Ok(FileStatus {
            device: 3,
            inode: self.pipe.number,
            mode: S_IFIFO | 0o600,
            links: 1,
            accessed_ns: self.pipe.created_ns,
            modified_ns: self.pipe.created_ns,
            changed_ns: self.pipe.created_ns,
            ..FileStatus::default()
        })
    }

    fn control(&self, command: u32, argument: usize) -> SysResult {
        const FIONREAD: u32 = 0x541b;
        if command != FIONREAD {
            return Err(ENOTTY);
        }
        let waiting = self.pipe.ring.lock().bytes.len();
        user::write(argument, waiting as i32)?;
        Ok(0)
    }

    fn path(&self) -> Vec<u8> {
        match &self.node {
            Some(node) => node.absolute_path(),
            None => format!("pipe:[{}]", self.pipe.number).into_bytes(),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        let mut ring = self.pipe.ring.lock();
        ring.readers -= usize::from(self.direction.reads);
        ring.writers -= usize::from(self.direction.writes);
        ring.duplex -= usize::from(self.direction.is_both());
        if ring.readers + ring.writers == 0 {
            ring.bytes = VecDeque::new();
            ring.packets = VecDeque::new();
        }
        drop(ring);
        self.pipe.wake_both();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::file::tests::{Given, Taken};

    const NOW: IoRequest = IoRequest {
        offset: 0,
        is_append: false,
        is_nonblocking: true,
    };

    fn write(end: &FileRef, size_bytes: usize) -> SysResult {
        end.write(NOW, &mut Given::new(&alloc::vec![7; size_bytes]))
    }

    #[test]
    fn bytes_come_out_in_order() {
        let (reader, writer) = Pipe::pair(false);
        writer.write(NOW, &mut Given::new(b"hello ")).unwrap();
        writer.write(NOW, &mut Given::new(b"world")).unwrap();
        let mut taken = Taken::new(8);
        assert_eq!(reader.read(NOW, &mut taken), Ok(8));
        assert_eq!(taken.bytes, b"hello wo");
    }

    #[test]
    fn an_empty_pipe_is_eagain_and_a_deserted_one_the_end() {
        let (reader, writer) = Pipe::pair(false);
        assert_eq!(reader.read(NOW, &mut Taken::new(1)), Err(EAGAIN));
        assert_eq!(reader.readiness(), Events::empty());
        drop(writer);
        assert_eq!(reader.read(NOW, &mut Taken::new(1)), Ok(0));
        assert_eq!(reader.readiness(), Events::HUP);
    }

    #[test]
    fn writing_without_a_reader_is_epipe() {
        let (reader, writer) = Pipe::pair(false);
        drop(reader);
        assert_eq!(write(&writer, 1), Err(EPIPE));
        assert!(writer.readiness().contains(Events::ERR));
    }

    #[test]
    fn small_writes_are_atomic_and_large_ones_partial() {
        let (_reader, writer) = Pipe::pair(false);
        assert_eq!(
            write(&writer, DEFAULT_CAPACITY - 100),
            Ok(DEFAULT_CAPACITY - 100)
        );
        assert_eq!(write(&writer, 101), Err(EAGAIN));
        assert_eq!(write(&writer, PIPE_BUF + 1), Ok(100));
        assert_eq!(write(&writer, 1), Err(EAGAIN));
        assert!(!writer.readiness().contains(Events::OUT));
    }

    #[test]
    fn capacity_is_a_power_of_two_that_holds_what_is_there() {
        let (_reader, writer) = Pipe::pair(false);
        let end = writer.as_any().downcast_ref::<PipeEnd>().unwrap();
        assert_eq!(end.pipe().set_capacity(0), Ok(4096));
        assert_eq!(end.pipe().set_capacity(5000), Ok(8192));
        write(&writer, 8192).unwrap();
        assert_eq!(end.pipe().set_capacity(4096), Err(EBUSY));
        assert_eq!(end.pipe().set_capacity(2 << 20), Err(EINVAL));
    }
}
