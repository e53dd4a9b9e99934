//! Opening (open(2)): flags, creation, and what kind of open file a node gives.

use alloc::sync::Arc;

use super::content::Content;
use super::directory::set_place;
use super::name::Name;
use super::node::{Attributes, Kind, Node, NodeRef};
use super::permission;
use super::pipe::{Direction, PipeEnd, open_fifo};
use super::proc::GeneratedFile;
use super::walk::{AtEnd, Found};
use super::{FileRef, tree};
use crate::errno::{
    EACCES, EEXIST, EINVAL, EISDIR, ELOOP, ENOENT, ENOTDIR, ENXIO, EOPNOTSUPP, Errno,
};
use crate::process::exec::busy;

// asm-generic/fcntl.h
pub const O_ACCMODE: u32 = 3;
pub const O_WRONLY: u32 = 1;
pub const O_RDWR: u32 = 2;
pub const O_CREAT: u32 = 0o100;
pub const O_EXCL: u32 = 0o200;
pub const O_NOCTTY: u32 = 0o400;
pub const O_TRUNC: u32 = 0o1000;
pub const O_APPEND: u32 = 0o2000;
pub const O_NONBLOCK: u32 = 0o4000;
/// Of a pipe: writes are packets (pipe2(2)). Files are in no cache that could be gone around.
pub const O_DIRECT: u32 = 0o40_000;
pub const O_LARGEFILE: u32 = 0o100_000;
pub const O_DIRECTORY: u32 = 0o200_000;
pub const O_NOFOLLOW: u32 = 0o400_000;
pub const O_CLOEXEC: u32 = 0o2_000_000;
pub const O_PATH: u32 = 0o10_000_000;
/// Includes O_DIRECTORY, so that kernels without it refuse.
pub const O_TMPFILE: u32 = 0o20_200_000;

/// EINVAL for flags that contradict each other (open(2)), whatever the path is.
pub fn check_flags(flags: u32) -> Result<(), Errno> {
    const ALONE: u32 = O_TMPFILE & !O_DIRECTORY;
    let has = |flag| flags & flag == flag;
    let is_temporary = has(O_TMPFILE) && flags & O_ACCMODE != 0;
    let is_wrong = has(O_CREAT | O_DIRECTORY) || has(ALONE) && !is_temporary;
    (!is_wrong).then_some(()).ok_or(EINVAL)
}

/// How a file is opened, beside the path.
#[derive(Clone, Copy, Debug)]
pub struct How {
    pub flags: u32,
    /// Of a new file, after the umask.
    pub attributes: Attributes,
}

impl How {
    pub fn has(&self, flag: u32) -> bool {
        self.flags & flag == flag
    }

    pub fn direction(&self) -> Direction {
        let access = self.flags & O_ACCMODE;
        Direction {
            reads: access != O_WRONLY,
            writes: access != 0,
        }
    }

    /// What has to be permitted.
    fn permissions(&self) -> u32 {
        let direction = self.direction();
        let writes = direction.writes || self.has(O_TRUNC);
        u32::from(direction.reads) * permission::READ + u32::from(writes) * permission::WRITE
    }

    /// Whether the walk of `path` follows a link at the end.
    pub fn at_end(&self, path: &[u8]) -> AtEnd {
        if self.has(O_CREAT) && path.last() == Some(&b'/') {
            return AtEnd::Name; // refused, whatever is there
        }
        let stays = self.has(O_NOFOLLOW) || self.has(O_CREAT | O_EXCL);
        if stays { AtEnd::Stay } else { AtEnd::Follow }
    }
}

/// Opens what a walk with `how.at_end()` found, making it first if asked to.
pub fn open(found: Found, how: How) -> Result<FileRef, Errno> {
    if how.has(O_PATH) {
        return open_path(found.existing()?, how);
    }
    if how.has(O_TMPFILE) {
        return open_temporary(found.existing()?, how);
    }
    if !how.has(O_CREAT) {
        return open_node(&found.existing()?, how);
    }
    // To make a directory is not open(2)'s: whatever is found under such a name.
    if found.has_trailing_slash || found.is_special() {
        return Err(EISDIR);
    }
    match &found.node {
        Some(_) if how.has(O_EXCL) => Err(EEXIST),
        Some(node) if node.is_directory() => Err(EISDIR),
        Some(_) => open_node(&found.existing()?, how),
        None => {
            let node = Node::new(Kind::Regular(Content::of_archive(b"")), how.attributes);
            Ok(tree::create(&found, node)?)
        }
    }
}

