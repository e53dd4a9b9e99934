//! What madvise(2), mlock(2) and mincore(2) do to mappings, once their arguments are decoded.
//!
//! Nothing is ever swapped out: that memory is locked is remembered for the accounts only.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::change::end_of;
use super::mapping::{Backing, Mapping, Marks, Protection};
use super::{Access, AddressSpace, Fault, Inner};
use crate::errno::{EACCES, EINVAL, ENOMEM, Errno};
use crate::fs::FileRef;
use crate::fs::node::Node;
use crate::mm::{PAGE_SIZE, USER_END, heap};
use core::sync::atomic::Ordering;

/// A stretch of a file that a mapping shows.
pub struct Shown {
    pub file: FileRef,
    pub offset: u64,
    pub size_bytes: u64,
}

impl AddressSpace {
    /// MADV_DONTNEED and MADV_FREE: the content of private pages is forgotten, shared pages come
    /// back from their file.
    pub fn discard(&self, start: usize, size_bytes: usize) -> Result<(), Errno> {
        let end = end_of(start, size_bytes)?;
        let mut inner = self.inner.lock();
        let is_whole = inner.mappings.covers(start, end);
        inner.tables.unmap(start, end);
        is_whole.then_some(()).ok_or(ENOMEM)
    }

    /// Pages of a file past its end are shown no more, copies of them included (ftruncate(2)).
    pub fn forget_pages_past(&self, cut: &Node, size_bytes: u64) {
        let mut inner = self.inner.lock();
        let Inner {
            mappings, tables, ..
        } = &mut *inner;
        let first_gone = size_bytes.next_multiple_of(PAGE_SIZE as u64);
        let gone = |mapping: &Mapping| {
            let Backing::File { file, offset } = &mapping.backing else {
                return None;
            };
            let kept = first_gone.saturating_sub(*offset) as usize;
            let is_meant =
                core::ptr::addr_eq(Arc::as_ptr(file), cut) && kept < mapping.size_bytes();
            is_meant.then_some((mapping.start + kept, mapping.end))
        };
        for (start, end) in mappings.iter().filter_map(gone) {
            tables.unmap(start, end);
        }
    }

    /// True when `holds` of every mapping in a range.
    pub fn all_in(
        &self,
        start: usize,
        size_bytes: usize,
        holds: impl FnMut(&Mapping) -> bool,
    ) -> bool {
        let inner = self.inner.lock();
        let end = start.saturating_add(size_bytes);
        inner.mappings.overlapping(start, end).all(holds)
    }

    /// Sets and clears marks of what is mapped in a range; ENOMEM when part of it is not.
    pub fn mark(
        &self,
        start: usize,
        size_bytes: usize,
        (set, cleared): (Marks, Marks),
    ) -> Result<(), Errno> {
        let end = end_of(start, size_bytes)?;
        let mut inner = self.inner.lock();
        inner.mappings.make_room()?;
        let is_whole = inner.mappings.covers(start, end);
        inner.mappings.change(start, end, |mapping| {
            mapping.marks = mapping.marks.difference(cleared).union(set);
        });
        is_whole.then_some(()).ok_or(ENOMEM)
    }

    /// As above, of every mapping, and `of_new` of those to come (mlockall(2)).
    pub fn mark_all(&self, (set, cleared): (Marks, Marks), of_new: Marks) {
        let mut inner = self.inner.lock();
        inner.mappings.change(0, USER_END, |mapping| {
            mapping.marks = mapping.marks.difference(cleared).union(set);
        });
        inner.marks_of_new = of_new;
    }

    /// Bytes of what is mapped in a range and has a mark.
    pub fn marked_bytes(&self, start: usize, size_bytes: usize, mark: Marks) -> usize {
        let end = start.saturating_add(size_bytes);
        let inner = self.inner.lock();
        let marked = inner
            .mappings
            .overlapping(start, end)
            .filter(|mapping| mapping.marks.contains(mark));
        marked
            .map(|mapping| mapping.end.min(end) - mapping.start.max(start))
            .sum()
    }

    /// Bytes of a range that are private and not writable: what mprotect(2) makes data.
    pub fn readable_bytes(&self, start: usize, size_bytes: usize) -> usize {
        let end = start.saturating_add(size_bytes);
        let inner = self.inner.lock();
        let is_no_data = |m: &&Mapping| !m.is_shared && !m.protection.contains(Protection::WRITE);
        let mappings = inner.mappings.overlapping(start, end).filter(is_no_data);
        mappings.map(|m| m.end.min(end) - m.start.max(start)).sum()
    }

    /// The files that a range of shared mappings shows that may be written, for MADV_REMOVE.
    pub fn shared_files(&self, start: usize, size_bytes: usize) -> Result<Vec<Shown>, Errno> {
        let end = end_of(start, size_bytes)?;
        let inner = self.inner.lock();
        if !inner.mappings.covers(start, end) {
            return Err(ENOMEM);
        }
        let mut files = Vec::new();
        for mapping in inner.mappings.overlapping(start, end) {
            let Backing::File { file, offset } = &mapping.backing else {
                return Err(EINVAL);
            };
            if !mapping.is_shared || !mapping.may_write {
                return Err(EACCES);
            }
            let from = mapping.start.max(start);
            let shown = Shown {
                file: file.clone(),
                offset: offset + (from - mapping.start) as u64,
                size_bytes: (mapping.end.min(end) - from) as u64,
            };
            heap::push(&mut files, shown)?;
        }
        Ok(files)
    }

    /// Brings in every page of a range now (MAP_POPULATE, MADV_POPULATE_READ), up to the first that
    /// cannot be.
    pub fn populate(&self, start: usize, size_bytes: usize, access: Access) -> Result<(), Fault> {
        let stack_limit = self.stack_limit.load(Ordering::Relaxed);
        let end = start.saturating_add(size_bytes).min(USER_END);
        for page in (start..end).step_by(PAGE_SIZE) {
            self.inner.lock().resolve(page, access, stack_limit)?;
        }
        Ok(())
    }

    /// One byte a page, as mincore(2) tells; ENOMEM when part of the range is not mapped.
    pub fn is_resident(
        &self,
        start: usize,
        size_bytes: usize,
        index: usize,
    ) -> Result<bool, Errno> {
        let end = end_of(start, size_bytes).map_err(|_| ENOMEM)?;
        let inner = self.inner.lock();
        let page = start + index * PAGE_SIZE;
        if page >= end || inner.mappings.find(page).is_none() {
            return Err(ENOMEM);
        }
        Ok(inner.tables.frame_at(page).is_some())
    }
}
