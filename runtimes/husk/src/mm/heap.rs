//! The kernel's heap behind Rust's `alloc`: objects up to 2 KiB in frames cut into equal parts
//! (slabs), anything larger in contiguous frames. An empty slab goes back at once.
//!
//! Everything is reached through the direct map, so that the heap has no page tables of its own.
//! Lock order: the heap's lock, then the frames'.

use alloc::vec::Vec;
use core::alloc::{GlobalAlloc, Layout};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::buddy::FrameInfo;
use super::frame::{Frames, frames};
use super::{PAGE_SIZE, direct, reserve};
use crate::errno::{ENOMEM, Errno};
use crate::sync::SpinLock;

/// Sizes of objects. Objects lie at multiples of their size, so that a size with k trailing zero
/// bits is aligned to 2^k.
const CLASSES: [usize; 14] = [
    16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1344, 2048,
];
/// `FrameInfo::free_object` of a slab without a free object.
const FULL: u16 = u16::MAX;
/// Objects end their free list with this.
const END: u16 = u16::MAX;

/// First slab with a free object, for each class; 0: none.
struct Slabs {
    partial: [u32; CLASSES.len()],
}

static SLABS: SpinLock<Slabs> = SpinLock::new(Slabs {
    partial: [0; CLASSES.len()],
});
static USED_BYTES: AtomicUsize = AtomicUsize::new(0);

/// Bytes in use, rounded up to what each allocation really takes.
pub fn used_bytes() -> usize {
    USED_BYTES.load(Ordering::Relaxed)
}

/// A buffer of a size that the application has chosen: ENOMEM where the heap has none so long, which
/// ends a call, while an allocation that cannot fail ends the machine.
pub fn zeros(size_bytes: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size_bytes).map_err(|_| ENOMEM)?;
    bytes.resize(size_bytes, 0);
    Ok(bytes)
}

/// Appends what the application has chosen the length of: ENOMEM as for `zeros`.
pub fn append(to: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Errno> {
    to.try_reserve(bytes.len()).map_err(|_| ENOMEM)?;
    to.extend_from_slice(bytes);
    Ok(())
}

/// Appends to what grows with what the application does: ENOMEM as for `zeros`.
pub fn push<T>(to: &mut Vec<T>, value: T) -> Result<(), Errno> {
    to.try_reserve(1).map_err(|_| ENOMEM)?;
    to.push(value);
    Ok(())
}

struct Heap;

#[cfg(not(test))]
#[global_allocator]
static HEAP: Heap = Heap;

// SAFETY: memory comes from frames that are the heap's until freed; sizes and alignments are kept
// as the classes and the buddy allocator promise.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match class_of(layout) {
            Some(class) => SLABS.lock().allocate(class),
            None => allocate_pages(layout),
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let address = physical(pointer);
        match class_of(layout) {
            Some(class) => SLABS.lock().free(class, address),
            None => free_pages(address, layout),
        }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let Ok(new_layout) = Layout::from_size_align(new_size, layout.align()) else {
            return null_mut();
        };
        if taken_bytes(layout) == taken_bytes(new_layout) {
            return pointer;
        }
        // SAFETY: both layouts are valid, the pointer is of the old one.
        unsafe {
            let target = self.alloc(new_layout);
            if !target.is_null() {
                target.copy_from_nonoverlapping(pointer, layout.size().min(new_size));
                self.dealloc(pointer, layout);
            }
            target
        }
    }
}

fn physical(pointer: *mut u8) -> usize {
    pointer as usize - direct(0) as usize
}

fn class_of(layout: Layout) -> Option<usize> {
    let fits =
        |&size: &usize| size >= layout.size() && size & size.wrapping_neg() >= layout.align();
    CLASSES.iter().position(fits)
}

fn pages_of(layout: Layout) -> usize {
    layout.size().div_ceil(PAGE_SIZE).max(1)
}

fn taken_bytes(layout: Layout) -> usize {
    match class_of(layout) {
        Some(class) => CLASSES[class],
        None => pages_of(layout) * PAGE_SIZE,
    }
}

/// Alignments past a page hold because blocks are aligned to their size: such a layout takes at
/// least as many pages as it is aligned to.
fn allocate_pages(layout: Layout) -> *mut u8 {
    let pages = pages_of(layout).max(layout.align() / PAGE_SIZE);
    let mut frames = frames();
    let Some(first) = frames.take_contiguous(pages) else {
        return null_mut();
    };
    reserve::note_taken(frames.free_count());
    USED_BYTES.fetch_add(pages * PAGE_SIZE, Ordering::Relaxed);
    direct(first as usize * PAGE_SIZE)
}

