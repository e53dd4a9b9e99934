//! Space in files: fallocate(2).

use super::descriptor::get;
use crate::errno::{EBADF, EFBIG, EINVAL, EISDIR, ENODEV, EOPNOTSUPP, ESPIPE, Errno, SysResult};
use crate::fs::OpenFile;
use crate::fs::content::{Content, SIZE_LIMIT};
use crate::fs::node::{S_IFDIR, S_IFIFO, S_IFMT, as_node};
use crate::fs::notify::{self, IN_MODIFY};
use crate::syscall;

// fallocate(2), linux/falloc.h; FALLOC_FL_UNSHARE_RANGE is unsupported where nothing is shared.
const FALLOC_FL_KEEP_SIZE: u32 = 0x01;
const FALLOC_FL_PUNCH_HOLE: u32 = 0x02;
const FALLOC_FL_COLLAPSE_RANGE: u32 = 0x08;
const FALLOC_FL_ZERO_RANGE: u32 = 0x10;
const FALLOC_FL_INSERT_RANGE: u32 = 0x20;
const HOLE: u32 = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

fn allocate(open: &OpenFile, mode: u32, offset: i64, length: i64) -> SysResult {
    if offset < 0 || length <= 0 {
        return Err(EINVAL);
    }
    check_mode(mode)?;
    if !open.may_write() {
        return Err(EBADF);
    }
    let node = as_node(&open.file);
    let content = node.and_then(|node| node.content());
    let (Some(node), Some(content)) = (node, content) else {
        return Err(why_not(open));
    };
    let (offset, length) = (offset as u64, length as u64);
    let end = offset + length; // both fit in 63 bits
    if end > SIZE_LIMIT {
        return Err(EFBIG);
    }
    apply(content, mode, offset, end)?;
    node.touch_written();
    notify::happened(node, IN_MODIFY);
    Ok(0)
}

/// One thing at a time, and only with the flags that go with it.
fn check_mode(mode: u32) -> Result<(), Errno> {
    match mode & !FALLOC_FL_KEEP_SIZE {
        0 | FALLOC_FL_ZERO_RANGE => Ok(()),
        FALLOC_FL_PUNCH_HOLE if mode == HOLE => Ok(()),
        FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE if mode & FALLOC_FL_KEEP_SIZE == 0 => {
            Ok(())
        }
        _ => Err(EOPNOTSUPP),
    }
}

fn why_not(open: &OpenFile) -> Errno {
    match open.file.status().map_or(0, |status| status.mode & S_IFMT) {
        S_IFIFO => ESPIPE,
        S_IFDIR => EISDIR,
        _ => ENODEV,
    }
}

fn apply(content: &Content, mode: u32, offset: u64, end: u64) -> Result<(), Errno> {
    match mode & !FALLOC_FL_KEEP_SIZE {
        FALLOC_FL_COLLAPSE_RANGE => return content.collapse(offset, end - offset),
        FALLOC_FL_INSERT_RANGE => return content.insert(offset, end - offset),
        0 => content.set_aside(offset, end)?,
        _ => content.zero(offset, end)?,
    }
    if mode & FALLOC_FL_KEEP_SIZE == 0 && end > content.size() {
        content.truncate(end)?;
    }
    Ok(())
}

syscall! {
    fn sys_fallocate(fd: i32, mode: u32, offset: i64, length: i64) {
        allocate(&*get(fd)?, mode, offset, length)
    }
}
