//! The root archive as a tree. Runs once at boot: an archive that cannot be a file system stops the
//! machine with a message here, and never later.

use super::content::Content;
use super::cpio::{ArchiveError, Member, Members};
use super::device::{Device, make_device};
use super::directory::{Directory, attach};
use super::name::Name;
use super::node::{
    Attributes, Kind, Node, NodeRef, PERMISSIONS, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK,
    S_IFMT, S_IFREG, S_IFSOCK,
};
use super::pipe::Pipe;
use super::walk::NAME_LIMIT;
use crate::sorted_map::SortedMap;

const NS_PER_S: u64 = 1_000_000_000;
/// Of directories that exist only because something is in them.
const IMPLIED_PERMISSIONS: u32 = 0o755;
const THROUGH_FILE: &str = "a path leads through a file";

struct Builder {
    root: NodeRef,
    /// Regular files with several names, by the inode number the archive gives them.
    hard_links: SortedMap<u32, NodeRef>,
}

/// Builds the tree; file data and names stay in the archive.
pub fn build(archive: &'static [u8]) -> Result<NodeRef, ArchiveError> {
    let root = Node::new(
        Kind::Directory(Directory::new()),
        Attributes::new(IMPLIED_PERMISSIONS),
    );
    let mut builder = Builder {
        root,
        hard_links: SortedMap::new(),
    };
    for member in Members::new(archive) {
        let member = member?;
        builder.add(&member).map_err(|what| ArchiveError {
            offset: member.offset,
            what,
        })?;
    }
    Ok(builder.root)
}

impl Builder {
    fn add(&mut self, member: &Member<'static>) -> Result<(), &'static str> {
        if member.path.is_empty() {
            set_attributes(&self.root, member);
            return Ok(());
        }
        let (parent, name) = self.parent_of(member.path)?;
        let existing = parent.directory().and_then(|directory| directory.get(name));
        if let Some(existing) = existing {
            let is_same_directory = existing.is_directory() && member.mode & S_IFMT == S_IFDIR;
            set_attributes(&existing, member);
            return if is_same_directory {
                Ok(())
            } else {
                Err("a path appears twice")
            };
        }
        let node = self.node_of(member)?;
        attach(&parent, Name::Archive(name), node);
        Ok(())
    }

    /// The directory a path is in, made if the archive has not, and the last component.
    fn parent_of(&self, path: &'static [u8]) -> Result<(NodeRef, &'static [u8]), &'static str> {
        let mut current = self.root.clone();
        let mut components = path
            .split(|&byte| byte == b'/')
            .filter(|part| !part.is_empty());
        let mut name = components.next().ok_or("an empty path")?;
        for next in components {
            current = descend(&current, check(name)?)?;
            name = next;
        }
        current.directory().ok_or(THROUGH_FILE)?;
        Ok((current, check(name)?))
    }

