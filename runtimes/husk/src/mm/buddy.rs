//! Free frames in blocks of powers of two, buddies merged again (Knuth, TAOCP vol. 1 § 2.5).
//!
//! All bookkeeping is in a table beside the frames, so that a free frame is never touched. Arch-free.

/// Largest block: 2^13 frames, 32 MiB.
const ORDERS: usize = 14;
/// No frame: number 0 is never given out (the first MiB is not managed).
const NONE: u32 = 0;
/// In `FrameInfo::state`: head of a free block; the low bits are its order.
const FREE: u32 = 1 << 31;

/// What is known of a frame. All zeros: not managed, or within a block.
#[derive(Clone, Copy, Default, Debug)]
#[repr(C)]
pub struct FrameInfo {
    /// References to a frame in use, or `FREE` with an order.
    pub state: u32,
    /// Neighbours in a list: of free blocks here, of slabs in `heap`.
    pub next: u32,
    pub previous: u32,
    /// The heap's, for a frame it cut into objects: first free object and how many are in use.
    pub free_object: u16,
    pub used_objects: u16,
}

/// The free blocks of each order.
pub struct Buddy {
    heads: [u32; ORDERS],
    free_count: usize,
    total_count: usize,
}

impl Default for Buddy {
    fn default() -> Self {
        Self::new()
    }
}

impl Buddy {
    pub const fn new() -> Buddy {
        Buddy {
            heads: [NONE; ORDERS],
            free_count: 0,
            total_count: 0,
        }
    }

    pub fn free_count(&self) -> usize {
        self.free_count
    }

    pub fn total_count(&self) -> usize {
        self.total_count
    }

    /// Takes over frames `start..end`; done once for each range of memory.
    pub fn add(&mut self, info: &mut [FrameInfo], start: usize, end: usize) {
        let end = end.min(info.len());
        let start = start.max(1);
        if start < end {
            self.total_count += end - start;
            self.free(info, start as u32, end - start);
        }
    }

    /// `count` contiguous frames; the first is aligned to the power of two at or above `count`.
    pub fn allocate(&mut self, info: &mut [FrameInfo], count: usize) -> Option<u32> {
        let order = order_above(count);
        let found = (order..ORDERS).find(|&order| self.heads[order] != NONE)?;
        let frame = self.heads[found];
        self.unlink(info, frame, found);
        let size = 1 << found;
        self.free_count -= size;
        self.free(info, frame + count as u32, size - count);
        Some(frame)
    }

    /// Gives back `count` frames, not necessarily all that were allocated together.
    pub fn free(&mut self, info: &mut [FrameInfo], frame: u32, count: usize) {
        let (mut at, end) = (frame as usize, frame as usize + count);
        while at < end {
            let aligned = at.trailing_zeros() as usize;
            let fitting = (end - at).ilog2() as usize;
            let order = aligned.min(fitting).min(ORDERS - 1);
            self.free_block(info, at as u32, order);
            at += 1 << order;
        }
    }

    fn free_block(&mut self, info: &mut [FrameInfo], frame: u32, order: usize) {
        self.free_count += 1 << order;
        let (mut frame, mut order) = (frame, order);
        while order < ORDERS - 1 {
            let buddy = frame ^ (1 << order);
            let is_free = info
                .get(buddy as usize)
                .is_some_and(|other| other.state == FREE | order as u32);
            if !is_free {
                break;
            }
            self.unlink(info, buddy, order);
            frame &= !(1 << order);
            order += 1;
        }
        self.link(info, frame, order);
    }

    fn link(&mut self, info: &mut [FrameInfo], frame: u32, order: usize) {
        let next = self.heads[order];
        info[frame as usize] = FrameInfo {
            state: FREE | order as u32,
            next,
            ..FrameInfo::default()
        };
        if next != NONE {
            info[next as usize].previous = frame;
        }
        self.heads[order] = frame;
    }

    fn unlink(&mut self, info: &mut [FrameInfo], frame: u32, order: usize) {
        let FrameInfo { next, previous, .. } = info[frame as usize];
        if previous == NONE {
            self.heads[order] = next;
        } else {
            info[previous as usize].next = next;
        }
        if next != NONE {
            info[next as usize].previous = previous;
        }
        info[frame as usize] = FrameInfo::default();
    }
}

fn order_above(count: usize) -> usize {
    count.max(1).next_power_of_two().trailing_zeros() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(frames: usize) -> (Buddy, Vec<FrameInfo>) {
        let mut info = vec![FrameInfo::default(); frames];
        let mut buddy = Buddy::new();
        buddy.add(&mut info, 3, frames);
        (buddy, info)
    }

    #[test]
    fn every_frame_is_given_out_once_and_comes_back() {
        let (mut buddy, mut info) = memory(100);
        let mut taken: Vec<u32> = core::iter::from_fn(|| buddy.allocate(&mut info, 1)).collect();
        taken.sort_unstable();
        assert_eq!(taken, (3..100).collect::<Vec<u32>>());
        assert_eq!(buddy.free_count(), 0);
        taken
            .iter()
            .rev()
            .for_each(|&frame| buddy.free(&mut info, frame, 1));
        assert_eq!(buddy.free_count(), 97);
        assert_eq!(buddy.allocate(&mut info, 32), Some(32));
    }

    #[test]
    fn a_block_costs_what_was_asked_and_is_aligned() {
        let (mut buddy, mut info) = memory(256);
        let frame = buddy.allocate(&mut info, 33);
        assert_eq!(frame.map(|frame| frame % 64), Some(0));
        assert_eq!(buddy.free_count(), 253 - 33);
        buddy.free(&mut info, frame.unwrap_or(0), 33);
        assert_eq!(buddy.free_count(), 253);
        assert_eq!(buddy.allocate(&mut info, 128), Some(128));
    }

    #[test]
    fn too_much_is_refused() {
        let (mut buddy, mut info) = memory(64);
        assert_eq!(buddy.allocate(&mut info, 64), None);
        assert_eq!(buddy.allocate(&mut info, usize::MAX >> 1), None);
        assert_eq!(buddy.free_count(), 61);
    }

    #[test]
    fn freed_halves_merge_whatever_the_order() {
        let (mut buddy, mut info) = memory(1024);
        let blocks: Vec<(u32, usize)> = (1..40)
            .filter_map(|n| Some((buddy.allocate(&mut info, n)?, n)))
            .collect();
        for (index, &(frame, count)) in blocks.iter().enumerate() {
            if index % 2 == 0 {
                buddy.free(&mut info, frame, count);
            }
        }
        for (index, &(frame, count)) in blocks.iter().enumerate() {
            if index % 2 == 1 {
                buddy.free(&mut info, frame, count);
            }
        }
        assert_eq!(buddy.free_count(), 1021);
        assert_eq!(buddy.allocate(&mut info, 512), Some(512));
    }
}
