//! The mmap family and brk(2). Here arguments become types; `mm::space` acts.
//!
//! Locking (mlock(2)) does nothing, truthfully: there is no swap, and a page once touched stays.

use crate::errno::{
    EACCES, EBADF, EINVAL, ENODEV, ENOMEM, EOPNOTSUPP, EOVERFLOW, EPERM, Errno, SysResult,
};
use crate::fs::device::Device;
use crate::fs::node::{Kind, as_node};
use crate::fs::{FileRef, seal, shared_memory};
use crate::mm::space::{Access, Backing, Placement, Protection, Request, check_commit};
use crate::mm::{PAGE_SIZE, USER_END, user};
use crate::process::current;
use crate::syscall;

use bitflags::bitflags;

bitflags! {
    /// MAP_* of mmap(2).
    #[derive(Clone, Copy, PartialEq, Eq)]
    struct MapFlags: u32 {
        const SHARED = 0x01;
        const PRIVATE = 0x02;
        const FIXED = 0x10;
        const ANONYMOUS = 0x20;
        const GROWSDOWN = 0x100;
        const LOCKED = 0x2000;
        const NORESERVE = 0x4000;
        const POPULATE = 0x8000;
        const SYNC = 0x80000;
        const FIXED_NOREPLACE = 0x10_0000;
    }
}

/// Low bits of the flags: the type of mapping, one of three values.
const MAP_TYPE: u32 = 0xf;
const MAP_SHARED_VALIDATE: u32 = 0x3;

/// PROT_GROWSDOWN and PROT_GROWSUP are for mprotect(2) on stacks; PROT_SEM means nothing on x86.
const PROT_SEM: u32 = 0x8;
const PROT_GROWSDOWN: u32 = 0x0100_0000;

fn protection_of(bits: u32) -> Result<Protection, Errno> {
    Protection::from_bits(bits & !PROT_SEM).ok_or(EINVAL)
}

/// A length rounded up to whole pages; ENOMEM when that is more than there are addresses.
fn whole_pages(length: usize) -> SysResult {
    let rounded = length.checked_next_multiple_of(PAGE_SIZE).ok_or(ENOMEM)?;
    (rounded <= USER_END).then_some(rounded).ok_or(ENOMEM)
}

fn check_aligned(address: usize) -> Result<(), Errno> {
    address
        .is_multiple_of(PAGE_SIZE)
        .then_some(())
        .ok_or(EINVAL)
}

/// What the descriptor of a mapping allows: the file, and whether it is open for writing.
fn file_for(fd: i32, is_shared: bool, protection: Protection) -> Result<(FileRef, bool), Errno> {
    const O_ACCMODE: u32 = 3;
    const O_RDONLY: u32 = 0;
    const O_WRONLY: u32 = 1;
    let open = current().process.files().get(fd).map_err(|_| EBADF)?;
    let mode = *open.flags.lock() & O_ACCMODE;
    if mode == O_WRONLY || (is_shared && protection.contains(Protection::WRITE) && mode == O_RDONLY)
    {
        return Err(EACCES);
    }
    Ok((open.file.clone(), mode != O_RDONLY))
}

fn placement_of(flags: MapFlags, address: usize) -> Placement {
    if flags.contains(MapFlags::FIXED_NOREPLACE) {
        return Placement::FixedIfFree(address);
    }
    if flags.contains(MapFlags::FIXED) {
        return Placement::Fixed(address);
    }
    Placement::Hint(address)
}

