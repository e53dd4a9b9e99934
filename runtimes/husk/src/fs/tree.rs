//! Changing the tree: making, linking, renaming and removing names.
//!
//! The kernel is not preempted and nothing here sleeps, so each operation is atomic to the
//! application, as rename(2) must be.

use super::directory::{Directory, set_place};
use super::name::Name;
use super::node::{Attributes, Kind, Node, NodeRef, S_ISGID};
use super::notify::{self, IN_ATTRIB, IN_CREATE, IN_DELETE, IN_DELETE_SELF};
use super::permission::{self, EXECUTE, WRITE};
use super::walk::Found;
use crate::errno::{
    EBUSY, EEXIST, EINVAL, EISDIR, EMLINK, ENOENT, ENOSPC, ENOTDIR, ENOTEMPTY, EPERM, EXDEV, Errno,
};

/// Largest number of names a file may have (ext4's).
const LINK_LIMIT: u32 = 65_000;

/// Puts a new node where a walk found nothing.
pub fn create(found: &Found, node: NodeRef) -> Result<NodeRef, Errno> {
    if found.is_special() || found.node.is_some() {
        return Err(EEXIST);
    }
    let needs_directory = found.has_trailing_slash && !node.is_directory();
    if needs_directory {
        return Err(ENOENT);
    }
    let directory = roomy(&found.directory)?;
    inherit_group(&found.directory, &node);
    let name = Name::new(&found.name);
    if node.is_directory() {
        found.directory.attributes.lock().links += 1;
    }
    set_place(&node, &found.directory, name.clone());
    directory.put(name, node.clone());
    found.directory.touch_modified();
    notify::entry(&found.directory, &found.name, &node, IN_CREATE);
    Ok(node)
}

/// In a set-group-ID directory things belong to its group, and directories pass it on (inode(7)).
fn inherit_group(directory: &Node, node: &Node) {
    let above = *directory.attributes.lock();
    if above.permissions & S_ISGID == 0 {
        return;
    }
    let mut attributes = node.attributes.lock();
    attributes.gid = above.gid;
    if node.is_directory() {
        attributes.permissions |= S_ISGID;
    }
}

/// One more name for a node (link(2)).
pub fn link(node: &NodeRef, found: &Found) -> Result<(), Errno> {
    if node.number >= super::node::PROC_INODES {
        return Err(EXDEV);
    }
    if node.is_directory() || matches!(node.kind, Kind::Opened(_)) {
        return Err(EPERM);
    }
    if found.is_special() || found.node.is_some() {
        return Err(EEXIST);
    }
    let links = node.attributes.lock().links;
    let is_gone = links == 0 && !node.place.lock().is_nameless;
    if found.has_trailing_slash || is_gone {
        return Err(ENOENT);
    }
    if links >= LINK_LIMIT {
        return Err(EMLINK);
    }
    let directory = roomy(&found.directory)?;
    node.change(|attributes| attributes.links += 1);
    let name = Name::new(&found.name);
    set_place(node, &found.directory, name.clone());
    directory.put(name, node.clone());
    found.directory.touch_modified();
    notify::node(node, IN_ATTRIB);
    notify::entry(&found.directory, &found.name, node, IN_CREATE);
    Ok(())
}

/// Removes a name that is not a directory's (unlink(2)).
pub fn unlink(found: &Found) -> Result<(), Errno> {
    let node = found.node.as_ref().ok_or(ENOENT)?;
    permission::take_from(&found.directory, node)?;
    if node.is_directory() {
        return Err(EISDIR);
    }
    if found.has_trailing_slash {
        return Err(ENOTDIR);
    }
    writable(&found.directory)?.remove(&found.name);
    found.directory.touch_modified();
    forget(node, &found.directory, &found.name);
    notify::node(node, IN_ATTRIB);
    tell_removed(found, node);
    Ok(())
}

/// Tells of a name that is gone, and first of what went with it: only the walk still has that then.
fn tell_removed(found: &Found, node: &NodeRef) {
    tell_if_gone(node);
    notify::entry(&found.directory, &found.name, node, IN_DELETE);
}

