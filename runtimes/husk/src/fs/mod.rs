//! Files: the root archive, memory files, devices, /proc, and the descriptors that name them.
//!
//! `node` is what the tree is made of, `archive` builds it, `walk` finds things in it, `tree`
//! changes it and `open` turns nodes into open files. There is no cache of names beside the tree:
//! the tree is in memory. `permission` says who may do what.

#![deny(unsafe_code)]

pub mod allocate;
pub mod archive;
pub mod content;
pub mod context;
pub mod cpio;
pub mod device;
pub mod directory;
pub mod epoll;
pub mod event;
pub mod file;
pub mod inotify;
pub mod lock;
pub mod name;
pub mod node;
pub mod notify;
pub mod open;
pub mod permission;
pub mod pipe;
pub mod proc;
pub mod pty;
pub mod random;
pub mod seal;
pub mod shared_memory;
pub mod signalfd;
pub mod splice;
pub mod table;
pub mod terminal;
#[cfg(test)]
mod tests;
pub mod timerfd;
pub mod tree;
pub mod walk;
pub mod xattr;

use crate::errno::{EADDRINUSE, ENOENT, Errno};
use crate::process::scheduler;
use crate::sync::Once;

pub use context::PathContext;
pub use file::{Discard, Events, File, FileRef, FileStatus, IoRequest, Sink, Source};
pub use table::{FileTable, OpenFile};

use content::Content;
use device::DEVICES;
use directory::{Directory, attach};
use name::Name;
use node::{Attributes, Kind, Node, NodeRef};
use walk::{AtEnd, walk};

static ROOT: Once<NodeRef> = Once::new();

/// What a container runtime adds to /dev (OCI runtime-spec, config-linux § default devices).
const DEVICE_LINKS: [(&[u8], &[u8]); 4] = [
    (b"fd", b"/proc/self/fd"),
    (b"stdin", b"/proc/self/fd/0"),
    (b"stdout", b"/proc/self/fd/1"),
    (b"stderr", b"/proc/self/fd/2"),
];

/// Builds the root file system over the archive, a newc cpio that stays in place.
pub fn install(archive: &'static [u8]) {
    let root = archive::build(archive)
        .unwrap_or_else(|error| panic!("root archive: {} at byte {}", error.what, error.offset));
    install_devices(&directory_at(&root, b"dev"));
    install_shared_memory(&directory_at(&root, b"dev"));
    ROOT.set(root);
}

fn install_devices(directory: &NodeRef) {
    for (name, device, permissions) in DEVICES {
        let node = Node::new(Kind::Device(device), Attributes::new(permissions));
        attach(directory, Name::Archive(name), node);
    }
    for (name, target) in DEVICE_LINKS {
        let node = Node::new(Kind::Symlink(Name::Archive(target)), Attributes::new(0o777));
        attach(directory, Name::Archive(name), node);
    }
}

/// /dev/shm, where shm_open(3) and sem_open(3) make their files.
fn install_shared_memory(devices: &NodeRef) {
    directory_at(devices, b"shm").attributes.lock().permissions = 0o1777;
}

/// The directory of that name, made if it is not there; anything else there makes way.
fn directory_at(parent: &NodeRef, name: &[u8]) -> NodeRef {
    let existing = parent.directory().and_then(|directory| directory.get(name));
    if let Some(node) = existing.filter(|node| node.is_directory()) {
        return node;
    }
    let node = Node::new(Kind::Directory(Directory::new()), Attributes::new(0o755));
    attach(parent, Name::new(name), node.clone());
    node
}

/// The root directory.
pub fn root() -> &'static NodeRef {
    static NONE: Once<NodeRef> = Once::new();
    if let Some(root) = ROOT.get() {
        return root;
    }
    NONE.set(Node::new(
        Kind::Directory(Directory::new()),
        Attributes::new(0o755),
    ));
    match NONE.get() {
        Some(root) => root,
        None => unreachable!("it was just set"),
    }
}

/// The node at a path, links followed.
pub fn lookup(path: &[u8]) -> Result<NodeRef, Errno> {
    let start = match scheduler::has_no_thread() {
        true => root().clone(),
        false => scheduler::current().process.paths.cwd(),
    };
    walk(root(), &start, path, AtEnd::Follow)?.existing()
}

/// Makes the name a unix(7) socket is bound to: the node that stands for the socket. EADDRINUSE when
/// the path exists (bind(2)).
pub fn bind_socket(path: &[u8]) -> Result<NodeRef, Errno> {
    let process = &scheduler::current().process;
    let cwd = process.paths.cwd();
    let found = walk(root(), &cwd, path, AtEnd::Stay)?;
    if found.node.is_some() {
        return Err(EADDRINUSE);
    }
    let ids = process.credentials.lock();
    let owner = (ids.euid, ids.egid);
    drop(ids);
    let attributes = tree::new_attributes(0o777, process.paths.umask(), owner);
    tree::create(&found, Node::new(Kind::Socket, attributes))
}

/// Opens a file to execute it (execve(2)), symbolic links followed. A relative path starts at the
/// running process's working directory, or at `/` during boot.
pub fn open_kernel(path: &[u8]) -> Result<FileRef, Errno> {
    let node = lookup(path)?;
    permission::check(&node, permission::EXECUTE)?;
    Ok(node)
}

/// Writes a whole file, making it and the directories above it as needed (/etc/resolv.conf).
/// What was at the path before, a symbolic link say, is replaced.
pub fn write_file(path: &[u8], bytes: &[u8], mode: u32) -> Result<(), Errno> {
    let mut parts = path
        .split(|&byte| byte == b'/')
        .filter(|part| !part.is_empty());
    let mut name = parts.next().ok_or(ENOENT)?;
    let mut parent = root().clone();
    for next in parts {
        parent = directory_at(&parent, name);
        name = next;
    }
    let content = Content::of_archive(b"");
    content.write(0, &mut Bytes(bytes))?;
    attach(
        &parent,
        Name::new(name),
        Node::new(Kind::Regular(content), Attributes::new(mode)),
    );
    Ok(())
}

/// /dev/console, for descriptors 0, 1 and 2. Who uses it owns it, as container runtimes see to: it
/// may be opened again by /dev/stdout.
pub fn console_file(uid: u32) -> Result<FileRef, Errno> {
    let node = lookup(b"/dev/console")?;
    node.attributes.lock().uid = uid;
    Ok(node)
}

/// Kernel bytes as a source.
pub struct Bytes<'a>(pub &'a [u8]);

impl Source for Bytes<'_> {
    fn remaining(&self) -> usize {
        self.0.len()
    }

    fn take(&mut self, into: &mut [u8]) -> crate::errno::SysResult {
        let count = into.len().min(self.0.len());
        let (now, later) = self.0.split_at_checked(count).unwrap_or_default();
        into.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
        self.0 = later;
        Ok(count)
    }
}
