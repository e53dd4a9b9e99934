//! Signals read from a descriptor (signalfd(2)).
//!
//! Whose signals they are is decided when it is read: the running thread's own and its process's, be
//! the descriptor inherited or received. An epoll instance is told of those of who put it there.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;

use super::event::anonymous_status;
use super::{Events, File, FileStatus, IoRequest, Sink};
use crate::errno::{EAGAIN, EINVAL, Errno, SysResult};
use crate::process::current;
use crate::process::signal::info::SI_TIMER;
use crate::process::signal::{
    self, SIGBUS, SIGCHLD, SIGFPE, SIGILL, SIGSEGV, SIGTRAP, SignalInfo, SignalSet,
};
use crate::sync::{SpinLock, WaitQueue, wait_until};

/// Bytes of `struct signalfd_siginfo`.
const INFO_BYTES: usize = 128;

pub struct SignalFile {
    wanted: SpinLock<SignalSet>,
}

impl SignalFile {
    pub fn new(wanted: SignalSet) -> Arc<SignalFile> {
        Arc::new(SignalFile {
            wanted: SpinLock::new(wanted),
        })
    }

    /// signalfd(2) on an existing descriptor: other signals from now on.
    pub fn set_wanted(&self, wanted: SignalSet) {
        *self.wanted.lock() = wanted;
        arrival().wake_all();
    }

    fn take(&self) -> Option<SignalInfo> {
        let wanted = *self.wanted.lock();
        signal::take_pending(wanted)
    }
}

fn arrival() -> &'static WaitQueue {
    &current().process.signals.arrival
}

/// `struct signalfd_siginfo`, as far as a signal here carries it: by code and signal the union of
/// siginfo_t has other members (sigaction(2)).
fn to_bytes(info: &SignalInfo) -> [u8; INFO_BYTES] {
    const PID: usize = 3; // words from the begin of the structure
    const TID: usize = 6;
    const OVERRUN: usize = 8;
    const STATUS: usize = 10;
    const INT: usize = 11;
    const PTR: usize = 12;
    const UTIME: usize = 14;
    const ADDR: usize = 18;
    let [first, second, third] = info.words.map(|word| [word as u32, (word >> 32) as u32]);
    let is_kernel_s = info.code > 0;
    let mut words = [0u32; INFO_BYTES / 4];
    let mut put = |at: usize, part: &[u32]| {
        let places = words.iter_mut().skip(at);
        places.zip(part).for_each(|(to, from)| *to = *from);
    };
    put(0, &[info.signal, info.errno as u32, info.code as u32]);
    match info.signal {
        _ if info.code == SI_TIMER => {
            put(TID, &first[..1]);
            put(OVERRUN, &first[1..]);
        }
        SIGCHLD if is_kernel_s => {
            put(PID, &first);
            put(STATUS, &second[..1]);
            put(UTIME, &third);
        }
        SIGILL | SIGBUS | SIGFPE | SIGSEGV | SIGTRAP if is_kernel_s => put(ADDR, &first),
        _ => put(PID, &first),
    }
    if !is_kernel_s {
        put(INT, &second[..1]);
        put(PTR, &second);
    }
    let mut bytes = [0; INFO_BYTES];
    let flat = words.into_iter().flat_map(u32::to_ne_bytes);
    bytes.iter_mut().zip(flat).for_each(|(to, from)| *to = from);
    bytes
}

impl File for SignalFile {
    fn read(&self, request: IoRequest, into: &mut dyn Sink) -> SysResult {
        if into.remaining() < INFO_BYTES {
            return Err(EINVAL);
        }
        let first = match self.take() {
            Some(info) => info,
            None if request.is_nonblocking => return Err(EAGAIN),
            None => wait_until(arrival(), None, || self.take())?,
        };
        let mut done = into.put(&to_bytes(&first))?;
        while into.remaining() >= INFO_BYTES {
            let Some(info) = self.take() else { break };
            done += into.put(&to_bytes(&info))?;
        }
        Ok(done)
    }

    fn readiness(&self) -> Events {
        let is_pending = signal::pending_set() & *self.wanted.lock() != 0;
        if is_pending {
            Events::IN | Events::RDNORM
        } else {
            Events::empty()
        }
    }

    fn wait_queue(&self) -> Option<&WaitQueue> {
        Some(arrival())
    }

    fn status(&self) -> Result<FileStatus, Errno> {
        Ok(anonymous_status())
    }

    fn path(&self) -> Vec<u8> {
        b"anon_inode:[signalfd]".to_vec()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sender_and_value_are_where_signalfd_puts_them() {
        let info = SignalInfo {
            signal: 10,
            errno: 0,
            code: -1,
            words: [7 | 33 << 32, 0xabcd, 0],
        };
        let bytes = to_bytes(&info);
        let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!(
            (word(0), word(8) as i32, word(12), word(16)),
            (10, -1, 7, 33)
        );
        assert_eq!((word(44), word(48)), (0xabcd, 0xabcd));
    }
}
