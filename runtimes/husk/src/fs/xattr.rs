//! Extended attributes (xattr(7)), in memory: beside the nodes, since few have any. `user.*`,
//! `trusted.*` and `security.*`; no ACLs (`system.*`). The table's lock is a leaf.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use super::node::{Kind, Node, NodeRef, PROC_INODES};
use super::notify::{self, IN_ATTRIB};
use super::permission::{self, READ, WRITE};
use crate::errno::{EEXIST, EINVAL, ENODATA, ENOSPC, EOPNOTSUPP, EPERM, Errno};
use crate::process::capability;
use crate::sorted_map::SortedMap;
use crate::sync::SpinLock;

pub const XATTR_CREATE: u32 = 1;
pub const XATTR_REPLACE: u32 = 2;
/// As many of one node as listxattr(2) can tell whatever their names are (XATTR_LIST_MAX).
const COUNT_LIMIT: usize = 256;
const S_ISVTX: u32 = 0o1000;

type Attributes = SortedMap<Vec<u8>, Vec<u8>>;

struct Entry {
    node: Weak<Node>,
    attributes: Attributes,
}

/// By inode number. What is left of nodes that are gone is thrown away when a node gets its first.
static TABLE: SpinLock<SortedMap<u64, Entry>> = SpinLock::new(SortedMap::new());

/// Sets one; XATTR_CREATE and XATTR_REPLACE say whether it may or must be there.
pub fn set(node: &NodeRef, name: Vec<u8>, value: Vec<u8>, flags: u32) -> Result<(), Errno> {
    may_use(node, &name, WRITE)?;
    let mut table = TABLE.lock();
    let of_node = table.get(&node.number);
    let is_there = of_node.is_some_and(|entry| entry.attributes.contains_key(&name));
    match is_there {
        true if flags & XATTR_CREATE != 0 => return Err(EEXIST),
        false if flags & XATTR_REPLACE != 0 => return Err(ENODATA),
        _ => {}
    }
    if of_node.is_none() {
        table.retain(|_, entry| entry.node.strong_count() > 0);
        let entry = Entry {
            node: Arc::downgrade(node),
            attributes: Attributes::new(),
        };
        table.insert(node.number, entry);
    }
    if let Some(entry) = table.get_mut(&node.number) {
        if !is_there && entry.attributes.len() >= COUNT_LIMIT {
            return Err(ENOSPC);
        }
        entry.attributes.insert(name, value);
    }
    drop(table);
    changed(node);
    Ok(())
}

#[allow(clippy::ptr_arg)] // the table is keyed by vectors
pub fn get(node: &NodeRef, name: &Vec<u8>) -> Result<Vec<u8>, Errno> {
    may_use(node, name, READ)?;
    let table = TABLE.lock();
    let entry = table.get(&node.number).ok_or(ENODATA)?;
    entry.attributes.get(name).cloned().ok_or(ENODATA)
}

/// Every name with the NUL after it; `trusted.*` for CAP_SYS_ADMIN alone.
pub fn list(node: &NodeRef) -> Result<Vec<u8>, Errno> {
    check_kind(node)?;
    let sees_all = permission::has(capability::SYS_ADMIN);
    let table = TABLE.lock();
    let mut names = Vec::new();
    if let Some(entry) = table.get(&node.number) {
        for (name, _) in entry.attributes.iter() {
            if sees_all || !name.starts_with(b"trusted.") {
                names.extend_from_slice(name);
                names.push(0);
            }
        }
    }
    Ok(names)
}

#[allow(clippy::ptr_arg)] // as above
pub fn remove(node: &NodeRef, name: &Vec<u8>) -> Result<(), Errno> {
    may_use(node, name, WRITE)?;
    let mut table = TABLE.lock();
    let entry = table.get_mut(&node.number).ok_or(ENODATA)?;
    entry.attributes.remove(name).ok_or(ENODATA)?;
    drop(table);
    changed(node);
    Ok(())
}

fn changed(node: &NodeRef) {
    node.change(|_| {});
    notify::happened(node, IN_ATTRIB);
}

fn check_kind(node: &Node) -> Result<(), Errno> {
    let has_none = node.number >= PROC_INODES || matches!(node.kind, Kind::Opened(_));
    if has_none { Err(EOPNOTSUPP) } else { Ok(()) }
}

/// Which namespaces there are, and who may what in them (xattr(7)).
fn may_use(node: &Node, name: &[u8], wanted: u32) -> Result<(), Errno> {
    check_kind(node)?;
    let dot = name.iter().position(|&byte| byte == b'.');
    let (space, rest) = name.split_at(dot.map_or(0, |at| at + 1));
    let is_reading = wanted == READ;
    match space {
        b"user." | b"trusted." | b"security." if rest.is_empty() => Err(EINVAL),
        b"user." => may_use_user(node, wanted),
        b"trusted." | b"security." if permission::has(capability::SYS_ADMIN) => Ok(()),
        b"trusted." if is_reading => Err(ENODATA),
        b"security." if is_reading => Ok(()),
        b"trusted." | b"security." => Err(EPERM),
        _ => Err(EOPNOTSUPP),
    }
}

/// Only files and directories have them, and the mode says who may.
fn may_use_user(node: &Node, wanted: u32) -> Result<(), Errno> {
    let is_sticky = node.attributes.lock().permissions & S_ISVTX != 0;
    match node.kind {
        Kind::Regular(_) => {}
        Kind::Directory(_) if wanted == WRITE && is_sticky => permission::owner(node)?,
        Kind::Directory(_) => {}
        _ if wanted == READ => return Err(ENODATA),
        _ => return Err(EPERM),
    }
    permission::check(node, wanted)
}