fn free_pages(address: usize, layout: Layout) {
    let pages = pages_of(layout).max(layout.align() / PAGE_SIZE);
    USED_BYTES.fetch_sub(pages * PAGE_SIZE, Ordering::Relaxed);
    frames().give_contiguous((address / PAGE_SIZE) as u32, pages);
}

impl Slabs {
    fn allocate(&mut self, class: usize) -> *mut u8 {
        let mut frames = frames();
        let mut slab = self.partial[class];
        if slab == 0 {
            let Some(new) = new_slab(&mut frames, class) else {
                return null_mut();
            };
            self.link(&mut frames, class, new);
            slab = new;
        }
        let info = frames.info(slab);
        let object = direct(slab as usize * PAGE_SIZE + CLASSES[class] * info.free_object as usize);
        info.used_objects += 1;
        // SAFETY: a free object begins with the index of the next one.
        info.free_object = unsafe { object.cast::<u16>().read() };
        if info.free_object == FULL {
            self.unlink(&mut frames, class, slab);
        }
        USED_BYTES.fetch_add(CLASSES[class], Ordering::Relaxed);
        object
    }

    fn free(&mut self, class: usize, address: usize) {
        USED_BYTES.fetch_sub(CLASSES[class], Ordering::Relaxed);
        let mut frames = frames();
        let slab = (address / PAGE_SIZE) as u32;
        let info = frames.info(slab);
        let was_full = info.free_object == FULL;
        // SAFETY: the object was given back: its first bytes are the free list's.
        unsafe { direct(address).cast::<u16>().write(info.free_object) };
        info.free_object = (address % PAGE_SIZE / CLASSES[class]) as u16;
        info.used_objects -= 1;
        if info.used_objects == 0 {
            if !was_full {
                self.unlink(&mut frames, class, slab);
            }
            frames.give(slab);
        } else if was_full {
            self.link(&mut frames, class, slab);
        }
    }

    fn link(&mut self, frames: &mut Frames, class: usize, slab: u32) {
        let next = self.partial[class];
        let info = frames.info(slab);
        (info.next, info.previous) = (next, 0);
        if next != 0 {
            frames.info(next).previous = slab;
        }
        self.partial[class] = slab;
    }

    fn unlink(&mut self, frames: &mut Frames, class: usize, slab: u32) {
        let FrameInfo { next, previous, .. } = *frames.info(slab);
        if previous == 0 {
            self.partial[class] = next;
        } else {
            frames.info(previous).next = next;
        }
        if next != 0 {
            frames.info(next).previous = previous;
        }
    }
}

/// A frame cut into objects of a class, each holding the index of the next.
fn new_slab(frames: &mut Frames, class: usize) -> Option<u32> {
    let slab = frames.take()?;
    reserve::note_taken(frames.free_count());
    let size = CLASSES[class];
    let count = PAGE_SIZE / size;
    for index in 0..count {
        let next = if index + 1 < count {
            index as u16 + 1
        } else {
            END
        };
        // SAFETY: within the new frame.
        unsafe {
            direct(slab as usize * PAGE_SIZE + index * size)
                .cast::<u16>()
                .write(next)
        };
    }
    *frames.info(slab) = FrameInfo::default();
    Some(slab)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    #[test]
    fn objects_do_not_overlap_and_are_aligned() {
        let wanted: Vec<Layout> = (0..300)
            .map(|n| layout(n * 23 % 5000 + 1, 1 << (n % 8)))
            .collect();
        // SAFETY: every object is freed with the layout it was allocated with, and written within.
        unsafe {
            let objects: Vec<*mut u8> = wanted.iter().map(|&layout| Heap.alloc(layout)).collect();
            for (index, (&object, layout)) in objects.iter().zip(&wanted).enumerate() {
                assert!(!object.is_null() && (object as usize).is_multiple_of(layout.align()));
                object.write_bytes(index as u8, layout.size());
            }
            for (index, (&object, layout)) in objects.iter().zip(&wanted).enumerate() {
                let bytes = core::slice::from_raw_parts(object, layout.size());
                assert!(bytes.iter().all(|&byte| byte == index as u8));
                Heap.dealloc(object, *layout);
            }
        }
    }

    #[test]
    fn growing_keeps_the_content() {
        // SAFETY: as above.
        unsafe {
            let object = Heap.alloc(layout(40, 8));
            object.write_bytes(7, 40);
            let larger = Heap.realloc(object, layout(40, 8), 9000);
            assert!((0..40).all(|index| larger.add(index).read() == 7));
            Heap.dealloc(larger, layout(9000, 8));
        }
    }
}
