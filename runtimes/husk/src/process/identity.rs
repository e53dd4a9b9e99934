//! Who a process is (credentials(7)). What they mean to files is in `fs::permission`; elsewhere they
//! are kept and told. Whom a process may look into: `may_inspect`.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::capability::{self, Capabilities};
use super::{Process, scheduler};

/// User and group ids as getresuid(2), getresgid(2) and getgroups(2) tell them.
#[derive(Clone, Default, Debug)]
pub struct Credentials {
    pub uid: u32,
    pub euid: u32,
    pub suid: u32,
    pub gid: u32,
    pub egid: u32,
    pub sgid: u32,
    pub groups: Arc<Vec<u32>>,
    pub capabilities: Capabilities,
    /// prctl(2) PR_SET_KEEPCAPS: kept and told, until execve(2).
    pub keeps_capabilities: bool,
    /// prctl(2) PR_SET_NO_NEW_PRIVS.
    pub no_new_privileges: bool,
    /// Not dumpable (prctl(2) PR_SET_DUMPABLE): so asked for, or other ids were taken on.
    pub is_private: bool,
}

/// Ptrace access mode checking (ptrace(2)): whether the running process, by its real or effective
/// ids, may look into another, or take from it.
pub fn may_inspect(process: &Process, by: fn(&Credentials) -> [u32; 2]) -> bool {
    if scheduler::has_no_thread() {
        return true;
    }
    let own = &scheduler::current().process;
    if own.pid == process.pid {
        return true;
    }
    let (mine, theirs) = (own.credentials.lock(), process.credentials.lock());
    let has_less = theirs.capabilities.permitted & !mine.capabilities.permitted == 0;
    let is_open = theirs.belong_to(by(&mine)) && has_less && !theirs.is_private;
    is_open || mine.may(capability::SYS_PTRACE)
}

impl Credentials {
    /// Real, effective and saved.
    pub fn user_ids(&self) -> [u32; 3] {
        [self.uid, self.euid, self.suid]
    }

    pub fn real(&self) -> [u32; 2] {
        [self.uid, self.gid]
    }

    pub fn effective(&self) -> [u32; 2] {
        [self.euid, self.egid]
    }

    /// Every id is the user's, or the group's.
    pub fn belong_to(&self, [uid, gid]: [u32; 2]) -> bool {
        self.user_ids() == [uid; 3] && [self.gid, self.egid, self.sgid] == [gid; 3]
    }

    pub fn may(&self, capability: u32) -> bool {
        self.capabilities.has(capability)
    }
}
