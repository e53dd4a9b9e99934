//! Looking at memory that may not be there.

use crate::mm;

const WORD_BYTES: usize = size_of::<usize>();

/// The word at an address, if it is mapped now. Never faults: pages that would have to be brought
/// in are as good as missing.
pub fn word(address: usize) -> Option<usize> {
    if !address.is_multiple_of(WORD_BYTES) || !mm::is_mapped(address) {
        return None;
    }
    // SAFETY: aligned, so within the one page that was just found mapped; nothing unmaps it
    // meanwhile, since the kernel is not preempted.
    Some(unsafe { (address as *const usize).read_volatile() })
}
