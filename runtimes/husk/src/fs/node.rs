//! A thing in the file tree (inode(7)): a directory, a regular file, a symbolic link, a device, …
//!
//! A node is itself the open file of what needs no state per open. Times of access are not kept, as
//! on a file system mounted noatime. Lock order: a directory's entries, `place`, `attributes`.

use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::any::Any;
use core::sync::atomic::{AtomicU64, Ordering};

use super::content::Content;
use super::device::Device;
use super::directory::Directory;
use super::name::Name;
use super::open::How;
use super::pipe::Pipe;
use super::proc::Generator;
use super::walk::PATH_LIMIT;
use super::{Events, File, FileRef, FileStatus, IoRequest, Sink, Source, notify, permission};
use crate::errno::{EINVAL, EISDIR, ENODEV, ENOTTY, ESPIPE, Errno, SysResult};
use crate::mm::PAGE_SIZE;
use crate::mm::frame::Frame;
use crate::process::{capability, registry};
use crate::sync::{SpinLock, WaitQueue};
use crate::time;

pub const S_IFMT: u32 = 0o170_000;
pub const S_IFSOCK: u32 = 0o140_000;
pub const S_IFLNK: u32 = 0o120_000;
pub const S_IFREG: u32 = 0o100_000;
pub const S_IFBLK: u32 = 0o060_000;
pub const S_IFDIR: u32 = 0o040_000;
pub const S_IFCHR: u32 = 0o020_000;
pub const S_IFIFO: u32 = 0o010_000;
pub const PERMISSIONS: u32 = 0o7777;
pub const S_ISUID: u32 = 0o4000;
pub const S_ISGID: u32 = 0o2000;
const S_IXGRP: u32 = 0o010;

/// st_dev of the root file system and of /proc (major 0: not a block device).
const ROOT_DEVICE: u64 = 1;
const PROC_DEVICE: u64 = 2;
/// Inode numbers from here on belong to /proc.
pub const PROC_INODES: u64 = 1 << 40;

static NEXT_INODE: AtomicU64 = AtomicU64::new(1);

pub type NodeRef = Arc<Node>;
/// Opens a `Kind::Special`, given its node and how.
pub type Opener = Box<dyn Fn(&NodeRef, &How) -> Result<FileRef, Errno> + Send + Sync>;

pub struct Node {
    pub number: u64,
    pub kind: Kind,
    pub attributes: SpinLock<Attributes>,
    /// Where it was put last; hard links make more places than are remembered.
    pub place: SpinLock<Place>,
}

// With the two counts of its `Arc` a node is an object of 256 bytes: the next size is half as much
// again, for every file there is.
const _: () = assert!(size_of::<Node>() + 2 * size_of::<usize>() <= 256);

pub enum Kind {
    Directory(Directory),
    Regular(Content),
    Symlink(Name),
    Fifo(Arc<Pipe>),
    /// The name a unix(7) socket is bound to.
    Socket,
    Device(Device),
    /// A device nobody drives, by its number.
    NoDevice {
        mode: u32,
        number: u64,
    },
    /// A device of which each open makes something of its own.
    Special {
        number: u64,
        open: Opener,
    },
    /// A file of /proc, made when it is read.
    Generated(Generator),
    /// A link to an object rather than to a path (/proc/self/fd/1).
    MagicLink(FileRef),
    /// What a magic link led to, when that is not in the tree (a pipe, a socket).
    Opened(FileRef),
}

/// What chmod(2), chown(2) and utimensat(2) change.
#[derive(Clone, Copy, Debug)]
pub struct Attributes {
    pub permissions: u32,
    pub uid: u32,
    pub gid: u32,
    pub links: u32,
    pub accessed_ns: u64,
    pub modified_ns: u64,
    pub changed_ns: u64,
    pub born_ns: u64,
}

impl Attributes {
    /// For an open that makes nothing.
    pub const fn none() -> Attributes {
        Attributes {
            permissions: 0,
            uid: 0,
            gid: 0,
            links: 0,
            accessed_ns: 0,
            modified_ns: 0,
            changed_ns: 0,
            born_ns: 0,
        }
    }

    /// Of something made now, with one link.
    pub fn new(permissions: u32) -> Attributes {
        let now_ns = time::realtime_ns();
        Attributes {
            permissions: permissions & PERMISSIONS,
            uid: 0,
            gid: 0,
            links: 1,
            accessed_ns: now_ns,
            modified_ns: now_ns,
            changed_ns: now_ns,
            born_ns: now_ns,
        }
    }

    /// S_ISGID without S_IXGRP meant mandatory locking and stays.
    pub fn drop_set_id_bits(&mut self) {
        self.permissions &= !S_ISUID;
        if self.permissions & S_IXGRP != 0 {
            self.permissions &= !S_ISGID;
        }
    }
}