fn tell_if_gone(node: &NodeRef) {
    let is_unused = alloc::sync::Arc::strong_count(node) == 1;
    if is_unused && node.attributes.lock().links == 0 {
        notify::node(node, IN_DELETE_SELF);
    }
}

/// Removes an empty directory (rmdir(2)).
pub fn remove_directory(found: &Found) -> Result<(), Errno> {
    match &*found.name {
        b"." => return Err(EINVAL),
        b".." => return Err(ENOTEMPTY),
        b"" => return Err(EBUSY),
        _ => {}
    }
    let node = found.node.as_ref().ok_or(ENOENT)?;
    permission::take_from(&found.directory, node)?;
    let directory = node.directory().ok_or(ENOTDIR)?;
    if directory.is_dynamic() || is_mount(node) {
        return Err(EBUSY);
    }
    if !directory.is_empty() {
        return Err(ENOTEMPTY);
    }
    writable(&found.directory)?.remove(&found.name);
    found.directory.touch_modified();
    found.directory.attributes.lock().links -= 1;
    forget(node, &found.directory, &found.name);
    tell_removed(found, node);
    Ok(())
}

/// What renameat2(2) does when the new name exists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Existing {
    Replace,
    Refuse,
    Exchange,
}

/// rename(2).
pub fn rename(from: &Found, to: &Found, existing: Existing) -> Result<(), Errno> {
    if from.is_special() || to.is_special() {
        return Err(EBUSY);
    }
    let node = from.node.as_ref().ok_or(ENOENT)?;
    if is_mount(node) || to.node.as_ref().is_some_and(is_mount) {
        return Err(EBUSY);
    }
    if (from.has_trailing_slash || to.has_trailing_slash && existing != Existing::Exchange)
        && !node.is_directory()
    {
        return Err(ENOTDIR);
    }
    if is_within(&to.directory, node) {
        return Err(EINVAL);
    }
    if !matches!(
        (existing, &to.node),
        (Existing::Refuse, Some(_)) | (Existing::Exchange, None)
    ) {
        may_rename(from, to, node)?;
    }
    match (existing, &to.node) {
        (Existing::Refuse, Some(_)) => Err(EEXIST),
        (Existing::Exchange, None) => Err(ENOENT),
        (Existing::Exchange, Some(other)) => exchange(from, to, node, other),
        (_, Some(other)) => replace(from, to, node, other),
        (_, None) => move_to(from, to, node),
    }
}

/// Both names are taken from their directories, and a directory that moves is written: its `..`.
fn may_rename(from: &Found, to: &Found, node: &NodeRef) -> Result<(), Errno> {
    permission::take_from(&from.directory, node)?;
    match &to.node {
        Some(other) => permission::take_from(&to.directory, other)?,
        None => permission::check(&to.directory, WRITE | EXECUTE)?,
    }
    let stays = alloc::sync::Arc::ptr_eq(&from.directory, &to.directory);
    if node.is_directory() && !stays {
        permission::check(node, WRITE)?;
    }
    Ok(())
}

fn replace(from: &Found, to: &Found, node: &NodeRef, other: &NodeRef) -> Result<(), Errno> {
    if alloc::sync::Arc::ptr_eq(node, other) {
        return Ok(()); // two names of one file: nothing happens (rename(2))
    }
    match (node.is_directory(), other.directory()) {
        (true, None) => return Err(ENOTDIR),
        (false, Some(_)) => return Err(EISDIR),
        (true, Some(directory)) if !directory.is_empty() => return Err(ENOTEMPTY),
        _ => {}
    }
    if is_within(&from.directory, other) {
        return Err(ENOTEMPTY);
    }
    move_to(from, to, node)?;
    if other.is_directory() {
        to.directory.attributes.lock().links -= 1;
    }
    forget(other, &to.directory, &to.name);
    tell_if_gone(other);
    Ok(())
}

fn move_to(from: &Found, to: &Found, node: &NodeRef) -> Result<(), Errno> {
    let (source, target) = (writable(&from.directory)?, roomy(&to.directory)?);
    let name = Name::new(&to.name);
    source.remove(&from.name);
    set_place(node, &to.directory, name.clone());
    target.put(name, node.clone());
    if node.is_directory() {
        from.directory.attributes.lock().links -= 1;
        to.directory.attributes.lock().links += 1;
    }
    node.change(|_| {});
    from.directory.touch_modified();
    to.directory.touch_modified();
    tell_moved(from, to, node, to.node.as_ref());
    Ok(())
}