fn request_of(
    (address, size_bytes): (usize, usize),
    protection: Protection,
    flags: u32,
    (fd, offset): (i32, u64),
) -> Result<Request, Errno> {
    let is_shared = match flags & MAP_TYPE {
        1 | MAP_SHARED_VALIDATE => true,
        2 => false,
        _ => return Err(EINVAL),
    };
    if flags & MAP_TYPE == MAP_SHARED_VALIDATE && MapFlags::from_bits(flags & !MAP_TYPE).is_none() {
        return Err(EOPNOTSUPP);
    }
    let flags = MapFlags::from_bits_truncate(flags);
    let mut request = Request {
        protection,
        is_shared,
        grows_down: flags.contains(MapFlags::GROWSDOWN),
        ..Request::anonymous(placement_of(flags, address), size_bytes)
    };
    if flags.contains(MapFlags::ANONYMOUS) {
        let is_charged =
            protection.contains(Protection::WRITE) && !flags.contains(MapFlags::NORESERVE);
        if is_charged {
            check_commit(size_bytes)?;
        }
        return if is_shared {
            share_zeros(request)
        } else {
            Ok(request)
        };
    }
    offset.checked_add(size_bytes as u64).ok_or(EOVERFLOW)?;
    let (file, is_open_for_writing) = file_for(fd, is_shared, protection)?;
    probe(&file)?;
    if is_shared && is_zero_device(&file) {
        return share_zeros(request);
    }
    request.may_write = is_shared && is_open_for_writing && seal::allows_shared_writing(&file);
    if is_shared && protection.contains(Protection::WRITE) && !request.may_write {
        return Err(EPERM);
    }
    request.backing = Backing::File { file, offset };
    Ok(request)
}

/// Zeros that are shared are a file, so that everything that holds for one holds for them.
fn share_zeros(mut request: Request) -> Result<Request, Errno> {
    let file = shared_memory::zeros(request.size_bytes)?;
    request.may_write = true;
    request.backing = Backing::File { file, offset: 0 };
    Ok(request)
}

/// Mapping it shared is one way more to ask for MAP_ANONYMOUS (zero(4)).
fn is_zero_device(file: &FileRef) -> bool {
    as_node(file).is_some_and(|node| matches!(node.kind, Kind::Device(Device::Zero)))
}

/// ENODEV at once for files that have no pages, rather than a SIGBUS later.
fn probe(file: &FileRef) -> Result<(), Errno> {
    match file.page(0, false) {
        Err(ENODEV) => Err(ENODEV),
        _ => Ok(()),
    }
}

