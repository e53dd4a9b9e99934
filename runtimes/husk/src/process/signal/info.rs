//! siginfo_t (sigaction(2)): who sent a signal and why.

use crate::process::{Process, scheduler};

pub const SI_USER: i32 = 0;
pub const SI_KERNEL: i32 = 0x80;
pub const SI_QUEUE: i32 = -1;
pub const SI_TIMER: i32 = -2;
pub const SI_TKILL: i32 = -6;

/// Bytes of siginfo_t.
pub const SIZE_BYTES: usize = 128;

/// A signal with its circumstances; `words` is the union that begins at byte 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalInfo {
    pub signal: u32,
    pub errno: i32,
    pub code: i32,
    pub words: [u64; 3],
}

impl SignalInfo {
    /// Sent by the kernel itself, for nobody's account.
    pub fn from_kernel(signal: u32) -> SignalInfo {
        SignalInfo {
            signal,
            errno: 0,
            code: SI_KERNEL,
            words: [0; 3],
        }
    }

    /// Of which no more is known than that it was sent.
    pub fn of_nobody(signal: u32) -> SignalInfo {
        SignalInfo {
            code: SI_USER,
            ..SignalInfo::from_kernel(signal)
        }
    }

    /// Sent by the running thread: `code` says through which call.
    pub fn from_current(signal: u32, code: i32) -> SignalInfo {
        SignalInfo {
            code,
            ..SignalInfo::from_process(&scheduler::current().process, signal)
        }
    }

    /// On account of a process, as kill(2) tells it.
    pub fn from_process(process: &Process, signal: u32) -> SignalInfo {
        let uid = process.credentials.lock().uid;
        let sender = u64::from(process.pid) | u64::from(uid) << 32;
        SignalInfo {
            signal,
            errno: 0,
            code: SI_USER,
            words: [sender, 0, 0],
        }
    }

    /// An exception at `address`.
    pub fn of_fault(signal: u32, code: i32, address: usize) -> SignalInfo {
        SignalInfo {
            signal,
            errno: 0,
            code,
            words: [address as u64, 0, 0],
        }
    }

    /// A POSIX timer's expiry (timer_create(2)).
    pub fn of_timer(signal: u32, timer: u32, value: u64) -> SignalInfo {
        let words = [u64::from(timer), value, 0];
        SignalInfo {
            signal,
            errno: 0,
            code: SI_TIMER,
            words,
        }
    }

    /// A timer's, with the expiries that it is late for; any other is left as it is.
    pub fn with_overrun(mut self, overrun: u32) -> SignalInfo {
        if self.code == SI_TIMER {
            self.words[0] = self.words[0] & u64::from(u32::MAX) | u64::from(overrun) << 32;
        }
        self
    }

    /// As the application sees it.
    pub fn to_bytes(self) -> [u8; SIZE_BYTES] {
        let mut bytes = [0; SIZE_BYTES];
        bytes[0..4].copy_from_slice(&self.signal.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.errno.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.code.to_le_bytes());
        for (index, word) in self.words.into_iter().enumerate() {
            bytes[16 + 8 * index..24 + 8 * index].copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// As the application gives it (rt_sigqueueinfo(2)); the signal number comes from elsewhere.
    pub fn from_bytes(signal: u32, bytes: &[u8; SIZE_BYTES]) -> SignalInfo {
        let word = |at: usize| {
            let mut raw = [0; 8];
            raw.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(raw)
        };
        let (errno, code) = ((word(0) >> 32) as i32, word(8) as i32);
        SignalInfo {
            signal,
            errno,
            code,
            words: [word(16), word(24), word(32)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_round_trip() {
        let info = SignalInfo {
            signal: 10,
            errno: 3,
            code: SI_QUEUE,
            words: [1 << 33, 7, 9],
        };
        assert_eq!(SignalInfo::from_bytes(10, &info.to_bytes()), info);
    }
}