/// Leaves a whiteout at a name that was renamed: a device 0 of mode 0 (renameat2(2)).
pub fn white_out(from: &Found) -> Result<(), Errno> {
    let kind = Kind::NoDevice {
        mode: super::node::S_IFCHR,
        number: 0,
    };
    let node = Node::new(kind, Attributes::new(0));
    set_place(&node, &from.directory, Name::new(&from.name));
    roomy(&from.directory)?.put(Name::new(&from.name), node);
    Ok(())
}

fn tell_moved(from: &Found, to: &Found, node: &Node, replaced: Option<&NodeRef>) {
    let ends = [from, to].map(|end| (&end.directory, &*end.name));
    notify::moved(ends[0], ends[1], node, replaced);
}

fn exchange(from: &Found, to: &Found, node: &NodeRef, other: &NodeRef) -> Result<(), Errno> {
    if is_within(&from.directory, other) {
        return Err(EINVAL);
    }
    let (source, target) = (writable(&from.directory)?, writable(&to.directory)?);
    source.put(Name::new(&from.name), other.clone());
    target.put(Name::new(&to.name), node.clone());
    set_place(other, &from.directory, Name::new(&from.name));
    set_place(node, &to.directory, Name::new(&to.name));
    let moves = i64::from(node.is_directory()) - i64::from(other.is_directory());
    add_links(&from.directory, -moves);
    add_links(&to.directory, moves);
    from.directory.touch_modified();
    to.directory.touch_modified();
    tell_moved(from, to, node, None);
    tell_moved(to, from, other, None);
    Ok(())
}

fn add_links(directory: &NodeRef, count: i64) {
    let mut attributes = directory.attributes.lock();
    attributes.links = (i64::from(attributes.links) + count) as u32;
}

/// A directory that takes changes: still there, and not one of /proc.
fn writable(node: &NodeRef) -> Result<&Directory, Errno> {
    let directory = node.directory().ok_or(ENOTDIR)?;
    if node.place.lock().is_deleted {
        return Err(ENOENT);
    }
    if directory.is_dynamic() || node.number >= super::node::PROC_INODES {
        return Err(ENOENT); // as looking an unknown name up in /proc fails on Linux
    }
    permission::check(node, WRITE | EXECUTE)?;
    Ok(directory)
}

/// As `writable`, with room for one name more.
fn roomy(node: &NodeRef) -> Result<&Directory, Errno> {
    let directory = writable(node)?;
    directory.reserve().map_err(|_| ENOSPC)?;
    Ok(directory)
}

/// A name of a node is gone.
fn forget(node: &Node, parent: &NodeRef, name: &[u8]) {
    let is_directory = node.is_directory();
    node.change(|attributes| {
        attributes.links = if is_directory {
            0
        } else {
            attributes.links.saturating_sub(1)
        };
    });
    let mut place = node.place.lock();
    let was_here = core::ptr::eq(place.parent.as_ptr(), alloc::sync::Arc::as_ptr(parent))
        && *place.name == *name;
    place.is_deleted |= was_here;
}

/// True for the root of a file system of its own, as /proc is.
fn is_mount(node: &NodeRef) -> bool {
    let is_proc = |node: &Node| node.number >= super::node::PROC_INODES;
    is_proc(node) && !is_proc(&node.parent())
}

/// True when `node` is `ancestor` or below it.
fn is_within(node: &NodeRef, ancestor: &NodeRef) -> bool {
    let mut current = node.clone();
    loop {
        if alloc::sync::Arc::ptr_eq(&current, ancestor) {
            return true;
        }
        let parent = current.parent();
        if alloc::sync::Arc::ptr_eq(&parent, &current) {
            return false;
        }
        current = parent;
    }
}

/// Attributes of something the application makes: its user, and the mode less the umask.
pub fn new_attributes(mode: u32, umask: u32, owner: (u32, u32)) -> Attributes {
    let mut attributes = Attributes::new(mode & !umask);
    (attributes.uid, attributes.gid) = owner;
    attributes
}