syscall! {
    /// mmap(2).
    fn sys_mmap(address: usize, length: usize, prot: u32, flags: u32, fd: i32, offset: u64) {
        if length == 0 || !offset.is_multiple_of(PAGE_SIZE as u64) {
            return Err(EINVAL);
        }
        let protection = protection_of(prot)?;
        let size_bytes = whole_pages(length)?;
        let request = request_of((address, size_bytes), protection, flags, (fd, offset))?;
        let space = current().process.space();
        let start = space.map(request)?;
        let flags = MapFlags::from_bits_truncate(flags);
        if flags.intersects(MapFlags::POPULATE | MapFlags::LOCKED) && !protection.is_empty() {
            let is_writable = protection.contains(Protection::WRITE);
            let access = if is_writable { Access::Write } else { Access::Read };
            space.populate(start, size_bytes, access);
        }
        Ok(start)
    }

    /// munmap(2).
    fn sys_munmap(address: usize, length: usize) {
        check_aligned(address)?;
        if length == 0 {
            return Err(EINVAL);
        }
        let size_bytes = whole_pages(length).map_err(|_| EINVAL)?;
        current().process.space().unmap(address, size_bytes)?;
        Ok(0)
    }

    /// mprotect(2).
    fn sys_mprotect(address: usize, length: usize, prot: u32) {
        check_aligned(address)?;
        let protection = protection_of(prot & !PROT_GROWSDOWN)?;
        let size_bytes = whole_pages(length)?;
        if size_bytes > 0 {
            current().process.space().protect(address, size_bytes, protection)?;
        }
        Ok(0)
    }

    /// mremap(2).
    fn sys_mremap(address: usize, old_length: usize, new_length: usize, flags: u32, target: usize) {
        const MAYMOVE: u32 = 1;
        const FIXED: u32 = 2;
        check_aligned(address)?;
        let is_fixed = flags & FIXED != 0;
        let is_valid = flags & !(MAYMOVE | FIXED) == 0 && (!is_fixed || flags & MAYMOVE != 0);
        if !is_valid || new_length == 0 {
            return Err(EINVAL);
        }
        if is_fixed {
            check_aligned(target)?;
        }
        let sizes = (whole_pages(old_length)?, whole_pages(new_length)?);
        check_commit(sizes.1.saturating_sub(sizes.0))?;
        let target = is_fixed.then_some(target);
        current().process.space().remap(address, sizes, flags & MAYMOVE != 0, target)
    }

    /// brk(2): the end of the heap, changed or not.
    fn sys_brk(wanted: usize) {
        Ok(current().process.space().set_heap_end(wanted))
    }

    /// madvise(2). Advice that only concerns speed is taken as given.
    fn sys_madvise(address: usize, length: usize, advice: i32) {
        const NORMAL: i32 = 0;
        const WILLNEED: i32 = 3;
        const DONTNEED: i32 = 4;
        const FREE: i32 = 8;
        const HUGEPAGE: i32 = 14;
        const DODUMP: i32 = 17;
        const WIPEONFORK: i32 = 18;
        const COLD: i32 = 20;
        const POPULATE_READ: i32 = 22;
        const POPULATE_WRITE: i32 = 23;
        const COLLAPSE: i32 = 25;
        check_aligned(address)?;
        let size_bytes = whole_pages(length).map_err(|_| EINVAL)?;
        address.checked_add(size_bytes).ok_or(EINVAL)?;
        let space = current().process.space();
        match advice {
            FREE if !space.is_private_memory(address, size_bytes) => return Err(EINVAL),
            DONTNEED | FREE if size_bytes > 0 => space.discard(address, size_bytes)?,
            POPULATE_READ => space.populate(address, size_bytes, Access::Read),
            POPULATE_WRITE => space.populate(address, size_bytes, Access::Write),
            NORMAL..=WILLNEED | DONTNEED | FREE | HUGEPAGE..=DODUMP | COLD..=21 => {}
            9 => return Err(EPERM), // MADV_REMOVE: no file system here punches holes this way
            WIPEONFORK..=19 | 10..=13 | COLLAPSE | 24 => {}
            _ => return Err(EINVAL),
        }
        Ok(0)
    }

    /// msync(2): files live in memory, a shared mapping is the file.
    fn sys_msync(address: usize, length: usize, flags: u32) {
        const ASYNC: u32 = 1;
        const SYNC: u32 = 4;
        check_aligned(address)?;
        let is_contradiction = flags & ASYNC != 0 && flags & SYNC != 0;
        if flags > 7 || is_contradiction {
            return Err(EINVAL);
        }
        check_mapped(address, length)
    }

    /// mincore(2): pages that are here.
    fn sys_mincore(address: usize, length: usize, vector: usize) {
        check_aligned(address)?;
        let size_bytes = whole_pages(length)?;
        for index in 0..size_bytes / PAGE_SIZE {
            let is_here = current().process.space().is_resident(address, size_bytes, index)?;
            user::write(vector.wrapping_add(index), u8::from(is_here))?;
        }
        Ok(0)
    }

    /// mlock(2): ENOMEM for what is not mapped.
    fn sys_mlock(address: usize, length: usize) {
        lock_pages(address, length)
    }

    /// mlock2(2): MLOCK_ONFAULT is what happens anyway.
    fn sys_mlock2(address: usize, length: usize, flags: u32) {
        const ONFAULT: u32 = 1;
        match flags {
            0 => lock_pages(address, length),
            ONFAULT => check_mapped(address & !(PAGE_SIZE - 1), length),
            _ => Err(EINVAL),
        }
    }

    /// munlock(2).
    fn sys_munlock(address: usize, length: usize) {
        check_mapped(address & !(PAGE_SIZE - 1), length)
    }

    /// mlockall(2): nothing is ever swapped.
    fn sys_mlockall(flags: u32) {
        (1..=7).contains(&flags).then_some(0).ok_or(EINVAL)
    }

    /// munlockall(2).
    fn sys_munlockall() {
        Ok(0)
    }
}

/// Brings a range in, which is all that locking does here.
fn lock_pages(address: usize, length: usize) -> SysResult {
    let start = address & !(PAGE_SIZE - 1);
    let length = length.checked_add(address - start).ok_or(EINVAL)?;
    check_mapped(start, length)?;
    current()
        .process
        .space()
        .populate(start, whole_pages(length)?, Access::Read);
    Ok(0)
}

fn check_mapped(start: usize, length: usize) -> SysResult {
    let size_bytes = whole_pages(length)?;
    let is_mapped = current().process.space().covers(start, size_bytes);
    is_mapped.then_some(0).ok_or(ENOMEM)
}
