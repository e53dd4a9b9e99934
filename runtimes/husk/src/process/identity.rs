//! Who a process is (credentials(7)). What they mean to files is in `fs::permission`; elsewhere they
//! are kept and told.

use alloc::vec::Vec;

use super::capability::Capabilities;

/// User and group ids as getresuid(2), getresgid(2) and getgroups(2) tell them.
#[derive(Clone, Default, Debug)]
pub struct Credentials {
    pub uid: u32,
    pub euid: u32,
    pub suid: u32,
    pub gid: u32,
    pub egid: u32,
    pub sgid: u32,
    pub groups: Vec<u32>,
    pub capabilities: Capabilities,
    /// prctl(2) PR_SET_KEEPCAPS: kept and told, until execve(2).
    pub keeps_capabilities: bool,
    /// prctl(2) PR_SET_NO_NEW_PRIVS.
    pub no_new_privileges: bool,
}

impl Credentials {
    /// Real, effective and saved.
    pub fn user_ids(&self) -> [u32; 3] {
        [self.uid, self.euid, self.suid]
    }

    pub fn may(&self, capability: u32) -> bool {
        self.capabilities.has(capability)
    }
}