/// A directory and the name in it.
#[derive(Clone)]
pub struct Place {
    pub parent: Weak<Node>,
    /// Keeps a parent alive that was made on the spot and is in no directory (/proc/PID).
    pub made_parent: Option<NodeRef>,
    pub name: Name,
    pub is_deleted: bool,
    /// Has no name yet and may get one: made by O_TMPFILE (open(2)).
    pub is_nameless: bool,
}

impl Node {
    /// A node that is in no directory yet.
    pub fn new(kind: Kind, attributes: Attributes) -> NodeRef {
        let number = NEXT_INODE.fetch_add(1, Ordering::Relaxed);
        Self::with_number(number, kind, attributes)
    }

    pub fn with_number(number: u64, kind: Kind, mut attributes: Attributes) -> NodeRef {
        if matches!(kind, Kind::Directory(_)) {
            attributes.links = 2; // its name and its own `.`
        }
        Arc::new(Node {
            number,
            kind,
            attributes: SpinLock::new(attributes),
            place: SpinLock::new(Place {
                parent: Weak::new(),
                made_parent: None,
                name: Name::Archive(b""),
                is_deleted: false,
                is_nameless: false,
            }),
        })
    }

    pub fn directory(&self) -> Option<&Directory> {
        match &self.kind {
            Kind::Directory(directory) => Some(directory),
            _ => None,
        }
    }

    pub fn is_directory(&self) -> bool {
        self.directory().is_some()
    }

    /// Something that a walk may follow.
    pub fn is_link(&self) -> bool {
        matches!(self.kind, Kind::Symlink(_) | Kind::MagicLink(_))
    }

    pub fn content(&self) -> Option<&Content> {
        match &self.kind {
            Kind::Regular(content) => Some(content),
            _ => None,
        }
    }

    /// The directory above; the root is its own.
    pub fn parent(self: &Arc<Self>) -> NodeRef {
        let parent = self.place.lock().parent.upgrade();
        parent.unwrap_or_else(|| self.clone())
    }

    /// S_IFMT bits.
    pub fn file_type(&self) -> u32 {
        match &self.kind {
            Kind::Directory(_) => S_IFDIR,
            Kind::Regular(_) | Kind::Generated(_) => S_IFREG,
            Kind::Symlink(_) | Kind::MagicLink(_) => S_IFLNK,
            Kind::Fifo(_) => S_IFIFO,
            Kind::Socket => S_IFSOCK,
            Kind::Device(_) | Kind::Special { .. } => S_IFCHR,
            Kind::NoDevice { mode, .. } => mode & S_IFMT,
            Kind::Opened(file) => file.status().map_or(0, |status| status.mode & S_IFMT),
        }
    }

    /// The absolute path it was put at last; ` (deleted)` follows when it is gone from there, as
    /// Linux shows it (proc(5)). One longer than PATH_LIMIT lacks its beginning.
    pub fn absolute_path(&self) -> Vec<u8> {
        let mut parts = Vec::new();
        let mut place = self.place.lock().clone();
        let is_deleted = place.is_deleted;
        let mut room = PATH_LIMIT;
        while room > 0
            && let Some(parent) = place.parent.upgrade()
        {
            room = room.saturating_sub(place.name.len() + 1);
            parts.push(place.name);
            place = parent.place.lock().clone();
        }
        let mut path = Vec::new();
        for part in parts.iter().rev() {
            path.push(b'/');
            path.extend_from_slice(part);
        }
        if path.is_empty() {
            path.push(b'/');
        }
        if is_deleted {
            path.extend_from_slice(b" (deleted)");
        }
        path
    }

    /// Contents changed now.
    pub fn touch_modified(&self) {
        let now_ns = time::realtime_ns();
        let mut attributes = self.attributes.lock();
        attributes.modified_ns = now_ns;
        attributes.changed_ns = now_ns;
    }

    /// Contents were written now: that ends set-user-ID and set-group-ID, unless the writer may
    /// give them (write(2), truncate(2)).
    pub fn touch_written(&self) {
        let permissions = self.attributes.lock().permissions;
        if permissions & (S_ISUID | S_ISGID) != 0 && !permission::has(capability::FSETID) {
            self.attributes.lock().drop_set_id_bits();
        }
        self.touch_modified();
    }

    /// Cuts or extends the node's content; mappings lose what is past its end.
    pub fn resize(&self, content: &Content, size_bytes: u64) -> Result<(), Errno> {
        let is_cut = size_bytes < content.size();
        content.truncate(size_bytes)?;
        if is_cut {
            registry::forget_pages_past(self, size_bytes);
        }
        Ok(())
    }

    /// Attributes changed now.
    pub fn change(&self, apply: impl FnOnce(&mut Attributes)) {
        let mut attributes = self.attributes.lock();
        apply(&mut attributes);
        attributes.changed_ns = time::realtime_ns();
    }

