//! Who may do what with files (path_resolution(7) § Permissions, inode(7), credentials(7)): by the
//! mode of the node and the effective ids of the running process. User 0 may do everything; the
//! kernel itself, too. Not here: capabilities apart from that, ACLs, fs.protected_*.
//! Lock order: credentials, then a node's attributes.

use super::node::{Attributes, Kind, Node};
use crate::errno::{EACCES, EPERM, Errno};
use crate::process::{Credentials, scheduler};

pub const READ: u32 = 4;
pub const WRITE: u32 = 2;
/// Of a directory: to look names up in it.
pub const EXECUTE: u32 = 1;

const S_ISVTX: u32 = 0o1000;

/// Applies to the running process's credentials; `otherwise` when there is no process yet.
fn with_credentials<T>(otherwise: T, apply: impl FnOnce(&Credentials) -> T) -> T {
    match scheduler::has_no_thread() {
        true => otherwise,
        false => apply(&scheduler::current().process.credentials.lock()),
    }
}

/// True for user 0, effectively.
pub fn is_privileged() -> bool {
    with_credentials(true, |ids| ids.euid == 0)
}

/// EPERM for everybody but user 0.
pub fn privileged() -> Result<(), Errno> {
    is_privileged().then_some(()).ok_or(EPERM)
}

/// EACCES unless the running process may do all of `wanted`.
pub fn check(node: &Node, wanted: u32) -> Result<(), Errno> {
    with_credentials(Ok(()), |ids| {
        check_as(node, wanted, ids, (ids.euid, ids.egid))
    })
}

/// As `check`, by the real ids (access(2)).
pub fn check_real(node: &Node, wanted: u32) -> Result<(), Errno> {
    with_credentials(Ok(()), |ids| {
        check_as(node, wanted, ids, (ids.uid, ids.gid))
    })
}

fn check_as(
    node: &Node,
    wanted: u32,
    ids: &Credentials,
    (uid, gid): (u32, u32),
) -> Result<(), Errno> {
    let attributes = *node.attributes.lock();
    let permissions = attributes.permissions;
    let granted = if matches!(node.kind, Kind::Opened(_)) {
        READ | WRITE
    } else if uid == 0 {
        let executes = node.is_directory() || permissions & 0o111 != 0;
        READ | WRITE | u32::from(executes)
    } else if uid == attributes.uid {
        permissions >> 6
    } else if gid == attributes.gid || ids.groups.contains(&attributes.gid) {
        permissions >> 3
    } else {
        permissions
    };
    if wanted & !granted == 0 {
        Ok(())
    } else {
        Err(EACCES)
    }
}

/// EPERM for everybody but the owner and user 0: what changes modes and times.
pub fn owner(node: &Node) -> Result<(), Errno> {
    let uid = node.attributes.lock().uid;
    let is_owner = with_credentials(true, |ids| ids.euid == 0 || ids.euid == uid);
    is_owner.then_some(()).ok_or(EPERM)
}

/// True when the running process is in a group, or need not be.
pub fn is_in_group(gid: u32) -> bool {
    with_credentials(true, |ids| {
        ids.euid == 0 || ids.egid == gid || ids.groups.contains(&gid)
    })
}

/// chown(2): only user 0 gives files away; an owner may give them to one of its groups.
pub fn change_owner(attributes: &Attributes, uid: u32, gid: u32) -> Result<(), Errno> {
    let is_owner = with_credentials(true, |ids| ids.euid == attributes.uid);
    let keeps = uid == u32::MAX || is_owner && uid == attributes.uid;
    let may_join = gid == u32::MAX || is_owner && (gid == attributes.gid || is_in_group(gid));
    (is_privileged() || keeps && may_join)
        .then_some(())
        .ok_or(EPERM)
}

/// Whether a name may be taken from a directory: in a sticky one only by the owner of either.
pub fn take_from(directory: &Node, node: &Node) -> Result<(), Errno> {
    check(directory, WRITE | EXECUTE)?;
    let above = *directory.attributes.lock();
    match above.permissions & S_ISVTX {
        0 => Ok(()),
        _ => owner(directory).or_else(|_| owner(node)),
    }
}
