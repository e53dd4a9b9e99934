//! What fallocate(2) does to the pages of a file: setting aside, punching holes, zeroing, and taking
//! out or putting in a range. A page that a program has mapped stays the file's where it is only
//! emptied; after pages have moved, mappings made before still show the old ones.

use super::content::{Content, PAGE, Pages};
use crate::errno::{EFBIG, EINVAL, ENOSPC, Errno};
use crate::fs::content::SIZE_LIMIT;
use crate::mm::{ZEROS, frame};

impl Content {
    /// Gives the range memory of its own, so that writing there cannot fail for want of it.
    pub fn set_aside(&self, offset: u64, end: u64) -> Result<(), Errno> {
        let (first, past) = (offset / PAGE, end.div_ceil(PAGE));
        let mut pages = self.pages.lock();
        let has = pages.frames.count_below(past) - pages.frames.count_below(first);
        let free = frame::total_count().saturating_sub(frame::used_count()) as u64;
        if (past - first).saturating_sub(has as u64) > free {
            return Err(ENOSPC);
        }
        for index in first.max(pages.archive_pages())..past {
            pages.own(index).map_err(|_| ENOSPC)?;
        }
        Ok(())
    }

    /// Makes a range read as zeros (FALLOC_FL_PUNCH_HOLE, FALLOC_FL_ZERO_RANGE).
    pub fn zero(&self, offset: u64, end: u64) -> Result<(), Errno> {
        let mut pages = self.pages.lock();
        self.seals.allow_write(pages.size_bytes, 0)?;
        let end = end.min(pages.size_bytes.next_multiple_of(PAGE));
        let of_archive = pages.archive_pages();
        let mut next = offset;
        while next < end && next / PAGE < of_archive {
            next = pages.zero_within_page(next, end)?;
        }
        while let Some((index, _)) = pages.frames.first_from(next / PAGE) {
            let at = next.max(index * PAGE);
            if at >= end {
                break;
            }
            next = pages.zero_within_page(at, end)?;
            pages.forget_if_empty(index, at, next);
        }
        Ok(())
    }

    /// Takes whole pages out, and moves what is after them there (FALLOC_FL_COLLAPSE_RANGE).
    pub fn collapse(&self, offset: u64, length: u64) -> Result<(), Errno> {
        let mut pages = self.pages.lock();
        self.seals.allow_write(pages.size_bytes, 0)?;
        let end = offset.checked_add(length).ok_or(EINVAL)?;
        if !(offset | length).is_multiple_of(PAGE) || end >= pages.size_bytes {
            return Err(EINVAL);
        }
        pages.move_tail(end / PAGE, offset / PAGE)?;
        pages.size_bytes -= length;
        Ok(())
    }

    /// Makes room for whole pages of zeros, moving what is there (FALLOC_FL_INSERT_RANGE).
    pub fn insert(&self, offset: u64, length: u64) -> Result<(), Errno> {
        let mut pages = self.pages.lock();
        self.seals.allow_write(pages.size_bytes, 0)?;
        if !(offset | length).is_multiple_of(PAGE) || offset >= pages.size_bytes {
            return Err(EINVAL);
        }
        let size_bytes = pages.size_bytes.checked_add(length);
        let size_bytes = size_bytes.filter(|&size| size <= SIZE_LIMIT).ok_or(EFBIG)?;
        pages.move_tail(offset / PAGE, (offset + length) / PAGE)?;
        pages.size_bytes = size_bytes;
        Ok(())
    }
}

impl Pages {
    /// Zeros from `offset` to `end` or the end of its page; gives where it stopped.
    fn zero_within_page(&mut self, offset: u64, end: u64) -> Result<u64, Errno> {
        let stop = ((offset / PAGE + 1) * PAGE).min(end);
        let zeros = ZEROS.get(..(stop - offset) as usize).unwrap_or(&ZEROS);
        let frame = self.own(offset / PAGE).map_err(|_| ENOSPC)?;
        frame.write((offset % PAGE) as usize, zeros);
        Ok(stop)
    }

    /// A page that was zeroed as a whole becomes a hole, unless the archive has bytes below it or
    /// a program has it mapped.
    fn forget_if_empty(&mut self, index: u64, from: u64, to: u64) {
        let is_whole = to - from == PAGE;
        let is_ours = self.frames.get(index).is_some_and(|f| f.is_exclusive());
        if is_whole && is_ours && index >= self.archive_pages() {
            self.frames.remove(index);
        }
    }

    /// Pages from `from` on go to `to` on. What was between is gone.
    fn move_tail(&mut self, from: u64, to: u64) -> Result<(), Errno> {
        for index in from..self.archive_pages() {
            self.own(index).map_err(|_| ENOSPC)?;
        }
        let first_moved = from.min(to);
        let kept_bytes = (first_moved * PAGE) as usize;
        self.archive = self.archive.get(..kept_bytes).unwrap_or(self.archive);
        self.frames.remove_range(first_moved, from);
        self.frames.shift(from, to);
        self.replaced = self.frames.count_below(self.archive_pages()) as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::tests::{Given, Taken};
    use super::*;
    use alloc::vec::Vec;

    /// `letters.len()` pages, each of one letter, of which the archive has the first `in_archive`.
    fn file(letters: &[u8], in_archive: usize) -> Content {
        let bytes: Vec<u8> = letters
            .iter()
            .flat_map(|letter| [*letter; PAGE as usize])
            .collect();
        let (archive, rest) = bytes.split_at(in_archive * PAGE as usize);
        let content = Content::of_archive(archive.to_vec().leak());
        content
            .write(archive.len() as u64, &mut Given::new(rest))
            .unwrap();
        content
    }

    /// The letter of each page; `.` for zeros.
    fn letters(content: &Content) -> Vec<u8> {
        let mut taken = Taken::new(1 << 20);
        content.read(0, &mut taken).unwrap();
        let pages = taken.bytes.chunks(PAGE as usize);
        pages
            .map(|page| if page[0] == 0 { b'.' } else { page[0] })
            .collect()
    }

    #[test]
    fn a_range_is_taken_out_or_put_in_across_the_end_of_the_archive() {
        for in_archive in 0..=5 {
            let content = file(b"abcde", in_archive);
            content.collapse(PAGE, 2 * PAGE).unwrap();
            assert_eq!(letters(&content), b"ade");
            content.insert(PAGE, 2 * PAGE).unwrap();
            assert_eq!(letters(&content), b"a..de");
            content.insert(4 * PAGE, PAGE).unwrap();
            assert_eq!(letters(&content), b"a..d.e");
            assert_eq!(content.collapse(5 * PAGE, PAGE), Err(EINVAL));
            assert_eq!(content.insert(6 * PAGE, PAGE), Err(EINVAL));
            assert_eq!(content.insert(PAGE, 5), Err(EINVAL));
        }
    }

    #[test]
    fn zeroed_pages_are_holes_and_a_sparse_file_costs_nothing() {
        let content = file(b"abcde", 1);
        content.zero(PAGE / 2, 3 * PAGE).unwrap();
        assert_eq!(letters(&content), b"a..de");
        assert_eq!(content.usage().1, 3);
        assert_eq!(content.next_hole(0), Ok(PAGE));
        content.truncate(SIZE_LIMIT).unwrap();
        content.zero(0, SIZE_LIMIT).unwrap();
        assert_eq!(content.usage().1, 1);
    }
}
