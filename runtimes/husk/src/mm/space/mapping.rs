//! The set of a process's mappings: which addresses mean what (mmap(2)). No page tables here, and
//! nothing of the machine: arch-free.

use alloc::sync::Arc;

use bitflags::bitflags;

use crate::chunked_map::ChunkedMap;
use crate::errno::{ENOMEM, Errno};
use crate::fs::FileRef;
use crate::mm::{PAGE_SIZE, reserve};

bitflags! {
    /// PROT_* of mmap(2).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Protection: u32 {
        const READ = 1;
        const WRITE = 2;
        const EXECUTE = 4;
    }
}

bitflags! {
    /// What madvise(2) and mlock(2) leave on a mapping.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Marks: u8 {
        /// MADV_DONTFORK: a child does not have it.
        const DONT_FORK = 1;
        /// MADV_WIPEONFORK: a child has zeros.
        const WIPE_ON_FORK = 2;
        /// mlock(2); a child's is not.
        const LOCKED = 4;
    }
}

/// What the pages of a mapping hold before they are written.
#[derive(Clone)]
pub enum Backing {
    /// Zeros.
    Anonymous,
    /// A file from `offset` (bytes, page-aligned) on.
    File { file: FileRef, offset: u64 },
}

/// A range of addresses with the same meaning.
#[derive(Clone)]
pub struct Mapping {
    pub start: usize,
    pub end: usize,
    pub protection: Protection,
    pub is_shared: bool,
    /// MAP_SHARED of a file open for writing: its pages are the file's own from the start.
    pub may_write: bool,
    /// Grows towards lower addresses when touched there: the stack.
    pub grows_down: bool,
    pub marks: Marks,
    pub backing: Backing,
    /// What /proc/self/maps calls it, where that is not a file: `[stack]`.
    pub name: &'static str,
}

impl Mapping {
    /// Private zeros.
    pub fn anonymous(start: usize, end: usize, protection: Protection) -> Mapping {
        Mapping {
            start,
            end,
            protection,
            is_shared: false,
            may_write: false,
            grows_down: false,
            marks: Marks::empty(),
            backing: Backing::Anonymous,
            name: "",
        }
    }

    pub fn size_bytes(&self) -> usize {
        self.end - self.start
    }

    /// The page of the file that an address shows.
    pub fn file_page(&self, address: usize) -> u64 {
        match &self.backing {
            Backing::Anonymous => 0,
            Backing::File { offset, .. } => {
                (offset + (address - self.start) as u64) / PAGE_SIZE as u64
            }
        }
    }

    /// The same mapping, only `start..end` of it.
    fn part(&self, start: usize, end: usize) -> Mapping {
        let mut part = self.clone();
        if let Backing::File { offset, .. } = &mut part.backing {
            *offset += (start - self.start) as u64;
        }
        (part.start, part.end) = (start, end);
        part
    }

    /// True when `next` begins where this ends and nothing else tells them apart.
    fn continues_in(&self, next: &Mapping) -> bool {
        let is_same_kind = self.end == next.start
            && self.protection == next.protection
            && self.is_shared == next.is_shared
            && self.may_write == next.may_write
            && !self.grows_down
            && !next.grows_down
            && self.marks == next.marks
            && self.name == next.name;
        let is_same_backing = match (&self.backing, &next.backing) {
            (Backing::Anonymous, Backing::Anonymous) => true,
            (
                Backing::File { file, offset },
                Backing::File {
                    file: other,
                    offset: at,
                },
            ) => Arc::ptr_eq(file, other) && offset + self.size_bytes() as u64 == *at,
            _ => false,
        };
        is_same_kind && is_same_backing
    }
}

/// Mappings by start address; they never overlap.
#[derive(Default)]
pub struct Mappings {
    by_start: ChunkedMap<Mapping>,
}

/// As Linux's vm.max_map_count.
const COUNT_LIMIT: usize = 65_530;

impl Mappings {
    pub fn iter(&self) -> impl Iterator<Item = &Mapping> {
        self.from(0)
    }

    fn from(&self, start: usize) -> impl Iterator<Item = &Mapping> {
        let entries = self.by_start.from(start as u64);
        entries.map(|(_, mapping)| mapping)
    }

    fn put(&mut self, mapping: Mapping) {
        self.by_start.insert(mapping.start as u64, mapping);
    }