    fn node_of(&mut self, member: &Member<'static>) -> Result<NodeRef, &'static str> {
        let is_hard_link = member.links > 1 && member.mode & S_IFMT == S_IFREG;
        if is_hard_link && let Some(node) = self.hard_links.get(&member.inode) {
            node.attributes.lock().links += 1;
            adopt_data(node, member.data);
            return Ok(node.clone());
        }
        let node = Node::new(kind_of(member)?, Attributes::new(member.mode & PERMISSIONS));
        set_attributes(&node, member);
        if is_hard_link {
            self.hard_links.insert(member.inode, node.clone());
        }
        Ok(node)
    }
}

/// Of hard links, the last has the data (cpio(5)).
fn adopt_data(node: &NodeRef, data: &'static [u8]) {
    if let Some(content) = node.content().filter(|_| !data.is_empty()) {
        content.adopt(data);
    }
}

fn check(name: &'static [u8]) -> Result<&'static [u8], &'static str> {
    match name {
        b"." | b".." => Err("a path contains . or .."),
        _ if name.len() > NAME_LIMIT => Err("a name is longer than 255 bytes"),
        _ => Ok(name),
    }
}

fn descend(current: &NodeRef, name: &'static [u8]) -> Result<NodeRef, &'static str> {
    let directory = current.directory().ok_or(THROUGH_FILE)?;
    if let Some(node) = directory.get(name) {
        return Ok(node);
    }
    let kind = Kind::Directory(Directory::new());
    let node = Node::new(kind, Attributes::new(IMPLIED_PERMISSIONS));
    attach(current, Name::Archive(name), node.clone());
    Ok(node)
}

fn kind_of(member: &Member<'static>) -> Result<Kind, &'static str> {
    let number = make_device(
        u64::from(member.device_major),
        u64::from(member.device_minor),
    );
    Ok(match member.mode & S_IFMT {
        S_IFDIR => Kind::Directory(Directory::new()),
        S_IFREG => Kind::Regular(Content::of_archive(member.data)),
        S_IFLNK => Kind::Symlink(Name::Archive(member.data)),
        S_IFIFO => Kind::Fifo(Pipe::new()),
        S_IFSOCK => Kind::Socket,
        mode @ (S_IFCHR | S_IFBLK) => special(mode, number),
        _ => return Err("an unknown file type"),
    })
}

/// A device node: driven, or only a name.
pub fn special(mode: u32, number: u64) -> Kind {
    let device = Device::with_number(number).filter(|_| mode & S_IFMT == S_IFCHR);
    match device {
        Some(device) => Kind::Device(device),
        None => Kind::NoDevice {
            mode: mode & S_IFMT,
            number,
        },
    }
}

fn set_attributes(node: &NodeRef, member: &Member) {
    let modified_ns = u64::from(member.modified_s) * NS_PER_S;
    let mut attributes = node.attributes.lock();
    attributes.permissions = member.mode & PERMISSIONS;
    attributes.uid = member.uid;
    attributes.gid = member.gid;
    attributes.accessed_ns = modified_ns;
    attributes.modified_ns = modified_ns;
    attributes.changed_ns = modified_ns;
    attributes.born_ns = modified_ns;
}

#[cfg(test)]
mod tests {
    use super::super::cpio::tests::append;
    use super::super::file::tests::Taken;
    use super::super::walk::{AtEnd, walk};
    use super::super::{File, IoRequest};
    use super::*;
    use alloc::vec::Vec;

    fn tree(members: &[(&str, u32, u32, &[u8])]) -> Result<NodeRef, ArchiveError> {
        let mut archive = Vec::new();
        for (name, mode, inode, data) in members {
            append(&mut archive, name, *mode, *inode, data);
        }
        append(&mut archive, "TRAILER!!!", 0, 0, b"");
        build(archive.leak())
    }

    fn read(root: &NodeRef, path: &[u8]) -> Vec<u8> {
        let node = walk(root, root, path, AtEnd::Follow)
            .unwrap()
            .existing()
            .unwrap();
        let mut taken = Taken::new(100);
        let request = IoRequest {
            offset: 0,
            is_append: false,
            is_nonblocking: false,
        };
        node.read(request, &mut taken).unwrap();
        taken.bytes
    }

    #[test]
    fn files_are_found_through_implied_directories() {
        let root = tree(&[("a/b/c", 0o100600, 1, b"deep"), ("a", 0o40700, 2, b"")]).unwrap();
        assert_eq!(read(&root, b"/a/b/c"), b"deep");
        let a = walk(&root, &root, b"/a", AtEnd::Follow)
            .unwrap()
            .existing()
            .unwrap();
        assert_eq!(a.status().unwrap().mode, 0o40700);
        assert_eq!(a.status().unwrap().links, 3);
    }

    #[test]
    fn hard_links_share_the_data_of_the_last() {
        let root = tree(&[("x", 0o100644, 2000, b""), ("y", 0o100644, 2000, b"data")]).unwrap();
        assert_eq!(read(&root, b"x"), b"data");
        let x = walk(&root, &root, b"x", AtEnd::Follow)
            .unwrap()
            .existing()
            .unwrap();
        assert_eq!(x.status().unwrap().links, 2);
    }

    #[test]
    fn archives_that_are_no_tree_are_refused() {
        let refused = |members| tree(members).map(|_| ()).unwrap_err().what;
        assert_eq!(
            refused(&[("../x", 0o100644, 1, b"")]),
            "a path contains . or .."
        );
        assert_eq!(
            refused(&[("x", 0o100644, 1, b""), ("x/y", 0o100644, 2, b"")]),
            "a path leads through a file"
        );
        assert_eq!(
            refused(&[("x", 0o100644, 1, b""), ("x", 0o100644, 2, b"")]),
            "a path appears twice"
        );
        assert_eq!(refused(&[("x", 0o150644, 1, b"")]), "an unknown file type");
    }
}
