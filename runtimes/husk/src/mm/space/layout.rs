//! Where things go in a new address space, at random (Documentation/admin-guide/sysctl/kernel.rst,
//! randomize_va_space): the same places and the same entropy as Linux on x86-64.

use crate::boot;
use crate::fs::random;
use crate::mm::{PAGE_SIZE, USER_END};

/// Lowest address mmap(2) gives without MAP_FIXED, and the lowest MAP_FIXED may have
/// (vm.mmap_min_addr): the pages that null pointers reach are never mapped.
pub const LOWEST: usize = 65_536;
/// Pages of randomness: position-independent programs and mappings, the stack, the heap.
const MAPPING_PAGES: u64 = 1 << 28;
const STACK_PAGES: u64 = 1 << 22;
const HEAP_PAGES: u64 = 1 << 13;
/// Room between the stack's limit and the highest mapping (Linux's MIN_GAP and stack_guard_gap).
const STACK_ROOM: usize = 128 << 20;
pub const STACK_GUARD: usize = 256 * PAGE_SIZE;

/// The random choices for one address space.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layout {
    pub stack_top: usize,
    /// Mappings without an address go below.
    pub mapping_top: usize,
    /// Where a position-independent program begins.
    pub program_base: usize,
    /// How far above a program's end its heap begins.
    pub heap_offset: usize,
}

impl Layout {
    /// The host's `seed=` makes it the same at every boot, for debugging.
    pub fn choose(stack_limit: usize) -> Layout {
        let mut state = boot::options().seed;
        let mut pages = |limit: u64| {
            let number = match &mut state {
                Some(state) => splitmix(state),
                None => random::number(),
            };
            (number % limit) as usize * PAGE_SIZE
        };
        let stack_top = USER_END - pages(STACK_PAGES);
        let stack_room = stack_limit.clamp(STACK_ROOM, USER_END / 6 * 5) + STACK_GUARD;
        Layout {
            stack_top,
            mapping_top: USER_END
                - (STACK_PAGES as usize * PAGE_SIZE)
                - (stack_room & !(PAGE_SIZE - 1))
                - pages(MAPPING_PAGES),
            program_base: ((USER_END / 3 * 2) & !(PAGE_SIZE - 1)) + pages(MAPPING_PAGES),
            heap_offset: pages(HEAP_PAGES),
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): spreads a seed; not for secrets.
fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_apart_and_aligned() {
        for _ in 0..100 {
            let layout = Layout::choose(8 << 20);
            assert!(layout.program_base + (1 << 40) < layout.mapping_top);
            assert!(layout.mapping_top + (8 << 20) < layout.stack_top);
            assert!(layout.stack_top <= USER_END);
            assert_eq!((layout.mapping_top | layout.program_base) % PAGE_SIZE, 0);
        }
    }

    #[test]
    fn a_huge_stack_limit_leaves_room_for_mappings() {
        assert!(Layout::choose(usize::MAX).mapping_top > LOWEST);
    }
}
