//! Capabilities (capabilities(7)): what a process may beyond what its ids permit, and how that changes
//! with its ids and at execve(2).
//!
//! Not here: capabilities of files, ambient ones, secure bits; of the last two husk has none.

use crate::errno::{EINVAL, EPERM, Errno};

pub const CHOWN: u32 = 0;
pub const DAC_OVERRIDE: u32 = 1;
pub const DAC_READ_SEARCH: u32 = 2;
pub const FOWNER: u32 = 3;
pub const FSETID: u32 = 4;
pub const KILL: u32 = 5;
pub const SETGID: u32 = 6;
pub const SETUID: u32 = 7;
pub const SETPCAP: u32 = 8;
pub const NET_ADMIN: u32 = 12;
pub const IPC_LOCK: u32 = 14;
pub const IPC_OWNER: u32 = 15;
pub const SYS_PTRACE: u32 = 19;
pub const SYS_ADMIN: u32 = 21;
pub const SYS_NICE: u32 = 23;
pub const SYS_RESOURCE: u32 = 24;
pub const SYS_TIME: u32 = 25;
pub const MKNOD: u32 = 27;
/// CAP_LAST_CAP of the release that is the measure.
pub const LAST: u32 = 40;
/// A mask of all of them.
pub const ALL: u64 = (1 << (LAST + 1)) - 1;

/// The bit of a capability in a mask; EINVAL when there is none.
pub fn bit(capability: usize) -> Result<u64, Errno> {
    let exists = capability <= LAST as usize;
    exists.then(|| 1 << capability).ok_or(EINVAL)
}

/// Sets of capabilities, a bit each.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Capabilities {
    pub effective: u64,
    pub permitted: u64,
    pub inheritable: u64,
    pub bounding: u64,
}

impl Capabilities {
    pub fn has(&self, capability: u32) -> bool {
        self.effective >> capability & 1 != 0
    }

    /// Of user 0 execve(2) takes every file to have all capabilities, of others none.
    pub fn execute(&mut self, real: u32, effective: u32) {
        let is_root = real == 0 || effective == 0;
        self.permitted = u64::from(is_root) * (self.inheritable | self.bounding);
        self.effective = u64::from(effective == 0) * self.permitted;
    }

    /// User ids (real, effective, saved) have changed (capabilities(7) § Effect of user ID changes).
    pub fn follow_ids(&mut self, before: [u32; 3], after: [u32; 3], keeps: bool) {
        if before.contains(&0) && !after.contains(&0) && !keeps {
            self.permitted = 0;
        }
        match (before[1], after[1]) {
            (0, 0) => {}
            (_, 0) => self.effective = self.permitted,
            (0, _) => self.effective = 0,
            _ => self.effective &= self.permitted,
        }
    }

    /// prctl(2) PR_CAPBSET_DROP.
    pub fn leave(&mut self, capability: usize) -> Result<(), Errno> {
        self.has(SETPCAP).then_some(()).ok_or(EPERM)?;
        self.bounding &= !bit(capability)?;
        Ok(())
    }

    /// capset(2). EPERM for what cannot be had.
    pub fn set(&mut self, wanted: Capabilities) -> Result<(), Errno> {
        let source = if self.has(SETPCAP) {
            ALL
        } else {
            self.permitted
        };
        let inheritable = self.inheritable | source & self.bounding;
        let is_allowed = wanted.inheritable & !inheritable == 0
            && wanted.permitted & !self.permitted == 0
            && wanted.effective & !wanted.permitted == 0;
        *self = Capabilities {
            bounding: self.bounding,
            ..is_allowed.then_some(wanted).ok_or(EPERM)?
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: u64 = 1 << SETUID | 1 << CHOWN;

    fn root() -> Capabilities {
        Capabilities {
            effective: SOME,
            permitted: SOME,
            inheritable: 0,
            bounding: SOME,
        }
    }

    #[test]
    fn leaving_user_0_gives_all_up_unless_they_are_kept() {
        let (mut lost, mut kept) = (root(), root());
        lost.follow_ids([0; 3], [5; 3], false);
        kept.follow_ids([0; 3], [5; 3], true);
        assert_eq!((lost.effective, lost.permitted), (0, 0));
        assert_eq!((kept.effective, kept.permitted), (0, SOME));
    }

    #[test]
    fn the_effective_ones_come_back_with_the_effective_id() {
        let mut capabilities = root();
        capabilities.follow_ids([0; 3], [0, 5, 0], false);
        assert_eq!((capabilities.effective, capabilities.permitted), (0, SOME));
        capabilities.follow_ids([0, 5, 0], [0; 3], false);
        assert_eq!(capabilities, root());
    }

    #[test]
    fn execve_gives_user_0_what_the_bounding_set_has() {
        let mut capabilities = root();
        capabilities.permitted = 0;
        capabilities.execute(0, 0);
        assert_eq!(capabilities, root());
        capabilities.execute(5, 5);
        assert_eq!((capabilities.effective, capabilities.permitted), (0, 0));
    }

    #[test]
    fn nobody_takes_what_it_has_not() {
        let mut capabilities = root();
        let more = Capabilities {
            permitted: SOME | 1 << KILL,
            ..root()
        };
        assert_eq!(capabilities.set(more), Err(EPERM));
        let none = Capabilities {
            bounding: 0,
            ..Capabilities::default()
        };
        assert_eq!(capabilities.set(none), Ok(()));
        assert_eq!(capabilities.bounding, SOME);
        assert_eq!(capabilities.set(root()), Err(EPERM));
    }
}