    /// What a child of fork(2) has; ENOMEM when there are too many for the memory that is left.
    pub fn forked(&self) -> Result<Mappings, Errno> {
        const ENTRY_BYTES: usize = size_of::<Mapping>() + size_of::<u64>();
        reserve::check(2 * ENTRY_BYTES * self.by_start.len())?; // chunks may be half empty
        let mut forked = Mappings::default();
        forked.by_start.reserve(self.by_start.len())?;
        for mapping in self.iter() {
            if !mapping.marks.contains(Marks::DONT_FORK) {
                let mut copy = mapping.clone();
                copy.marks.remove(Marks::LOCKED);
                forked.insert(copy);
            }
        }
        Ok(forked)
    }

    /// ENOMEM when there are as many mappings as may be: one operation adds two at most.
    pub fn make_room(&mut self) -> Result<(), Errno> {
        let has_room = self.by_start.len() + 2 <= COUNT_LIMIT;
        has_room.then_some(()).ok_or(ENOMEM)?;
        self.by_start.reserve(2)
    }

    /// Bytes in all mappings.
    pub fn size_bytes(&self) -> usize {
        self.iter().map(Mapping::size_bytes).sum()
    }

    /// The mapping that an address is in.
    pub fn find(&self, address: usize) -> Option<&Mapping> {
        let mapping = self.before(address.saturating_add(1))?;
        (address < mapping.end).then_some(mapping)
    }

    /// The first mapping that begins after an address.
    pub fn after(&self, address: usize) -> Option<&Mapping> {
        let (_, mapping) = self.by_start.first_from(address as u64 + 1)?;
        Some(mapping)
    }

    /// The last mapping that begins below an address.
    pub fn before(&self, address: usize) -> Option<&Mapping> {
        let (_, mapping) = self.by_start.last_below(address as u64)?;
        Some(mapping)
    }

    /// Those that share an address with `start..end`.
    pub fn overlapping(&self, start: usize, end: usize) -> impl Iterator<Item = &Mapping> {
        let first = self.find(start).map_or(start, |mapping| mapping.start);
        self.from(first)
            .take_while(move |mapping| mapping.start < end)
    }

    pub fn is_free(&self, start: usize, end: usize) -> bool {
        self.overlapping(start, end).next().is_none()
    }

    /// True when every address of `start..end` is in some mapping.
    pub fn covers(&self, start: usize, end: usize) -> bool {
        let reached = self
            .overlapping(start, end)
            .take_while_contiguous(start)
            .last();
        start >= end || reached.is_some_and(|reached| reached >= end)
    }

    /// Adds a mapping where none is, joined with neighbours that it continues.
    pub fn insert(&mut self, mapping: Mapping) {
        let mut mapping = mapping;
        if let Some(next) = self.by_start.get(mapping.end as u64)
            && mapping.continues_in(next)
        {
            let next_start = next.start;
            mapping.end = next.end;
            self.by_start.remove(next_start as u64);
        }
        if let Some(previous) = self.by_start.last_below_mut(mapping.start as u64)
            && previous.continues_in(&mapping)
        {
            previous.end = mapping.end;
            return;
        }
        self.put(mapping);
    }

    /// Takes `start..end` out of whatever mappings it touches; whether it touched any.
    pub fn remove(&mut self, start: usize, end: usize) -> bool {
        let mut is_touched = false;
        while self.take_last(start, end).is_some() {
            is_touched = true;
        }
        is_touched
    }

    /// Replaces `start..end` by what `change` makes of each piece.
    pub fn change(&mut self, start: usize, end: usize, change: impl Fn(&mut Mapping)) {
        let mut end = end;
        while let Some(mut piece) = self.take_last(start, end) {
            end = piece.start;
            change(&mut piece);
            self.insert(piece);
        }
    }

    /// Takes the last piece out of `start..end`. The last first: taking an entry out moves those
    /// after it in its chunk; and one by one, since there may be no memory for a list of them.
    fn take_last(&mut self, start: usize, end: usize) -> Option<Mapping> {
        let last = self.before(end)?;
        if start >= end || last.end <= start {
            return None;
        }
        let last = last.start;
        let mapping = self.by_start.remove(last as u64)?;
        if mapping.start < start {
            self.put(mapping.part(mapping.start, start));
        }
        if mapping.end > end {
            self.put(mapping.part(end, mapping.end));
        }
        Some(mapping.part(mapping.start.max(start), mapping.end.min(end)))
    }

