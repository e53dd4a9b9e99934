//! What an open file can do: the interface between descriptors and everything behind them
//! (regular files, pipes, sockets, eventfd, epoll, devices).

use alloc::sync::Arc;
use core::any::Any;

use bitflags::bitflags;

use super::node::NodeRef;
use crate::errno::{EINVAL, ENODEV, ENOTTY, ESPIPE, Errno, SysResult};
use crate::mm::frame::Frame;
use crate::sync::WaitQueue;

bitflags! {
    /// Readiness, with poll(2)'s bits; epoll(7) uses the same values.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Events: u32 {
        const IN = 0x001;
        const PRI = 0x002;
        const OUT = 0x004;
        const ERR = 0x008;
        const HUP = 0x010;
        const NVAL = 0x020;
        const RDNORM = 0x040;
        const RDBAND = 0x080;
        const WRNORM = 0x100;
        const WRBAND = 0x200;
        const RDHUP = 0x2000;
    }
}

/// Where bytes that are read go: application memory, or a kernel buffer (sendfile(2)).
pub trait Sink {
    fn remaining(&self) -> usize;
    /// Takes as much of `bytes` as fits; EFAULT when application memory is bad and nothing fit.
    fn put(&mut self, bytes: &[u8]) -> SysResult;
}

/// Takes so many bytes, and keeps none.
pub struct Discard(pub usize);

impl Sink for Discard {
    fn remaining(&self) -> usize {
        self.0
    }

    fn put(&mut self, bytes: &[u8]) -> SysResult {
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        Ok(taken)
    }
}

/// Where bytes that are written come from.
pub trait Source {
    fn remaining(&self) -> usize;
    /// Fills as much of `into` as there is; EFAULT as for `Sink::put`.
    fn take(&mut self, into: &mut [u8]) -> SysResult;

    /// Goes past all that there is: how much. What lies in memory is not looked at, as on Linux.
    fn discard(&mut self) -> SysResult {
        let mut bytes = [0; 256];
        let mut done = 0;
        while self.remaining() > 0 {
            match self.take(&mut bytes) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(done)
    }
}

/// The circumstances of one read or write.
#[derive(Clone, Copy, Debug)]
pub struct IoRequest {
    /// Position in bytes; streams ignore it.
    pub offset: u64,
    /// O_APPEND: write at the end whatever the offset.
    pub is_append: bool,
    /// O_NONBLOCK, MSG_DONTWAIT or RWF_NOWAIT.
    pub is_nonblocking: bool,
}

/// What fstat(2) tells, before it is laid out as `struct stat`.
#[derive(Clone, Copy, Default, Debug)]
pub struct FileStatus {
    pub device: u64,
    pub inode: u64,
    /// S_IFMT and permission bits (inode(7)).
    pub mode: u32,
    pub links: u64,
    pub uid: u32,
    pub gid: u32,
    pub special_device: u64,
    pub size_bytes: u64,
    /// Allocated 512-byte units.
    pub blocks: u64,
    /// Nanoseconds since the epoch.
    pub accessed_ns: u64,
    pub modified_ns: u64,
    pub changed_ns: u64,
    /// 0 where nobody knows.
    pub born_ns: u64,
}

/// An object behind a descriptor. Reads and writes sleep through `wait_until` when they must.
pub trait File: Any + Send + Sync {
    fn read(&self, _request: IoRequest, _into: &mut dyn Sink) -> SysResult {
        Err(EINVAL)
    }

    fn write(&self, _request: IoRequest, _from: &mut dyn Source) -> SysResult {
        Err(EINVAL)
    }

    /// What poll(2) would say now.
    fn readiness(&self) -> Events {
        Events::IN | Events::OUT | Events::RDNORM | Events::WRNORM
    }

    /// Woken when readiness may have changed; None for files that are always ready.
    fn wait_queue(&self) -> Option<&WaitQueue> {
        None
    }

    fn status(&self) -> Result<FileStatus, Errno>;

    /// ioctl(2); `argument` is the raw register.
    fn control(&self, _command: u32, _argument: usize) -> SysResult {
        Err(ENOTTY)
    }

    /// Size in bytes of something with positions; ESPIPE for streams.
    fn size(&self) -> Result<u64, Errno> {
        Err(ESPIPE)
    }

    fn truncate(&self, _size_bytes: u64) -> Result<(), Errno> {
        Err(EINVAL)
    }

    /// The frame holding page `index` for mmap(2). With `will_write` the frame is the file's own and
    /// writable (MAP_SHARED); without, it may be a page of the root archive, never to be written.
    /// EFAULT past the end of the file (the caller's SIGBUS).
    fn page(&self, _index: u64, _will_write: bool) -> Result<Frame, Errno> {
        Err(ENODEV)
    }

    /// The path mapped files are shown with in /proc/self/maps.
    fn path(&self) -> alloc::vec::Vec<u8> {
        alloc::vec::Vec::new()
    }

    /// The device whose opening made this.
    fn special_node(&self) -> Option<NodeRef> {
        None
    }

    /// Lines of its own in /proc/PID/fdinfo (proc(5)).
    fn details(&self) -> alloc::vec::Vec<u8> {
        alloc::vec::Vec::new()
    }

    /// For finding the concrete type behind a descriptor (is it a socket? an epoll?).
    fn as_any(&self) -> &dyn Any;
}

/// A file shared by descriptors and mappings.
pub type FileRef = Arc<dyn File>;

/// A source and a sink over plain bytes, for tests.
#[cfg(test)]
pub mod tests {
    use super::*;
    use alloc::vec::Vec;

    pub struct Given(pub Vec<u8>);

    impl Given {
        pub fn new(bytes: &[u8]) -> Given {
            Given(bytes.to_vec())
        }
    }

    impl Source for Given {
        fn remaining(&self) -> usize {
            self.0.len()
        }

        fn take(&mut self, into: &mut [u8]) -> SysResult {
            let count = into.len().min(self.0.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0.drain(..count);
            Ok(count)
        }
    }

    pub struct Taken {
        pub bytes: Vec<u8>,
        limit: usize,
    }

    impl Taken {
        pub fn new(limit: usize) -> Taken {
            Taken {
                bytes: Vec::new(),
                limit,
            }
        }
    }

    impl Sink for Taken {
        fn remaining(&self) -> usize {
            self.limit - self.bytes.len()
        }

        fn put(&mut self, bytes: &[u8]) -> SysResult {
            let count = bytes.len().min(self.remaining());
            self.bytes.extend(&bytes[..count]);
            Ok(count)
        }
    }
}
