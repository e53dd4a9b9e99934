//! Extended attributes: setxattr(2), getxattr(2), listxattr(2), removexattr(2) and their forms.

use alloc::vec::Vec;

use super::descriptor::get;
use super::path::{AT_FDCWD, find, only, read};
use crate::errno::{E2BIG, ENAMETOOLONG, EOPNOTSUPP, ERANGE, Errno, SysResult};
use crate::fs::node::{NodeRef, node_of};
use crate::fs::walk::AtEnd;
use crate::fs::xattr::{self, XATTR_CREATE, XATTR_REPLACE};
use crate::mm::heap;
use crate::mm::user;
use crate::syscall;

/// XATTR_NAME_MAX and XATTR_SIZE_MAX (linux/limits.h).
const NAME_LIMIT: usize = 255;
const SIZE_LIMIT: usize = 65_536;

fn at(path: usize, at_end: AtEnd) -> Result<NodeRef, Errno> {
    find(AT_FDCWD, &read(path)?, at_end)
}

fn of(fd: i32) -> Result<NodeRef, Errno> {
    node_of(&get(fd)?.file).ok_or(EOPNOTSUPP)
}

fn name_at(address: usize) -> Result<Vec<u8>, Errno> {
    let name = user::read_string(address, NAME_LIMIT).map_err(|error| match error {
        ENAMETOOLONG => ERANGE,
        other => other,
    })?;
    if name.is_empty() {
        Err(ERANGE)
    } else {
        Ok(name)
    }
}

/// What is to be set; read before the file is looked for, as Linux does.
struct Setting {
    name: Vec<u8>,
    value: Vec<u8>,
    flags: u32,
}

impl Setting {
    fn read(name: usize, value: usize, size: usize, flags: u32) -> Result<Setting, Errno> {
        only(flags, XATTR_CREATE | XATTR_REPLACE)?;
        let name = name_at(name)?;
        if size > SIZE_LIMIT {
            return Err(E2BIG);
        }
        let mut bytes = heap::zeros(size)?;
        user::read_bytes(value, &mut bytes)?;
        Ok(Setting {
            name,
            value: bytes,
            flags,
        })
    }

    fn apply(self, node: Result<NodeRef, Errno>) -> SysResult {
        xattr::set(&node?, self.name, self.value, self.flags).map(|()| 0)
    }
}

/// Gives bytes to a buffer; only their number for a buffer of no bytes.
fn give(bytes: &[u8], buffer: usize, size: usize) -> SysResult {
    if size > 0 {
        if bytes.len() > size {
            return Err(ERANGE);
        }
        user::write_bytes(buffer, bytes)?;
    }
    Ok(bytes.len())
}

fn tell(node: Result<NodeRef, Errno>, name: usize, buffer: usize, size: usize) -> SysResult {
    let name = name_at(name)?;
    give(&xattr::get(&node?, &name)?, buffer, size)
}

fn list(node: Result<NodeRef, Errno>, buffer: usize, size: usize) -> SysResult {
    give(&xattr::list(&node?)?, buffer, size)
}

fn remove(node: Result<NodeRef, Errno>, name: usize) -> SysResult {
    let name = name_at(name)?;
    xattr::remove(&node?, &name).map(|()| 0)
}

syscall! {
    fn sys_setxattr(path: usize, name: usize, value: usize, size: usize, flags: u32) {
        Setting::read(name, value, size, flags)?.apply(at(path, AtEnd::Follow))
    }

    fn sys_lsetxattr(path: usize, name: usize, value: usize, size: usize, flags: u32) {
        Setting::read(name, value, size, flags)?.apply(at(path, AtEnd::Stay))
    }

    fn sys_fsetxattr(fd: i32, name: usize, value: usize, size: usize, flags: u32) {
        Setting::read(name, value, size, flags)?.apply(of(fd))
    }

    fn sys_getxattr(path: usize, name: usize, buffer: usize, size: usize) {
        tell(at(path, AtEnd::Follow), name, buffer, size)
    }

    fn sys_lgetxattr(path: usize, name: usize, buffer: usize, size: usize) {
        tell(at(path, AtEnd::Stay), name, buffer, size)
    }

    fn sys_fgetxattr(fd: i32, name: usize, buffer: usize, size: usize) {
        tell(of(fd), name, buffer, size)
    }

    fn sys_listxattr(path: usize, buffer: usize, size: usize) {
        list(at(path, AtEnd::Follow), buffer, size)
    }

    fn sys_llistxattr(path: usize, buffer: usize, size: usize) {
        list(at(path, AtEnd::Stay), buffer, size)
    }

    fn sys_flistxattr(fd: i32, buffer: usize, size: usize) {
        list(of(fd), buffer, size)
    }

    fn sys_removexattr(path: usize, name: usize) {
        remove(at(path, AtEnd::Follow), name)
    }

    fn sys_lremovexattr(path: usize, name: usize) {
        remove(at(path, AtEnd::Stay), name)
    }

    fn sys_fremovexattr(fd: i32, name: usize) {
        remove(of(fd), name)
    }
}