    /// Moves the start of the mapping that begins at `start` down: a stack grows.
    pub fn grow_down(&mut self, start: usize, new_start: usize) {
        if let Some(mut mapping) = self.by_start.remove(start as u64) {
            mapping.start = new_start;
            self.put(mapping);
        }
    }

    /// The highest free range of `size_bytes` within `low..high`.
    pub fn highest_gap(&self, size_bytes: usize, low: usize, high: usize) -> Option<usize> {
        let mut ceiling = high;
        for (_, mapping) in self.by_start.below(high as u64) {
            if mapping.end < ceiling && ceiling - mapping.end >= size_bytes {
                break;
            }
            ceiling = ceiling.min(mapping.start);
        }
        let start = ceiling.checked_sub(size_bytes)?;
        (start >= low && self.is_free(start, ceiling)).then_some(start)
    }
}

/// Follows mappings as long as each begins where the one before ended.
trait Contiguous<'a>: Iterator<Item = &'a Mapping> + Sized {
    fn take_while_contiguous(self, start: usize) -> impl Iterator<Item = usize> {
        self.scan(start, |reached, mapping| {
            if mapping.start > *reached {
                return None;
            }
            *reached = mapping.end;
            Some(*reached)
        })
    }
}

impl<'a, I: Iterator<Item = &'a Mapping>> Contiguous<'a> for I {}

#[cfg(test)]
mod tests {
    use super::*;

    const READ_WRITE: Protection = Protection::READ.union(Protection::WRITE);

    fn with(ranges: &[(usize, usize)]) -> Mappings {
        let mut mappings = Mappings::default();
        for &(start, end) in ranges {
            mappings.insert(Mapping::anonymous(start, end, READ_WRITE));
        }
        mappings
    }

    fn ranges(mappings: &Mappings) -> Vec<(usize, usize)> {
        mappings.iter().map(|m| (m.start, m.end)).collect()
    }

    #[test]
    fn neighbours_of_the_same_kind_join() {
        assert_eq!(
            ranges(&with(&[
                (0x1000, 0x2000),
                (0x3000, 0x4000),
                (0x2000, 0x3000)
            ])),
            [(0x1000, 0x4000)]
        );
    }

    #[test]
    fn removing_the_middle_splits() {
        let mut mappings = with(&[(0x1000, 0x8000)]);
        assert!(mappings.remove(0x3000, 0x5000));
        assert_eq!(ranges(&mappings), [(0x1000, 0x3000), (0x5000, 0x8000)]);
        assert!(mappings.is_free(0x3000, 0x5000));
        assert!(!mappings.is_free(0x2000, 0x4000));
        assert!(!mappings.covers(0x1000, 0x8000));
        assert!(mappings.covers(0x5000, 0x8000));
    }

    #[test]
    fn changing_the_middle_keeps_the_ends_and_changing_back_joins() {
        let mut mappings = with(&[(0x1000, 0x8000)]);
        mappings.change(0x3000, 0x5000, |m| m.protection = Protection::READ);
        assert_eq!(
            ranges(&mappings),
            [(0x1000, 0x3000), (0x3000, 0x5000), (0x5000, 0x8000)]
        );
        assert!(mappings.covers(0x1000, 0x8000));
        mappings.change(0x2000, 0x6000, |m| m.protection = READ_WRITE);
        assert_eq!(ranges(&mappings), [(0x1000, 0x8000)]);
    }

    #[test]
    fn the_highest_gap_that_fits_is_found() {
        let mappings = with(&[(0x1000, 0x2000), (0x5000, 0x6000), (0x8000, 0x9000)]);
        assert_eq!(mappings.highest_gap(0x1000, 0x1000, 0xa000), Some(0x9000));
        assert_eq!(mappings.highest_gap(0x2000, 0x1000, 0x9000), Some(0x6000));
        assert_eq!(mappings.highest_gap(0x3000, 0x1000, 0x9000), Some(0x2000));
        assert_eq!(mappings.highest_gap(0x4000, 0x1000, 0x9000), None);
        assert_eq!(mappings.highest_gap(0x1000, 0x1000, 0x8800), Some(0x7000));
    }

    #[test]
    fn a_part_of_a_file_mapping_shows_the_same_pages() {
        let whole = Mapping::anonymous(0x1000, 0x9000, READ_WRITE);
        assert_eq!(whole.part(0x3000, 0x4000).file_page(0x3000), 0);
        assert_eq!(whole.part(0x3000, 0x4000).size_bytes(), 0x1000);
    }
}