    fn size_and_blocks(&self) -> (u64, u64) {
        const BLOCK_BYTES: u64 = 512;
        match &self.kind {
            Kind::Regular(content) => {
                let (size_bytes, pages) = content.usage();
                (size_bytes, pages * PAGE_SIZE as u64 / BLOCK_BYTES)
            }
            Kind::Symlink(target) => (target.len() as u64, 0),
            Kind::MagicLink(_) => (64, 0), // as Linux has it for /proc/self/fd/N
            Kind::Directory(directory) => (directory.size(), 0),
            _ => (0, 0),
        }
    }

    fn special_device(&self) -> u64 {
        match &self.kind {
            Kind::Device(device) => device.number(),
            Kind::NoDevice { number, .. } | Kind::Special { number, .. } => *number,
            _ => 0,
        }
    }
}

/// No name and no description leads to it any more.
impl Drop for Node {
    fn drop(&mut self) {
        if self.attributes.lock().links == 0 {
            notify::node(self, notify::IN_DELETE_SELF);
        }
    }
}

impl File for Node {
    fn read(&self, request: IoRequest, into: &mut dyn Sink) -> SysResult {
        match &self.kind {
            Kind::Regular(content) => {
                let count = content.read(request.offset, into)?;
                if count > 0 {
                    notify::happened(self, notify::IN_ACCESS);
                }
                Ok(count)
            }
            Kind::Device(device) => device.read(into),
            Kind::Directory(_) => Err(EISDIR),
            _ => Err(EINVAL),
        }
    }

    fn write(&self, request: IoRequest, from: &mut dyn Source) -> SysResult {
        match &self.kind {
            Kind::Regular(_) if from.remaining() == 0 => Ok(0), // and changes no time
            Kind::Regular(content) => {
                let offset = if request.is_append {
                    content.size()
                } else {
                    request.offset
                };
                let count = content.write(offset, from)?;
                self.touch_written();
                notify::happened(self, notify::IN_MODIFY);
                Ok(count)
            }
            Kind::Device(device) => device.write(from),
            Kind::Directory(_) => Err(EISDIR),
            _ => Err(EINVAL),
        }
    }

    fn readiness(&self) -> Events {
        match &self.kind {
            Kind::Device(device) => device.readiness(),
            _ => Events::IN | Events::OUT | Events::RDNORM | Events::WRNORM,
        }
    }

    fn wait_queue(&self) -> Option<&WaitQueue> {
        None
    }

    fn status(&self) -> Result<FileStatus, Errno> {
        if let Kind::Opened(file) = &self.kind {
            return file.status();
        }
        let attributes = *self.attributes.lock();
        let (size_bytes, blocks) = self.size_and_blocks();
        Ok(FileStatus {
            device: if self.number >= PROC_INODES {
                PROC_DEVICE
            } else {
                ROOT_DEVICE
            },
            inode: self.number,
            mode: self.file_type() | attributes.permissions,
            links: u64::from(attributes.links),
            uid: attributes.uid,
            gid: attributes.gid,
            special_device: self.special_device(),
            size_bytes,
            blocks,
            accessed_ns: attributes.accessed_ns,
            modified_ns: attributes.modified_ns,
            changed_ns: attributes.changed_ns,
            born_ns: attributes.born_ns,
        })
    }

    fn control(&self, command: u32, argument: usize) -> SysResult {
        match &self.kind {
            Kind::Device(device) => device.control(command, argument),
            _ => Err(ENOTTY),
        }
    }

    fn size(&self) -> Result<u64, Errno> {
        match &self.kind {
            Kind::Regular(content) => Ok(content.size()),
            Kind::Directory(directory) => Ok(directory.size()),
            Kind::Device(device) if device.has_positions() => Ok(0),
            _ => Err(ESPIPE),
        }
    }

    fn truncate(&self, size_bytes: u64) -> Result<(), Errno> {
        match &self.kind {
            Kind::Regular(content) => {
                self.resize(content, size_bytes)?;
                self.touch_written();
                notify::happened(self, notify::IN_MODIFY);
                Ok(())
            }
            Kind::Directory(_) => Err(EISDIR),
            _ => Err(EINVAL),
        }
    }

    fn page(&self, index: u64, will_write: bool) -> Result<Frame, Errno> {
        match &self.kind {
            Kind::Regular(content) => content.page(index, will_write),
            Kind::Device(device) => device.page(),
            _ => Err(ENODEV),
        }
    }

    fn path(&self) -> Vec<u8> {
        match &self.kind {
            Kind::Opened(file) => file.path(),
            _ => self.absolute_path(),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The node behind an open file, if it is in the tree.
pub fn as_node(file: &FileRef) -> Option<&Node> {
    file.as_any().downcast_ref()
}

/// As `as_node`, to keep.
pub fn node_of(file: &FileRef) -> Option<NodeRef> {
    let any: Arc<dyn Any + Send + Sync> = file.clone();
    any.downcast::<Node>().ok()
}
