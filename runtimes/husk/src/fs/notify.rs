//! What happens to files, told to inotify(7): nothing but a test of one word until a program makes
//! its first instance, which sets the hook, so that kernels without those calls do not have them.

use super::node::{Node, NodeRef};
use super::open::{O_ACCMODE, O_PATH, O_TRUNC};
use super::{FileRef, node};
use crate::sync::Once;

// inotify(7), linux/inotify.h
pub const IN_ACCESS: u32 = 0x1;
pub const IN_MODIFY: u32 = 0x2;
pub const IN_ATTRIB: u32 = 0x4;
pub const IN_CLOSE_WRITE: u32 = 0x8;
pub const IN_CLOSE_NOWRITE: u32 = 0x10;
pub const IN_OPEN: u32 = 0x20;
pub const IN_MOVED_FROM: u32 = 0x40;
pub const IN_MOVED_TO: u32 = 0x80;
pub const IN_CREATE: u32 = 0x100;
pub const IN_DELETE: u32 = 0x200;
pub const IN_DELETE_SELF: u32 = 0x400;
pub const IN_MOVE_SELF: u32 = 0x800;
/// Of a watch: not what happens to files without a name. Of an event here: the file has none.
pub const IN_EXCL_UNLINK: u32 = 0x400_0000;
pub const IN_ISDIR: u32 = 0x4000_0000;

/// Is given the inode number of the watched, a name in it or nothing, the event, and the cookie that
/// joins the two halves of a rename.
pub type Hook = fn(u64, &[u8], u32, u32);

static HOOK: Once<Hook> = Once::new();

/// From now on `hook` is told everything.
pub fn tell(hook: Hook) {
    HOOK.set(hook);
}

fn kind(node: &Node) -> u32 {
    if node.is_directory() { IN_ISDIR } else { 0 }
}

/// Something happened to a name in a directory; `node` is what it means.
pub fn entry(directory: &Node, name: &[u8], node: &Node, event: u32) {
    moved_entry(directory, name, node, event, 0);
}

fn moved_entry(directory: &Node, name: &[u8], node: &Node, event: u32, cookie: u32) {
    if let Some(hook) = HOOK.get() {
        hook(directory.number, name, event | kind(node), cookie);
    }
}

/// Something happened to a node that its directory is not told of.
pub fn node(node: &Node, event: u32) {
    if let Some(hook) = HOOK.get() {
        hook(node.number, b"", event | kind(node), 0);
    }
}

/// Something happened to a node: its directory is told, then who watches the node itself.
pub fn happened(node: &Node, event: u32) {
    if HOOK.get().is_some() {
        tell_place(node, event);
    }
}

#[cold]
fn tell_place(one: &Node, event: u32) {
    let place = one.place.lock().clone();
    let unlinked = if place.is_deleted { IN_EXCL_UNLINK } else { 0 };
    if let Some(parent) = place.parent.upgrade() {
        entry(&parent, &place.name, one, event | unlinked);
    }
    node(one, event);
}

/// rename(2) has given `node` another name; `replaced` had it before.
pub fn moved(
    from: (&NodeRef, &[u8]),
    to: (&NodeRef, &[u8]),
    node: &Node,
    replaced: Option<&NodeRef>,
) {
    if HOOK.get().is_none() {
        return;
    }
    let cookie = next_cookie();
    moved_entry(from.0, from.1, node, IN_MOVED_FROM, cookie);
    moved_entry(to.0, to.1, node, IN_MOVED_TO, cookie);
    if let Some(replaced) = replaced {
        self::node(replaced, IN_ATTRIB);
    }
    self::node(node, IN_MOVE_SELF);
}

fn next_cookie() -> u32 {
    use core::sync::atomic::{AtomicU32, Ordering};
    static COOKIE: AtomicU32 = AtomicU32::new(0);
    COOKIE.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
}

/// A description was made of a file, not of its path alone.
pub fn opened(file: &FileRef, flags: u32) {
    opening(file, flags, IN_OPEN);
    if flags & O_TRUNC != 0 {
        opening(file, flags, IN_MODIFY);
    }
}

/// The last reference to a description is gone.
pub fn closed(file: &FileRef, flags: u32) {
    let event = match flags & O_ACCMODE {
        0 => IN_CLOSE_NOWRITE,
        _ => IN_CLOSE_WRITE,
    };
    opening(file, flags, event);
}

fn opening(file: &FileRef, flags: u32, event: u32) {
    if HOOK.get().is_none() || flags & O_PATH != 0 {
        return;
    }
    if let Some(node) = node::as_node(file) {
        tell_place(node, event);
    }
}