fn open_path(node: NodeRef, how: How) -> Result<FileRef, Errno> {
    if how.has(O_DIRECTORY) && !node.is_directory() {
        return Err(ENOTDIR);
    }
    Ok(node)
}

/// A file without a name (open(2) O_TMPFILE); linkat(2) may give it one.
fn open_temporary(directory: NodeRef, how: How) -> Result<FileRef, Errno> {
    if directory.number >= super::node::PROC_INODES {
        return Err(EOPNOTSUPP);
    }
    if !directory.is_directory() {
        return Err(ENOTDIR);
    }
    permission::check(&directory, permission::WRITE | permission::EXECUTE)?;
    let node = anonymous(how.attributes, &directory, b"#tmpfile");
    node.place.lock().is_nameless = !how.has(O_EXCL);
    Ok(node)
}

/// A regular file that is in no directory; `name` is what /proc/self/fd shows.
pub fn anonymous(mut attributes: Attributes, parent: &NodeRef, name: &[u8]) -> NodeRef {
    attributes.links = 0;
    let node = Node::new(Kind::Regular(Content::of_archive(b"")), attributes);
    set_place(&node, parent, Name::new(name));
    node.place.lock().is_deleted = true;
    node
}

/// Opens a node that exists.
pub fn open_node(node: &NodeRef, how: How) -> Result<FileRef, Errno> {
    let direction = how.direction();
    if how.has(O_DIRECTORY) && !node.is_directory() {
        return Err(ENOTDIR);
    }
    match &node.kind {
        Kind::Directory(_) if direction.writes || how.has(O_TRUNC) => return Err(EISDIR),
        Kind::Symlink(_) | Kind::MagicLink(_) => return Err(ELOOP),
        _ => permission::check(node, how.permissions())?,
    }
    if direction.writes || how.has(O_TRUNC) {
        busy::require_not_running(node)?;
    }
    match &node.kind {
        Kind::Fifo(pipe) => open_fifo(node, pipe, direction, how.has(O_NONBLOCK)),
        Kind::Socket | Kind::NoDevice { .. } => Err(ENXIO),
        Kind::Generated(_) if direction.writes && !is_written(node) => Err(EACCES),
        Kind::Generated(generator) => {
            GeneratedFile::open(node, generator).map(|file| file as FileRef)
        }
        Kind::Special { open, .. } => open(node, &how),
        Kind::Opened(file) => reopen(file, how),
        Kind::Regular(content) if how.has(O_TRUNC) => {
            node.resize(content, 0)?;
            node.touch_written();
            Ok(node.clone())
        }
        _ => Ok(node.clone()),
    }
}

/// Files of /proc take what is written if they say so, of nobody else.
fn is_written(node: &Node) -> bool {
    node.attributes.lock().permissions & 0o200 != 0
}

/// Opening what is behind /proc/self/fd/N once more: pipes and terminals can be, sockets cannot.
fn reopen(file: &FileRef, how: How) -> Result<FileRef, Errno> {
    match file.as_any().downcast_ref::<PipeEnd>() {
        Some(end) => Ok(end.reopen(how.direction())),
        None => open_node(&file.special_node().ok_or(ENXIO)?, how),
    }
}

/// A directory that must exist, for chdir(2) and the like.
pub fn directory(node: NodeRef) -> Result<NodeRef, Errno> {
    if node.is_directory() {
        Ok(node)
    } else {
        Err(ENOTDIR)
    }
}

/// True when two files are the same object.
pub fn is_same(one: &FileRef, other: &FileRef) -> bool {
    core::ptr::addr_eq(Arc::as_ptr(one), Arc::as_ptr(other))
}

/// A node that was removed while open: no name leads to it.
pub fn is_gone(node: &Node) -> Result<(), Errno> {
    if node.place.lock().is_deleted {
        Err(ENOENT)
    } else {
        Ok(())
    }
}
