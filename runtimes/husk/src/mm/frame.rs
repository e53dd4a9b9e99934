//! Physical memory in 4 KiB frames, each with a reference count.
//!
//! Not everybody gets the last ones: see `reserve`. Lock order: `FRAMES` is a leaf.

use core::num::NonZero;

use super::buddy::{Buddy, FrameInfo};
use super::{PAGE_SIZE, PhysAddr, direct, reserve};
use crate::errno::{ENOMEM, Errno};
use crate::sync::{SpinLock, SpinLockGuard};

/// Single frames kept at hand before they go back to the buddy allocator.
const CACHE: usize = 64;

/// A counted reference to a frame. Clones share it; the last one frees it. Frames of the kernel
/// image (the root archive) are outside the allocator: for them clone and drop count nothing.
pub struct Frame {
    number: NonZero<u32>,
}

/// All frames of the machine.
pub struct Frames {
    info: &'static mut [FrameInfo],
    buddy: Buddy,
    cache: [u32; CACHE],
    cached: usize,
    /// Frames that a `Frame` refers to.
    counted: usize,
}

static FRAMES: SpinLock<Frames> = SpinLock::new(Frames::new());

#[cfg(not(test))]
pub(super) fn frames() -> SpinLockGuard<'static, Frames> {
    FRAMES.lock()
}

/// Tests run on many threads and begin without `install`.
#[cfg(test)]
pub(super) fn frames() -> SpinLockGuard<'static, Frames> {
    let mut frames = FRAMES.lock();
    if frames.info.is_empty() {
        *frames = super::host::frames();
    }
    frames
}

impl Frames {
    pub const fn new() -> Frames {
        Frames {
            info: &mut [],
            buddy: Buddy::new(),
            cache: [0; CACHE],
            cached: 0,
            counted: 0,
        }
    }

    /// Gives the table, all zeros, with one entry for each frame from physical address 0 on.
    pub fn begin(&mut self, info: &'static mut [FrameInfo]) {
        self.info = info;
    }

    /// Takes over frames `start..end`.
    pub fn add(&mut self, start: usize, end: usize) {
        self.buddy.add(self.info, start, end);
    }

    pub(super) fn info(&mut self, frame: u32) -> &mut FrameInfo {
        &mut self.info[frame as usize]
    }

    pub fn free_count(&self) -> usize {
        self.buddy.free_count() + self.cached
    }

    /// One frame, uncounted.
    pub fn take(&mut self) -> Option<u32> {
        if self.cached > 0 {
            self.cached -= 1;
            return self.cache.get(self.cached).copied();
        }
        self.buddy.allocate(self.info, 1)
    }

    /// Gives back what `take` gave.
    pub fn give(&mut self, frame: u32) {
        self.info[frame as usize] = FrameInfo::default();
        match self.cache.get_mut(self.cached) {
            Some(place) => {
                *place = frame;
                self.cached += 1;
            }
            None => self.buddy.free(self.info, frame, 1),
        }
    }

    /// Contiguous frames, uncounted.
    pub fn take_contiguous(&mut self, count: usize) -> Option<u32> {
        let first = self.buddy.allocate(self.info, count);
        if first.is_some() || self.cached == 0 {
            return first;
        }
        self.flush_cache();
        self.buddy.allocate(self.info, count)
    }

    pub fn give_contiguous(&mut self, frame: u32, count: usize) {
        self.buddy.free(self.info, frame, count);
    }

    fn flush_cache(&mut self) {
        for &frame in &self.cache[..self.cached] {
            self.buddy.free(self.info, frame, 1);
        }
        self.cached = 0;
    }

    /// One frame, uncounted, unless only `reserve` frames are left.
    pub fn take_above(&mut self, reserve: usize) -> Option<u32> {
        if self.free_count() <= reserve {
            return None;
        }
        self.take()
    }

    /// As above, counted once.
    fn take_counted(&mut self, reserve: usize) -> Option<u32> {
        let frame = self.take_above(reserve)?;
        self.info(frame).state = 1;
        self.counted += 1;
        Some(frame)
    }
}

impl Default for Frames {
    fn default() -> Self {
        Self::new()
    }
}

impl Frame {
    /// A frame with all bytes zero, for a file. ENOMEM when what is left is for the kernel and for
    /// programs that run already.
    pub fn zeroed() -> Result<Frame, Errno> {
        Frame::uninitialised().map(Frame::cleared)
    }

    /// A frame whose old content is still there: the caller overwrites all of it.
    pub fn uninitialised() -> Result<Frame, Errno> {
        let number = frames().take_counted(reserve::FOR_PROGRAMS).ok_or(ENOMEM)?;
        Ok(Frame::numbered(number))
    }

    /// A frame with all bytes zero that a program cannot go on without.
    pub(super) fn zeroed_for_program() -> Result<Frame, Errno> {
        let number = frames().take_counted(reserve::FOR_KERNEL).ok_or(ENOMEM)?;
        Ok(Frame::numbered(number).cleared())
    }

