//! Listing directories: getdents64(2).

use super::descriptor::get;
use crate::errno::{EINVAL, ENOTDIR, Errno, SysResult};
use crate::fs::directory::Directory;
use crate::fs::node::{NodeRef, node_of};
use crate::fs::open::is_gone;
use crate::fs::walk::NAME_LIMIT;
use crate::fs::{OpenFile, notify};
use crate::mm::user;
use crate::syscall;

/// `struct linux_dirent64` without the name: inode, offset, length, type.
const HEADER_BYTES: usize = 19;
const ENTRY_LIMIT: usize = (HEADER_BYTES + NAME_LIMIT + 1).next_multiple_of(8);

/// What is written for one name.
struct Entry<'a> {
    inode: u64,
    /// Where reading goes on after this entry.
    cookie: u64,
    file_type: u32,
    name: &'a [u8],
}

impl Entry<'_> {
    fn size(&self) -> usize {
        (HEADER_BYTES + self.name.len() + 1).next_multiple_of(8)
    }

    fn write(&self, address: usize) -> Result<(), Errno> {
        let mut bytes = [0; ENTRY_LIMIT];
        let size = self.size();
        let kind = (self.file_type >> 12) as u8; // DT_* are S_IFMT's bits (readdir(3))
        let fields = self
            .inode
            .to_ne_bytes()
            .into_iter()
            .chain(self.cookie.to_ne_bytes())
            .chain((size as u16).to_ne_bytes())
            .chain([kind])
            .chain(self.name.iter().copied());
        bytes
            .iter_mut()
            .zip(fields)
            .for_each(|(to, from)| *to = from);
        user::write_bytes(address, bytes.get(..size).ok_or(EINVAL)?)
    }
}

/// The output buffer.
struct Buffer {
    address: usize,
    size_bytes: usize,
    used: usize,
}

impl Buffer {
    /// False when the entry does not fit any more.
    fn push(&mut self, entry: &Entry) -> Result<bool, Errno> {
        if self.used + entry.size() > self.size_bytes {
            return Ok(false);
        }
        entry.write(self.address + self.used)?;
        self.used += entry.size();
        Ok(true)
    }
}

fn list(open: &OpenFile, buffer: &mut Buffer) -> SysResult {
    let node = node_of(&open.file).ok_or(ENOTDIR)?;
    let directory = node.directory().ok_or(ENOTDIR)?;
    is_gone(&node)?;
    let start = *open.offset.lock();
    let (cookie, is_full) = fill(&node, directory, start, buffer)?;
    if buffer.used == 0 && is_full {
        return Err(EINVAL); // not even one entry fits
    }
    *open.offset.lock() = cookie;
    notify::happened(&node, notify::IN_ACCESS);
    Ok(buffer.used)
}

/// Gives the cookie reached, and whether the buffer ran out before the directory did.
fn fill(
    node: &NodeRef,
    directory: &Directory,
    start: u64,
    buffer: &mut Buffer,
) -> Result<(u64, bool), Errno> {
    let mut cookie = start;
    let dots: [(&[u8], NodeRef); 2] = [(b".", node.clone()), (b"..", node.parent())];
    for (at, (name, target)) in (1u64..).zip(dots).filter(|(at, _)| *at > start) {
        let entry = Entry {
            inode: target.number,
            cookie: at,
            file_type: target.file_type(),
            name,
        };
        if !buffer.push(&entry)? {
            return Ok((cookie, true));
        }
        cookie = at;
    }
    while let Some(next) = directory.after(cookie) {
        let entry = Entry {
            inode: next.node.number,
            cookie: next.cookie,
            file_type: next.node.file_type(),
            name: &next.name,
        };
        if !buffer.push(&entry)? {
            return Ok((cookie, true));
        }
        cookie = next.cookie;
    }
    Ok((cookie, false))
}

syscall! {
    fn sys_getdents64(fd: i32, address: usize, size: u32) {
        let mut buffer = Buffer { address, size_bytes: size as usize, used: 0 };
        list(&*get(fd)?, &mut buffer)
    }
}
