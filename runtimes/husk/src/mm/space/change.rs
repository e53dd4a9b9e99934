//! Making, changing and ending mappings: what mmap(2), munmap(2), mprotect(2), mremap(2),
//! madvise(2) and brk(2) do, once their arguments are decoded.

use super::layout::{LOWEST, STACK_GUARD};
use super::mapping::{Backing, Mapping, Protection};
use super::{AddressSpace, Inner};
use crate::errno::{EACCES, EEXIST, EFAULT, EINVAL, ENOMEM, EPERM, Errno, SysResult};
use crate::mm::{PAGE_SIZE, USER_END, frame};
use core::sync::atomic::Ordering;

/// Where a mapping may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placement {
    /// Anywhere, at the address if that is free.
    Hint(usize),
    /// There, whatever is there now (MAP_FIXED).
    Fixed(usize),
    /// There, or EEXIST (MAP_FIXED_NOREPLACE).
    FixedIfFree(usize),
}

/// A mapping that is asked for. Sizes and offsets are whole pages.
pub struct Request {
    pub placement: Placement,
    pub size_bytes: usize,
    pub protection: Protection,
    pub is_shared: bool,
    /// The file of a shared mapping is open for writing.
    pub may_write: bool,
    pub grows_down: bool,
    pub backing: Backing,
    pub name: &'static str,
}

impl Request {
    /// Private zeros, readable and writable.
    pub fn anonymous(placement: Placement, size_bytes: usize) -> Request {
        Request {
            placement,
            size_bytes,
            protection: Protection::READ | Protection::WRITE,
            is_shared: false,
            may_write: false,
            grows_down: false,
            backing: Backing::Anonymous,
            name: "",
        }
    }
}

/// What mremap(2) is asked. Sizes are whole pages.
pub struct Remap {
    pub start: usize,
    /// 0 makes a shared mapping a second time.
    pub old_size: usize,
    pub new_size: usize,
    pub may_move: bool,
    /// Where it must go, if anywhere.
    pub target: Option<Placement>,
    /// MREMAP_DONTUNMAP: what was there stays mapped, with nothing in it.
    pub leaves_mapping: bool,
}

/// A mapping on its way elsewhere.
struct Move {
    from: (usize, usize),
    placement: Placement,
    new_size: usize,
    leaves_mapping: bool,
}

/// A range the application may map: EINVAL when it wraps or leaves its half.
pub(super) fn end_of(start: usize, size_bytes: usize) -> Result<usize, Errno> {
    let end = start.checked_add(size_bytes).ok_or(EINVAL)?;
    let is_valid = start.is_multiple_of(PAGE_SIZE) && end <= USER_END;
    is_valid.then_some(end).ok_or(EINVAL)
}

impl AddressSpace {
    /// Nothing may be written and executed at once, EACCES as SELinux's execmem says no; unless the
    /// program was given the permission at conversion.
    fn check_protection(&self, protection: Protection) -> Result<(), Errno> {
        let is_both = protection.contains(Protection::WRITE | Protection::EXECUTE);
        let is_allowed = !is_both || self.may_write_and_execute.load(Ordering::Relaxed);
        is_allowed.then_some(()).ok_or(EACCES)
    }

    /// mmap(2): the address of the new mapping.
    pub fn map(&self, request: Request) -> SysResult {
        self.check_protection(request.protection)?;
        let mut inner = self.inner.lock();
        inner.mappings.make_room()?;
        let start = inner.place(request.placement, request.size_bytes)?;
        let end = start + request.size_bytes;
        inner.clear(start, end);
        let marks = inner.marks_of_new;
        inner.mappings.insert(Mapping {
            start,
            end,
            marks,
            protection: request.protection,
            is_shared: request.is_shared,
            may_write: request.may_write,
            grows_down: request.grows_down,
            backing: request.backing,
            name: request.name,
        });
        Ok(start)
    }

