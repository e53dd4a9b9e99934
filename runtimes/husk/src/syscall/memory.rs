//! The mmap family and brk(2). Here arguments become types; `mm::space` acts.

use super::descriptor::get;
use super::memory_lock;
use crate::errno::{
    EACCES, EAGAIN, EBUSY, EINVAL, ENODEV, ENOMEM, EOPNOTSUPP, EOVERFLOW, EPERM, Errno, SysResult,
};
use crate::fs::device::Device;
use crate::fs::node::{Kind, as_node};
use crate::fs::{FileRef, seal, shared_memory};
use crate::mm::space::{
    Access, AddressSpace, Backing, Marks, Placement, Protection, Remap, Request, check_commit,
};
use crate::mm::{PAGE_SIZE, USER_END};
use crate::process::current;
use crate::process::limits::{RLIM_INFINITY, RLIMIT_AS, RLIMIT_DATA};
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
        const HUGETLB = 0x40000;
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

/// A length rounded up to whole pages; ENOMEM when that is more than there are addresses.
pub fn whole_pages(length: usize) -> SysResult {
    let rounded = length.checked_next_multiple_of(PAGE_SIZE).ok_or(ENOMEM)?;
    (rounded <= USER_END).then_some(rounded).ok_or(ENOMEM)
}

pub fn check_aligned(address: usize) -> Result<(), Errno> {
    address
        .is_multiple_of(PAGE_SIZE)
        .then_some(())
        .ok_or(EINVAL)
}

