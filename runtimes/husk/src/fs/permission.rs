//! Who may do what with files (path_resolution(7) § Permissions, inode(7), credentials(7)): by the
//! mode of the node, the effective ids and the capabilities of the running process (capabilities(7)).
//! The kernel itself may do everything. Not here: ACLs, fs.protected_*.
//! Lock order: credentials, then a node's attributes.

use super::node::{Attributes, Kind, Node};
use crate::errno::{EACCES, EPERM, Errno};
use crate::process::capability::{self, Capabilities};
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

/// True when the running process has a capability.
pub fn has(capability: u32) -> bool {
    with_credentials(true, |ids| ids.may(capability))
}

/// EPERM for who does not have it.
pub fn require(capability: u32) -> Result<(), Errno> {
    has(capability).then_some(()).ok_or(EPERM)
}

/// EACCES unless the running process may do all of `wanted`.
pub fn check(node: &Node, wanted: u32) -> Result<(), Errno> {
    with_credentials(Ok(()), |ids| {
        check_as(node, wanted, ids, (ids.euid, ids.egid, ids.capabilities))
    })
}

/// As `check`, by the real ids (access(2)), with what capabilities they could have.
pub fn check_real(node: &Node, wanted: u32) -> Result<(), Errno> {
    with_credentials(Ok(()), |ids| {
        let effective = match ids.uid {
            0 => ids.capabilities.permitted,
            _ => 0,
        };
        let capabilities = Capabilities {
            effective,
            ..ids.capabilities
        };
        check_as(node, wanted, ids, (ids.uid, ids.gid, capabilities))
    })
}

fn check_as(
    node: &Node,
    wanted: u32,
    ids: &Credentials,
    (uid, gid, capabilities): (u32, u32, Capabilities),
) -> Result<(), Errno> {
    let attributes = *node.attributes.lock();
    let permissions = attributes.permissions;
    let granted = if matches!(node.kind, Kind::Opened(_)) {
        READ | WRITE
    } else if uid == attributes.uid {
        permissions >> 6
    } else if gid == attributes.gid || ids.groups.contains(&attributes.gid) {
        permissions >> 3
    } else {
        permissions
    };
    let is_directory = node.is_directory();
    let only_looks = wanted == READ || is_directory && wanted & WRITE == 0;
    let overrides = wanted & EXECUTE == 0 || is_directory || permissions & 0o111 != 0;
    let is_allowed = wanted & !granted == 0
        || only_looks && capabilities.has(capability::DAC_READ_SEARCH)
        || overrides && capabilities.has(capability::DAC_OVERRIDE);
    is_allowed.then_some(()).ok_or(EACCES)
}

/// EACCES for a link without any permission, as /proc has them of what is not the reader's affair;
/// to no other link permissions matter.
pub fn follow(link: &Node) -> Result<(), Errno> {
    match link.attributes.lock().permissions {
        0 => Err(EACCES),
        _ => Ok(()),
    }
}

/// EPERM for everybody but the owner and who has CAP_FOWNER: what changes modes and times.
pub fn owner(node: &Node) -> Result<(), Errno> {
    let uid = node.attributes.lock().uid;
    let is_owner = with_credentials(true, |ids| ids.euid == uid || ids.may(capability::FOWNER));
    is_owner.then_some(()).ok_or(EPERM)
}

/// True when the running process is in a group.
pub fn is_in_group(gid: u32) -> bool {
    with_credentials(true, |ids| ids.egid == gid || ids.groups.contains(&gid))
}

/// chown(2): only CAP_CHOWN gives files away; an owner may give them to one of its groups.
pub fn change_owner(attributes: &Attributes, uid: u32, gid: u32) -> Result<(), Errno> {
    let is_owner = with_credentials(true, |ids| ids.euid == attributes.uid);
    let keeps = uid == u32::MAX || is_owner && uid == attributes.uid;
    let may_join = gid == u32::MAX || is_owner && (gid == attributes.gid || is_in_group(gid));
    (has(capability::CHOWN) || keeps && may_join)
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
