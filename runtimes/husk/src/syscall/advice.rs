//! madvise(2), mincore(2). Advice that only concerns speed is taken as given.

use super::memory::{check_aligned, check_mapped, whole_pages};
use crate::errno::{EFAULT, EINVAL, ENOMEM, Errno};
use crate::fs::node::as_node;
use crate::mm::space::{Access, AddressSpace, Backing, Fault, Mapping, Marks};
use crate::mm::{PAGE_SIZE, user};
use crate::process::current;
use crate::syscall;

// MADV_*, asm-generic/mman-common.h
const NORMAL: i32 = 0;
const DONTNEED: i32 = 4;
const FREE: i32 = 8;
const REMOVE: i32 = 9;
const DONTFORK: i32 = 10;
const DOFORK: i32 = 11;
const WIPEONFORK: i32 = 18;
const KEEPONFORK: i32 = 19;
const POPULATE_READ: i32 = 22;
const POPULATE_WRITE: i32 = 23;
const DONTNEED_LOCKED: i32 = 24;
const COLLAPSE: i32 = 25;

syscall! {
    fn sys_madvise(address: usize, length: usize, advice: i32) {
        let is_known = matches!(advice, NORMAL..=DONTNEED | FREE..=COLLAPSE);
        if !is_known {
            return Err(EINVAL);
        }
        check_aligned(address)?;
        let size_bytes = whole_pages(length).map_err(|_| EINVAL)?;
        address.checked_add(size_bytes).ok_or(EINVAL)?;
        if size_bytes > 0 {
            advise(&current().process.space(), (address, size_bytes), advice)?;
        }
        Ok(0)
    }

    /// mincore(2): pages that are here.
    fn sys_mincore(address: usize, length: usize, vector: usize) {
        check_aligned(address)?;
        let size_bytes = whole_pages(length)?;
        let space = current().process.space();
        for index in 0..size_bytes / PAGE_SIZE {
            let is_here = space.is_resident(address, size_bytes, index)?;
            user::write(vector.wrapping_add(index), u8::from(is_here))?;
        }
        Ok(0)
    }
}

fn advise(space: &AddressSpace, (start, size): (usize, usize), advice: i32) -> Result<(), Errno> {
    let none = Marks::empty();
    let is_anonymous = |m: &Mapping| matches!(m.backing, Backing::Anonymous);
    let is_unlocked = |m: &Mapping| !m.marks.contains(Marks::LOCKED);
    let is_allowed = match advice {
        FREE | WIPEONFORK => space.all_in(start, size, is_anonymous),
        DONTNEED | REMOVE => space.all_in(start, size, is_unlocked),
        _ => true,
    };
    if !is_allowed {
        return Err(EINVAL);
    }
    match advice {
        DONTNEED | FREE | DONTNEED_LOCKED => space.discard(start, size),
        REMOVE => remove(space, start, size),
        DONTFORK => space.mark(start, size, (Marks::DONT_FORK, none)),
        DOFORK => space.mark(start, size, (none, Marks::DONT_FORK)),
        WIPEONFORK => space.mark(start, size, (Marks::WIPE_ON_FORK, none)),
        KEEPONFORK => space.mark(start, size, (none, Marks::WIPE_ON_FORK)),
        POPULATE_READ => space.populate(start, size, Access::Read).map_err(refusal),
        POPULATE_WRITE => space.populate(start, size, Access::Write).map_err(refusal),
        _ => check_mapped(start, size).map(|_| ()),
    }
}

/// MADV_POPULATE_READ and MADV_POPULATE_WRITE.
fn refusal(fault: Fault) -> Errno {
    match fault {
        Fault::Unmapped | Fault::OutOfMemory => ENOMEM,
        Fault::Forbidden => EINVAL,
        Fault::PastEnd => EFAULT,
    }
}

/// MADV_REMOVE: a hole in the files behind shared mappings. What shows their pages here lets go of
/// them first, so that they are given back.
fn remove(space: &AddressSpace, start: usize, size_bytes: usize) -> Result<(), Errno> {
    let files = space.shared_files(start, size_bytes)?;
    space.discard(start, size_bytes)?;
    for shown in files {
        let content = as_node(&shown.file).and_then(|node| node.content());
        let end = shown.offset.saturating_add(shown.size_bytes);
        content.ok_or(EINVAL)?.zero(shown.offset, end)?;
    }
    Ok(())
}