/// What the descriptor of a mapping allows: the file, and whether it is open for writing.
fn file_for(fd: i32, is_shared: bool, protection: Protection) -> Result<(FileRef, bool), Errno> {
    let open = get(fd)?;
    let (may_read, may_write) = (open.may_read(), open.may_write());
    let is_written = is_shared && protection.contains(Protection::WRITE);
    if !may_read || is_written && !may_write {
        return Err(EACCES);
    }
    Ok((open.file.clone(), may_write))
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
    if flags.contains(MapFlags::HUGETLB) {
        return Err(ENOMEM); // none are set aside
    }
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

/// ENOMEM when a mapping would be beyond RLIMIT_AS or RLIMIT_DATA, what it replaces not counted.
fn check_room(space: &AddressSpace, request: &Request) -> Result<(), Errno> {
    let replaced = match request.placement {
        Placement::Fixed(start) => space.marked_bytes(start, request.size_bytes, Marks::empty()),
        _ => 0,
    };
    let is_data = request.protection.contains(Protection::WRITE) && !request.is_shared;
    let more = request.size_bytes.saturating_sub(replaced);
    check_limits(space, more, is_data)
}

/// ENOMEM when `more` bytes would be beyond RLIMIT_AS or, as private and writable, RLIMIT_DATA.
fn check_limits(space: &AddressSpace, more: usize, is_data: bool) -> Result<(), Errno> {
    let [data, all] = {
        let limits = current().process.limits.lock();
        [RLIMIT_DATA, RLIMIT_AS].map(|which| limits.soft.get(which).copied())
    };
    if [data, all] == [Some(RLIM_INFINITY); 2] || more == 0 {
        return Ok(());
    }
    let usage = space.usage();
    let is_within = |limit: Option<u64>, pages: usize| {
        let bytes = (pages * PAGE_SIZE).saturating_add(more);
        limit.is_none_or(|limit| bytes as u64 <= limit)
    };
    let fits = is_within(all, usage.mapped) && (!is_data || is_within(data, usage.data));
    fits.then_some(()).ok_or(ENOMEM)
}

syscall! {
    /// mmap(2).
    fn sys_mmap(address: usize, length: usize, prot: u32, flags: u32, fd: i32, offset: u64) {
        if !offset.is_multiple_of(PAGE_SIZE as u64) {
            return Err(EINVAL);
        }
        if !MapFlags::from_bits_truncate(flags).contains(MapFlags::ANONYMOUS) {
            get(fd)?;
        }
        if length == 0 {
            return Err(EINVAL);
        }
        let protection = Protection::from_bits_truncate(prot); // unlike mprotect(2)
        let size_bytes = whole_pages(length)?;
        let request = request_of((address, size_bytes), protection, flags, (fd, offset))?;
        let space = current().process.space();
        check_room(&space, &request)?;
        let flags = MapFlags::from_bits_truncate(flags);
        let is_locked = flags.contains(MapFlags::LOCKED);
        if is_locked {
            memory_lock::check(&space, size_bytes).map_err(|error| match error {
                ENOMEM => EAGAIN,
                other => other,
            })?;
        }
        let start = space.map(request)?;
        if is_locked {
            space.mark(start, size_bytes, (Marks::LOCKED, Marks::empty()))?;
        }
        if is_locked || flags.contains(MapFlags::POPULATE) {
            let is_writable = protection.contains(Protection::WRITE);
            let access = if is_writable { Access::Write } else { Access::Read };
            let _ = space.populate(start, size_bytes, access); // as far as memory lasts
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
        let protection = Protection::from_bits(prot & !(PROT_GROWSDOWN | PROT_SEM)).ok_or(EINVAL)?;
        let size_bytes = whole_pages(length)?;
        if size_bytes > 0 {
            let space = current().process.space();
            if protection.contains(Protection::WRITE) {
                check_limits(&space, space.readable_bytes(address, size_bytes), true)?;
            }
            space.protect(address, size_bytes, protection)?;
        }
        Ok(0)
    }

    /// mremap(2).
    fn sys_mremap(address: usize, old_length: usize, new_length: usize, flags: u32, target: usize) {
        const MAYMOVE: u32 = 1;
        const FIXED: u32 = 2;
        const DONTUNMAP: u32 = 4;
        check_aligned(address)?;
        let (old_size, new_size) = (whole_pages(old_length)?, whole_pages(new_length)?);
        let has = |flag| flags & flag != 0;
        let needs_to_move = has(FIXED) || has(DONTUNMAP);
        let is_valid = flags & !(MAYMOVE | FIXED | DONTUNMAP) == 0
            && (!needs_to_move || has(MAYMOVE))
            && (!has(DONTUNMAP) || old_size == new_size);
        if !is_valid || new_size == 0 {
            return Err(EINVAL);
        }
        if needs_to_move {
            check_aligned(target)?;
        }
        let place = if has(FIXED) { Placement::Fixed } else { Placement::Hint };
        let more = if has(DONTUNMAP) { new_size } else { new_size.saturating_sub(old_size) };
        let space = current().process.space();
        check_commit(more)?;
        check_limits(&space, more, false)?;
        space.remap(Remap {
            start: address,
            old_size,
            new_size,
            may_move: has(MAYMOVE),
            target: needs_to_move.then(|| place(target)),
            leaves_mapping: has(DONTUNMAP),
        })
    }

    /// brk(2): the end of the heap, changed or not.
    fn sys_brk(wanted: usize) {
        let space = current().process.space();
        let end = space.set_heap_end(0);
        let more = wanted.saturating_sub(end);
        if check_limits(&space, more, true).is_err() {
            return Ok(end);
        }
        Ok(space.set_heap_end(wanted))
    }

    /// msync(2): files live in memory, a shared mapping is the file.
    fn sys_msync(address: usize, length: usize, flags: u32) {
        const ASYNC: u32 = 1;
        const INVALIDATE: u32 = 2;
        const SYNC: u32 = 4;
        check_aligned(address)?;
        let is_contradiction = flags & ASYNC != 0 && flags & SYNC != 0;
        if flags > 7 || is_contradiction {
            return Err(EINVAL);
        }
        let locked = || current().process.space().marked_bytes(address, length, Marks::LOCKED);
        if flags & INVALIDATE != 0 && locked() > 0 {
            return Err(EBUSY);
        }
        check_mapped(address, length)
    }
}

pub fn check_mapped(start: usize, length: usize) -> SysResult {
    let size_bytes = whole_pages(length)?;
    let is_mapped = current().process.space().covers(start, size_bytes);
    is_mapped.then_some(0).ok_or(ENOMEM)
}
