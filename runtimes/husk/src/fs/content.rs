//! The bytes of a regular file: a slice of the root archive, in place, with pages of memory laid
//! over it as they are written. What neither covers is a hole and reads as zeros.
//!
//! The lock is a leaf and is never held while application memory is touched: a fault there may come
//! back to this file (a buffer that is itself a mapping of it).

use super::seal::Seals;
use super::{Sink, Source};
use crate::chunked_map::ChunkedMap;
use crate::errno::{EFAULT, EFBIG, ENOSPC, ENXIO, Errno, SysResult};
use crate::mm::frame::Frame;
use crate::mm::{KERNEL_BASE, PAGE_SIZE, ZEROS};
use crate::sync::SpinLock;

/// Largest size a file can have: what `off_t` can say.
pub const SIZE_LIMIT: u64 = i64::MAX as u64;
pub const PAGE: u64 = PAGE_SIZE as u64;
/// Bytes copied at a time between a page and the application, on the kernel stack.
const BOUNCE_BYTES: usize = 1024;

/// What a stretch of the file is made of.
enum Piece {
    Archive(&'static [u8]),
    Memory {
        frame: Frame,
        at: usize,
        length: usize,
    },
    Hole(usize),
}

pub struct Pages {
    pub size_bytes: u64,
    /// Beginning of the file as the archive has it; never longer than the file.
    pub archive: &'static [u8],
    /// Pages that differ from the archive, by index.
    pub frames: ChunkedMap<Frame>,
    /// How many of `frames` lie over the archive, so that allocated pages need no counting.
    pub replaced: u64,
}

/// Contents of a regular file.
pub struct Content {
    pub pages: SpinLock<Pages>,
    pub seals: Seals,
}

impl Content {
    /// A file whose bytes are `archive`, page-aligned for the sake of `page`.
    pub fn of_archive(archive: &'static [u8]) -> Content {
        Content {
            pages: SpinLock::new(Pages {
                size_bytes: archive.len() as u64,
                archive,
                frames: ChunkedMap::new(),
                replaced: 0,
            }),
            seals: Seals::default(),
        }
    }

    /// Gives a file that has no bytes yet those of `archive` (hard links come before their data).
    pub fn adopt(&self, archive: &'static [u8]) {
        let mut pages = self.pages.lock();
        pages.archive = archive;
        pages.size_bytes = archive.len() as u64;
    }

    pub fn size(&self) -> u64 {
        self.pages.lock().size_bytes
    }

    /// Size in bytes and allocated pages.
    pub fn usage(&self) -> (u64, u64) {
        let pages = self.pages.lock();
        let allocated = pages.archive_pages() + pages.frames.len() as u64 - pages.replaced;
        (pages.size_bytes, allocated)
    }

