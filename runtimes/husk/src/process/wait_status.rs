//! How a process ended, encoded as wait(2) tells it.

use super::signal::SIGKILL;

/// The status word of wait4(2); `WIFEXITED` and its kin decode it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WaitStatus(pub u32);

/// Stands in a status word for "has not ended": no process can end so.
const STILL_RUNNING: u32 = u32::MAX;

impl WaitStatus {
    pub const RUNNING: WaitStatus = WaitStatus(STILL_RUNNING);
    /// What the kernel does to a process that cannot go on.
    pub const KILLED: WaitStatus = WaitStatus(SIGKILL);

    /// exit(2) with `code`, of which eight bits count.
    pub const fn exited(code: u32) -> WaitStatus {
        WaitStatus((code & 0xff) << 8)
    }

    /// Ended by a signal. Core files are never written, so the core flag is never set.
    pub const fn killed_by(signal: u32) -> WaitStatus {
        WaitStatus(signal & 0x7f)
    }

    /// The signal that ended it, 0 when it exited.
    pub const fn signal(self) -> u32 {
        self.0 & 0x7f
    }

    /// What it gave exit(2).
    pub const fn code(self) -> u32 {
        self.0 >> 8 & 0xff
    }

    /// What a shell's `$?` says: 128 and the signal for one that was killed.
    pub const fn as_shell(self) -> u8 {
        match self.signal() {
            0 => self.code() as u8,
            signal => (128 + signal) as u8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exits_and_signals_are_told_apart() {
        let exited = WaitStatus::exited(0x107);
        assert_eq!(
            (exited.0, exited.signal(), exited.as_shell()),
            (0x700, 0, 7)
        );
        let killed = WaitStatus::killed_by(11);
        assert_eq!((killed.signal(), killed.as_shell()), (11, 139));
    }
}