    fn cleared(self) -> Frame {
        // SAFETY: the frame is new, nobody else knows it.
        unsafe { direct(self.address()).write_bytes(0, PAGE_SIZE) };
        self
    }

    /// A page of the root archive, in place.
    pub fn of_archive(address: PhysAddr) -> Frame {
        Frame::numbered((address / PAGE_SIZE) as u32)
    }

    /// Frame 0 is never RAM of ours, so that `Option<Frame>` is as small as `Frame`.
    fn numbered(number: u32) -> Frame {
        let number = NonZero::new(number).unwrap_or(NonZero::<u32>::MIN);
        Frame { number }
    }

    /// Takes back a reference that `into_raw` left in a page table.
    pub(super) fn from_raw(address: PhysAddr) -> Frame {
        Frame::of_archive(address)
    }

    /// Leaves the reference to a page table.
    pub(super) fn into_raw(self) -> PhysAddr {
        let address = self.address();
        core::mem::forget(self);
        address
    }

    pub fn address(&self) -> PhysAddr {
        self.number.get() as usize * PAGE_SIZE
    }

    /// True when no one else refers to it, so that it may be written in place.
    pub fn is_exclusive(&self) -> bool {
        self.count() == 1
    }

    /// References to it; 0 for a page of the image.
    pub(super) fn count(&self) -> u32 {
        frames().info(self.number.get()).state
    }

    /// Copies `bytes` to `offset` in the frame; the caller keeps within PAGE_SIZE.
    pub fn write(&self, offset: usize, bytes: &[u8]) {
        assert!(offset <= PAGE_SIZE && bytes.len() <= PAGE_SIZE - offset);
        // SAFETY: within the frame. The application may look at it meanwhile; no reference is made.
        unsafe {
            direct(self.address() + offset).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
    }

    /// Copies from `offset` in the frame.
    pub fn read(&self, offset: usize, into: &mut [u8]) {
        assert!(offset <= PAGE_SIZE && into.len() <= PAGE_SIZE - offset);
        // SAFETY: as for `write`.
        unsafe {
            direct(self.address() + offset).copy_to_nonoverlapping(into.as_mut_ptr(), into.len());
        }
    }

    /// A frame with the same bytes, nobody else's.
    pub fn duplicate(&self) -> Result<Frame, Errno> {
        let number = frames().take_counted(reserve::FOR_KERNEL).ok_or(ENOMEM)?;
        let copy = Frame::numbered(number);
        // SAFETY: two different frames, the new one known to nobody else.
        unsafe {
            direct(copy.address()).copy_from_nonoverlapping(direct(self.address()), PAGE_SIZE);
        }
        Ok(copy)
    }
}

impl Clone for Frame {
    fn clone(&self) -> Self {
        let mut frames = frames();
        let info = frames.info(self.number.get());
        if info.state != 0 {
            info.state += 1;
        }
        Frame {
            number: self.number,
        }
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        let mut frames = frames();
        let info = frames.info(self.number.get());
        match info.state {
            0 => {} // of the image
            1 => {
                frames.counted -= 1;
                frames.give(self.number.get());
            }
            _ => info.state -= 1,
        }
    }
}

/// Physically contiguous memory for the kernel and for devices, zeroed, never freed by drop.
pub fn allocate_contiguous(pages: usize) -> Result<PhysAddr, Errno> {
    let first = frames().take_contiguous(pages).ok_or(ENOMEM)?;
    let address = first as usize * PAGE_SIZE;
    // SAFETY: these frames are new, nobody else knows them.
    unsafe { direct(address).write_bytes(0, pages * PAGE_SIZE) };
    Ok(address)
}

/// Gives back what `allocate_contiguous` gave.
pub fn free_contiguous(address: PhysAddr, pages: usize) {
    frames().give_contiguous((address / PAGE_SIZE) as u32, pages);
}

/// Frames in use, the kernel's own included.
pub fn used_count() -> usize {
    let frames = frames();
    frames.buddy.total_count() - frames.free_count()
}

/// Frames that applications, files and their page tables hold, for the leak counts.
pub fn held_count() -> usize {
    frames().counted
}

/// Frames managed, in use or not.
pub fn total_count() -> usize {
    frames().buddy.total_count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_reference_frees() {
        let frame = Frame::zeroed().unwrap();
        assert!(frame.is_exclusive());
        let other = frame.clone();
        assert!(!frame.is_exclusive());
        frame.write(4090, b"abcdef");
        let mut read = [0; 6];
        other.read(4090, &mut read);
        assert_eq!(&read, b"abcdef");
        drop(frame);
        assert!(other.is_exclusive());
    }

    #[test]
    fn the_kernel_keeps_its_reserve() {
        let mut frames = super::super::host::frames();
        let taken = core::iter::from_fn(|| frames.take_counted(reserve::FOR_KERNEL)).count();
        assert_eq!(taken, frames.buddy.total_count() - reserve::FOR_KERNEL);
        assert!(frames.take().is_some());
        assert!(frames.take_contiguous(2).is_some());
    }
}