    /// munmap(2).
    pub fn unmap(&self, start: usize, size_bytes: usize) -> Result<(), Errno> {
        let end = end_of(start, size_bytes)?;
        let mut inner = self.inner.lock();
        inner.mappings.make_room()?;
        inner.clear(start, end);
        Ok(())
    }

    /// mprotect(2): ENOMEM when part of the range is not mapped.
    pub fn protect(
        &self,
        start: usize,
        size_bytes: usize,
        protection: Protection,
    ) -> Result<(), Errno> {
        self.check_protection(protection)?;
        let end = end_of(start, size_bytes).map_err(|_| ENOMEM)?;
        let mut inner = self.inner.lock();
        inner.mappings.make_room()?;
        let (reached, outcome) = inner.protectable(start, end, protection);
        inner
            .mappings
            .change(start, reached, |mapping| mapping.protection = protection);
        inner.tables.protect(start, reached, protection);
        outcome
    }

    /// mremap(2).
    pub fn remap(&self, request: Remap) -> SysResult {
        let Remap {
            start,
            old_size,
            new_size,
            ..
        } = request;
        let end = end_of(start, old_size)?;
        let mut inner = self.inner.lock();
        inner.mappings.make_room()?;
        let mapping = inner.mappings.find(start).ok_or(EFAULT)?.clone();
        if request.target.is_none() && new_size <= old_size {
            inner.clear(start + new_size, end); // whatever is there, as munmap(2) does
            return Ok(start);
        }
        if mapping.end < end.min(start + new_size) {
            return Err(EFAULT);
        }
        if old_size == 0 && !mapping.is_shared {
            return Err(EINVAL);
        }
        let moves = |placement| Move {
            from: (start, end),
            placement,
            new_size,
            leaves_mapping: request.leaves_mapping,
        };
        if let Some(target) = request.target {
            return inner.move_to(&mapping, moves(target));
        }
        let new_end = end_of(start, new_size).map_err(|_| ENOMEM)?;
        if end == mapping.end && inner.mappings.is_free(end, new_end) {
            inner.extend(&mapping, end, new_end);
            return Ok(start);
        }
        if !request.may_move {
            return Err(ENOMEM);
        }
        inner.move_to(&mapping, moves(Placement::Hint(0)))
    }

    /// Says where the heap begins: after a program was mapped.
    pub fn set_heap_start(&self, start: usize) {
        self.inner.lock().heap = (start, start);
    }

    /// brk(2): the heap's end after trying to set it, as the system call returns it.
    pub fn set_heap_end(&self, wanted: usize) -> usize {
        let mut inner = self.inner.lock();
        let (start, end) = inner.heap;
        let is_sane = wanted >= start && wanted < USER_END;
        if is_sane && inner.resize_heap(wanted).is_ok() {
            inner.heap.1 = wanted;
            return wanted;
        }
        end
    }
}

impl Inner {
    /// How far from `start` on mappings may be given a protection, and why no further: what comes
    /// before a hole or a mapping that forbids it is changed all the same, as Linux does.
    fn protectable(
        &self,
        start: usize,
        end: usize,
        protection: Protection,
    ) -> (usize, Result<(), Errno>) {
        let mut reached = start;
        for mapping in self.mappings.overlapping(start, end) {
            if mapping.start > reached {
                break;
            }
            let is_read_only = mapping.is_shared && !mapping.may_write;
            if is_read_only && protection.contains(Protection::WRITE) {
                return (reached, Err(EACCES));
            }
            reached = mapping.end.min(end);
        }
        let outcome = (reached >= end).then_some(()).ok_or(ENOMEM);
        (reached, outcome)
    }

    /// Forgets whatever is in a range.
    fn clear(&mut self, start: usize, end: usize) {
        if start < end && self.mappings.remove(start, end) {
            self.tables.unmap(start, end);
            self.search_top = self.search_top.max(end).min(self.layout.mapping_top);
        }
    }

