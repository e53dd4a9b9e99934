//! Watching files: inotify_init(2), inotify_add_watch(2), inotify_rm_watch(2).

use super::descriptor::{get, table};
use super::path::{AT_FDCWD, find, only, read};
use crate::errno::{EINVAL, ENOTDIR, Errno, SysResult};
use crate::fs::inotify::{IN_ALL_EVENTS, IN_MASK_ADD, IN_MASK_CREATE, Inotify};
use crate::fs::notify::{IN_EXCL_UNLINK, IN_ISDIR};
use crate::fs::open::{O_CLOEXEC, O_NONBLOCK};
use crate::fs::walk::AtEnd;
use crate::fs::{OpenFile, permission};
use crate::syscall;

const IN_ONLYDIR: u32 = 0x100_0000;
const IN_DONT_FOLLOW: u32 = 0x200_0000;
const IN_ONESHOT: u32 = 0x8000_0000;
/// Bits a mask must have one of (Linux include/linux/inotify.h, ALL_INOTIFY_BITS); 0xe000 are
/// events that are told whether asked for or not.
const KNOWN: u32 = IN_ALL_EVENTS
    | 0xe000
    | IN_ONLYDIR
    | IN_DONT_FOLLOW
    | IN_EXCL_UNLINK
    | IN_MASK_CREATE
    | IN_MASK_ADD
    | IN_ISDIR
    | IN_ONESHOT;

fn instance(open: &OpenFile) -> Result<&Inotify, Errno> {
    open.file.as_any().downcast_ref().ok_or(EINVAL)
}

fn create(flags: u32) -> SysResult {
    only(flags, O_CLOEXEC | O_NONBLOCK)?;
    Ok(table().install(Inotify::new()?, flags)? as usize)
}

fn add(fd: i32, path: usize, mask: u32) -> SysResult {
    if mask & KNOWN == 0 {
        return Err(EINVAL);
    }
    let open = get(fd)?;
    if mask & IN_MASK_ADD != 0 && mask & IN_MASK_CREATE != 0 {
        return Err(EINVAL);
    }
    let instance = instance(&open)?;
    let at_end = match mask & IN_DONT_FOLLOW {
        0 => AtEnd::Follow,
        _ => AtEnd::Stay,
    };
    let node = find(AT_FDCWD, &read(path)?, at_end)?;
    if mask & IN_ONLYDIR != 0 && !node.is_directory() {
        return Err(ENOTDIR);
    }
    permission::check(&node, permission::READ)?;
    Ok(instance.add(node.number, mask)? as usize)
}

syscall! {
    fn sys_inotify_init() {
        create(0)
    }

    fn sys_inotify_init1(flags: u32) {
        create(flags)
    }

    fn sys_inotify_add_watch(fd: i32, path: usize, mask: u32) {
        add(fd, path, mask)
    }

    fn sys_inotify_rm_watch(fd: i32, watch: i32) {
        let open = get(fd)?;
        instance(&open)?.remove(watch).map(|()| 0)
    }
}
