//! Physical memory of the host's tests: an array that plays RAM, so that code using frames is
//! tested without a machine. The twin of `map`'s direct map and of what `install` does.

use std::sync::OnceLock;

use super::buddy::FrameInfo;
use super::frame::Frames;
use super::{PAGE_SIZE, PhysAddr};

const FRAMES: usize = 4096;
/// Frames 0 and 1 stay zero: they play the kernel's tables, in which nothing is mapped.
const FIRST: usize = 2;

#[repr(C, align(4096))]
#[derive(Clone)]
struct Page([u8; PAGE_SIZE]);

fn memory() -> usize {
    static MEMORY: OnceLock<usize> = OnceLock::new();
    *MEMORY.get_or_init(|| {
        let pages = vec![Page([0; PAGE_SIZE]); FRAMES];
        Box::leak(pages.into_boxed_slice()).as_mut_ptr() as usize
    })
}

/// Where a physical address is in this process.
pub fn direct(address: PhysAddr) -> *mut u8 {
    (memory() + address) as *mut u8
}

/// Frames over the array.
pub fn frames() -> Frames {
    let info = vec![FrameInfo::default(); FRAMES].into_boxed_slice();
    let mut frames = Frames::new();
    frames.begin(Box::leak(info));
    frames.add(FIRST, FRAMES);
    frames
}