    pub fn read(&self, offset: u64, into: &mut dyn Sink) -> SysResult {
        let mut done = 0;
        while into.remaining() > 0 {
            let Some(piece) = self.pages.lock().piece(offset.saturating_add(done as u64)) else {
                break;
            };
            let (length, put) = deliver(&piece, into);
            match put {
                Ok(count) => done += count,
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
            if put != Ok(length) {
                break;
            }
        }
        Ok(done)
    }

    /// Writes at `offset`, making the file longer as needed.
    pub fn write(&self, offset: u64, from: &mut dyn Source) -> SysResult {
        let mut done = 0;
        let mut bounce = [0; BOUNCE_BYTES];
        while from.remaining() > 0 {
            let stored = self.write_piece(offset.saturating_add(done as u64), from, &mut bounce);
            match stored {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    /// The part of a write that stays within one page and the bounce buffer.
    fn write_piece(&self, offset: u64, from: &mut dyn Source, bounce: &mut [u8]) -> SysResult {
        if offset >= SIZE_LIMIT {
            return Err(EFBIG);
        }
        let at = (offset % PAGE) as usize;
        let length = (PAGE_SIZE - at)
            .min(bounce.len())
            .min((SIZE_LIMIT - offset) as usize);
        let bytes = bounce.get_mut(..length).unwrap_or_default();
        let taken = from.take(bytes)?;
        let bytes = bytes.get(..taken).unwrap_or_default();
        let mut pages = self.pages.lock();
        self.seals
            .allow_write(pages.size_bytes, offset + taken as u64)?;
        pages
            .own(offset / PAGE)
            .map_err(|_| ENOSPC)?
            .write(at, bytes);
        pages.size_bytes = pages.size_bytes.max(offset + taken as u64);
        Ok(taken)
    }

    /// Cuts or extends the file (truncate(2)).
    pub fn truncate(&self, size_bytes: u64) -> Result<(), Errno> {
        if size_bytes > SIZE_LIMIT {
            return Err(EFBIG);
        }
        let mut pages = self.pages.lock();
        self.seals.allow_size(pages.size_bytes, size_bytes)?;
        pages.truncate(size_bytes);
        Ok(())
    }

    /// The next offset with data at or after `offset` (lseek(2) SEEK_DATA).
    pub fn next_data(&self, offset: u64) -> Result<u64, Errno> {
        let pages = self.pages.lock();
        if offset >= pages.size_bytes {
            return Err(ENXIO);
        }
        if offset < pages.archive.len() as u64 {
            return Ok(offset);
        }
        let next = pages.frames.first_from(offset / PAGE);
        let start = next
            .map(|(index, _)| (index * PAGE).max(offset))
            .ok_or(ENXIO)?;
        if start < pages.size_bytes {
            Ok(start)
        } else {
            Err(ENXIO)
        }
    }

    /// The next offset in a hole at or after `offset`; the end of the file is one (SEEK_HOLE).
    pub fn next_hole(&self, offset: u64) -> Result<u64, Errno> {
        let pages = self.pages.lock();
        if offset >= pages.size_bytes {
            return Err(ENXIO);
        }
        let mut index = (offset / PAGE).max(pages.archive_pages());
        for _ in pages
            .frames
            .from(index)
            .zip(index..)
            .take_while(|((at, _), want)| at == want)
        {
            index += 1;
        }
        Ok((index * PAGE).max(offset).min(pages.size_bytes))
    }

    /// See `File::page`.
    pub fn page(&self, index: u64, will_write: bool) -> Result<Frame, Errno> {
        let mut pages = self.pages.lock();
        let start = index.checked_mul(PAGE).ok_or(EFAULT)?;
        if start >= pages.size_bytes {
            return Err(EFAULT);
        }
        if !will_write && let Some(frame) = pages.page_in_place(index) {
            return Ok(frame);
        }
        Ok(pages.own(index)?.clone())
    }
}

/// Hands a piece to the reader; gives its length and what was put.
fn deliver(piece: &Piece, into: &mut dyn Sink) -> (usize, SysResult) {
    match piece {
        Piece::Archive(bytes) => (bytes.len().min(into.remaining()), into.put(bytes)),
        Piece::Hole(length) => {
            let zeros = ZEROS.get(..*length).unwrap_or(&ZEROS);
            (zeros.len().min(into.remaining()), into.put(zeros))
        }
        Piece::Memory { frame, at, length } => {
            let mut bounce = [0; BOUNCE_BYTES];
            let length = (*length).min(BOUNCE_BYTES);
            let bytes = bounce.get_mut(..length).unwrap_or_default();
            frame.read(*at, bytes);
            (length.min(into.remaining()), into.put(bytes))
        }
    }
}

impl Pages {
    pub fn archive_pages(&self) -> u64 {
        self.archive.len().div_ceil(PAGE_SIZE) as u64
    }

    /// What is at `offset`, up to where it changes; None at the end of the file.
    fn piece(&self, offset: u64) -> Option<Piece> {
        let left = self
            .size_bytes
            .checked_sub(offset)
            .filter(|&left| left > 0)?;
        let index = offset / PAGE;
        let at = (offset % PAGE) as usize;
        let in_page = left.min(PAGE - at as u64) as usize;
        if let Some(frame) = self.frames.get(index) {
            let frame = frame.clone();
            return Some(Piece::Memory {
                frame,
                at,
                length: in_page,
            });
        }
        if let Some(bytes) = self
            .archive
            .get(offset as usize..)
            .filter(|bytes| !bytes.is_empty())
        {
            return Some(Piece::Archive(self.before_next_frame(index, at, bytes)));
        }
        Some(Piece::Hole(in_page))
    }

    fn before_next_frame(&self, index: u64, at: usize, bytes: &'static [u8]) -> &'static [u8] {
        let Some((next, _)) = self.frames.first_from(index) else {
            return bytes;
        };
        let distance = ((next - index) as usize).saturating_mul(PAGE_SIZE) - at;
        bytes.get(..distance).unwrap_or(bytes)
    }

    /// The page without making it the file's own: a frame it has, or a whole page of the archive.
    fn page_in_place(&self, index: u64) -> Option<Frame> {
        if let Some(frame) = self.frames.get(index) {
            return Some(frame.clone());
        }
        let start = usize::try_from(index).ok()?.checked_mul(PAGE_SIZE)?;
        let page = self.archive.get(start..start.checked_add(PAGE_SIZE)?)?;
        let address = page.as_ptr() as usize;
        let is_mappable = address.is_multiple_of(PAGE_SIZE) && address >= KERNEL_BASE;
        is_mappable.then(|| Frame::of_archive(address - KERNEL_BASE))
    }

    /// The page as the file's own frame, made now if need be.
    pub fn own(&mut self, index: u64) -> Result<&Frame, Errno> {
        if !self.frames.contains_key(index) {
            self.frames.reserve(2).map_err(|_| ENOSPC)?;
            let frame = self.copy_of_page(index)?;
            self.replaced += u64::from(index < self.archive_pages());
            self.frames.insert(index, frame);
        }
        self.frames.get(index).ok_or(ENOSPC)
    }

    fn copy_of_page(&self, index: u64) -> Result<Frame, Errno> {
        let start = (index as usize).saturating_mul(PAGE_SIZE);
        let bytes = self.archive.get(start..).unwrap_or_default();
        let Some(whole) = bytes.get(..PAGE_SIZE) else {
            let frame = Frame::zeroed()?;
            frame.write(0, bytes);
            return Ok(frame);
        };
        let frame = Frame::uninitialised()?;
        frame.write(0, whole);
        Ok(frame)
    }

    fn truncate(&mut self, size_bytes: u64) {
        let first_gone = size_bytes.div_ceil(PAGE);
        self.frames.remove_range(first_gone, u64::MAX);
        let cut_at = (size_bytes % PAGE) as usize;
        if cut_at != 0
            && let Some(frame) = self.frames.get(size_bytes / PAGE)
        {
            frame.write(cut_at, ZEROS.get(cut_at..).unwrap_or_default());
        }
        if size_bytes < self.archive.len() as u64 {
            self.archive = self.archive.get(..size_bytes as usize).unwrap_or_default();
            self.replaced = self.frames.count_below(self.archive_pages()) as u64;
        }
        self.size_bytes = size_bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::tests::{Given, Taken};
    use super::*;

    fn archive(pattern: u8, size_bytes: usize) -> &'static [u8] {
        vec![pattern; size_bytes].leak()
    }

    fn read(content: &Content, offset: u64, size_bytes: usize) -> Vec<u8> {
        let mut taken = Taken::new(size_bytes);
        content.read(offset, &mut taken).unwrap();
        taken.bytes
    }

    fn write(content: &Content, offset: u64, bytes: &[u8]) {
        let written = content.write(offset, &mut Given::new(bytes));
        assert_eq!(written, Ok(bytes.len()));
    }

    #[test]
    fn a_write_changes_its_bytes_and_leaves_the_archive_around_them() {
        let content = Content::of_archive(archive(b'a', 10_000));
        write(&content, 4090, b"0123456789");
        let all = read(&content, 0, 20_000);
        assert_eq!(all.len(), 10_000);
        assert_eq!(&all[4088..4102], b"aa0123456789aa");
        assert!(
            all[..4090]
                .iter()
                .chain(&all[4100..])
                .all(|&byte| byte == b'a')
        );
        assert_eq!(content.usage(), (10_000, 3));
    }

    #[test]
    fn writing_past_the_end_leaves_a_hole_of_zeros() {
        let content = Content::of_archive(archive(b'a', 100));
        write(&content, 20_000, b"end");
        assert_eq!(content.size(), 20_003);
        let all = read(&content, 0, 30_000);
        assert!(all[100..20_000].iter().all(|&byte| byte == 0));
        assert_eq!(&all[20_000..], b"end");
        assert_eq!(content.usage().1, 2);
        assert_eq!(content.next_hole(0), Ok(4096));
        assert_eq!(content.next_data(4096), Ok(16_384));
        assert_eq!(content.next_hole(16_384), Ok(20_003));
        assert_eq!(content.next_data(20_003), Err(ENXIO));
    }

    #[test]
    fn what_was_cut_off_reads_as_zeros_when_the_file_grows_again() {
        let content = Content::of_archive(archive(b'a', 8192));
        write(&content, 5000, b"xyz");
        content.truncate(5001).unwrap();
        content.truncate(9000).unwrap();
        assert_eq!(read(&content, 4998, 6), b"aax\0\0\0");
        content.truncate(10).unwrap();
        content.truncate(20).unwrap();
        assert_eq!(read(&content, 8, 100), b"aa\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(content.truncate(SIZE_LIMIT + 1), Err(EFBIG));
    }

    #[test]
    fn a_punched_hole_reads_as_zeros() {
        let content = Content::of_archive(archive(b'a', 10_000));
        content.zero(4000, 9000).unwrap();
        let all = read(&content, 0, 10_000);
        assert!(all[4000..9000].iter().all(|&byte| byte == 0));
        assert_eq!((all[3999], all[9000]), (b'a', b'a'));
    }

    #[test]
    fn a_mapped_page_ends_in_zeros_and_shows_later_writes() {
        let content = Content::of_archive(archive(b'a', 5000));
        let page = content.page(1, false).unwrap();
        let mut tail = [1; 4];
        page.read(902, &mut tail);
        assert_eq!(tail, [b'a', b'a', 0, 0]);
        write(&content, 4096, b"new");
        page.read(0, &mut tail);
        assert_eq!(&tail, b"newa");
        assert_eq!(content.page(2, false).err(), Some(EFAULT));
    }

    #[test]
    fn reading_at_and_past_the_end_gives_nothing() {
        let content = Content::of_archive(archive(b'a', 10));
        assert_eq!(read(&content, 10, 5), b"");
        assert_eq!(read(&content, u64::MAX, 5), b"");
        let far = content.write(SIZE_LIMIT, &mut Given::new(b"x"));
        assert_eq!(far, Err(EFBIG));
    }
}