    fn place(&mut self, placement: Placement, size_bytes: usize) -> SysResult {
        if size_bytes > USER_END {
            return Err(ENOMEM);
        }
        match placement {
            Placement::Hint(hint) => self.place_near(hint & !(PAGE_SIZE - 1), size_bytes),
            Placement::Fixed(start) => {
                end_of(start, size_bytes).map_err(|_| fixed_error(start))?;
                (start >= LOWEST).then_some(start).ok_or(EPERM)
            }
            Placement::FixedIfFree(start) => {
                let end = end_of(start, size_bytes).map_err(|_| fixed_error(start))?;
                if start < LOWEST {
                    return Err(EPERM);
                }
                self.mappings
                    .is_free(start, end)
                    .then_some(start)
                    .ok_or(EEXIST)
            }
        }
    }

    fn place_near(&mut self, hint: usize, size_bytes: usize) -> SysResult {
        if let Ok(end) = end_of(hint, size_bytes)
            && hint >= LOWEST
            && self.mappings.is_free(hint, end)
            && !self.is_below_stack(hint, end)
        {
            return Ok(hint);
        }
        let tops = [self.search_top, self.layout.mapping_top, USER_END];
        let start = tops
            .into_iter()
            .find_map(|top| self.mappings.highest_gap(size_bytes, LOWEST, top))
            .ok_or(ENOMEM)?;
        self.search_top = start.min(self.layout.mapping_top);
        Ok(start)
    }

    /// True when a mapping there would touch the gap below a stack.
    fn is_below_stack(&self, start: usize, end: usize) -> bool {
        self.mappings
            .after(start)
            .is_some_and(|next| next.grows_down && next.start - end < STACK_GUARD)
    }

    fn extend(&mut self, mapping: &Mapping, end: usize, new_end: usize) {
        let mut more = mapping.clone();
        if let Backing::File { offset, .. } = &mut more.backing {
            *offset += (end - mapping.start) as u64;
        }
        (more.start, more.end) = (end, new_end);
        self.mappings.insert(more);
    }

    fn move_to(&mut self, mapping: &Mapping, request: Move) -> SysResult {
        let Move {
            from: (start, end),
            new_size,
            ..
        } = request;
        let target = self.place(request.placement, new_size)?;
        let new_end = target + new_size;
        if target < end && start < new_end {
            return Err(EINVAL); // mremap(2): the new range must not overlap the old
        }
        self.clear(target, new_end);
        let kept = new_size.min(end - start);
        self.tables.move_pages(start, target, kept)?;
        if !request.leaves_mapping {
            self.clear(start, end);
        }
        let mut moved = mapping.clone();
        if let Backing::File { offset, .. } = &mut moved.backing {
            *offset += (start - mapping.start) as u64;
        }
        (moved.start, moved.end) = (target, new_end);
        self.mappings.insert(moved);
        Ok(target)
    }

    fn resize_heap(&mut self, wanted: usize) -> Result<(), Errno> {
        let (start, end) = self.heap;
        let (old, new) = (
            end.next_multiple_of(PAGE_SIZE),
            wanted.next_multiple_of(PAGE_SIZE),
        );
        if new <= old {
            self.clear(new.max(start.next_multiple_of(PAGE_SIZE)), old);
            return Ok(());
        }
        self.mappings.make_room()?;
        check_commit(new - old)?;
        if !self.mappings.is_free(old, new) || self.is_below_stack(old, new) {
            return Err(ENOMEM);
        }
        let mut more = Mapping::anonymous(old, new, Protection::READ | Protection::WRITE);
        more.name = "[heap]";
        more.marks = self.marks_of_new;
        self.mappings.insert(more);
        Ok(())
    }
}

/// What MAP_FIXED at an impossible address is refused with (mmap(2)).
fn fixed_error(start: usize) -> Errno {
    if start.is_multiple_of(PAGE_SIZE) {
        ENOMEM
    } else {
        EINVAL
    }
}

/// Refuses what can never be had (Linux's heuristic overcommit): more than the whole machine.
pub fn check_commit(size_bytes: usize) -> Result<(), Errno> {
    let is_possible = size_bytes / PAGE_SIZE <= frame::total_count();
    is_possible.then_some(()).ok_or(ENOMEM)
}
