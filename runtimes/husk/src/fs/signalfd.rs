//! Signals read from a descriptor (signalfd(2)).
//!
//! Readiness is the running thread's: its own pending signals and the process's. The file keeps its
//! process, whose signals it waits on; closing it, at the latest at the process's end, lets go.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;

use super::event::anonymous_status;
use super::{Events, File, FileStatus, IoRequest, Sink};
use crate::errno::{EAGAIN, EINVAL, Errno, SysResult};
use crate::process::Process;
use crate::process::signal::{self, SignalInfo, SignalSet};
use crate::sync::{SpinLock, WaitQueue, wait_until};

/// Bytes of `struct signalfd_siginfo`.
const INFO_BYTES: usize = 128;

pub struct SignalFile {
    process: Arc<Process>,
    wanted: SpinLock<SignalSet>,
}

impl SignalFile {
    pub fn new(process: Arc<Process>, wanted: SignalSet) -> Arc<SignalFile> {
        Arc::new(SignalFile {
            process,
            wanted: SpinLock::new(wanted),
        })
    }

    /// signalfd(2) on an existing descriptor: other signals from now on.
    pub fn set_wanted(&self, wanted: SignalSet) {
        *self.wanted.lock() = wanted;
        self.process.signals.arrival.wake_all();
    }

    fn take(&self) -> Option<SignalInfo> {
        let wanted = *self.wanted.lock();
        signal::take_pending(wanted)
    }
}

/// `struct signalfd_siginfo`, as far as a signal here carries it.
fn to_bytes(info: &SignalInfo) -> [u8; INFO_BYTES] {
    let [sender, value, _] = info.words;
    let mut words = [0u32; INFO_BYTES / 4];
    let head = [
        info.signal,
        info.errno as u32,
        info.code as u32,
        sender as u32,
        (sender >> 32) as u32,
    ];
    words.iter_mut().zip(head).for_each(|(to, from)| *to = from);
    let tail = [value as u32, value as u32, (value >> 32) as u32]; // ssi_int, ssi_ptr
    words
        .iter_mut()
        .skip(11)
        .zip(tail)
        .for_each(|(to, from)| *to = from);
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
            None => wait_until(&self.process.signals.arrival, None, || self.take())?,
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
        Some(&self.process.signals.arrival)
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
