//! A split virtqueue (virtio 1.2 § 2.7) whose every descriptor has a buffer of its own: descriptor n
//! is buffer n for ever, so that there are no chains, and nothing of the kernel's is lent out.
//!
//! Laid out as legacy devices demand (§ 2.7.2), which modern ones accept. What the device writes is
//! checked: a descriptor it was not given and a length past the buffer are not believed.

use alloc::vec::Vec;
use core::sync::atomic::{Ordering, fence};

use crate::errno::{ENOMEM, Errno};
use crate::mm::frame::{allocate_contiguous, free_contiguous};
use crate::mm::{PAGE_SIZE, PhysAddr, direct};

const DESCRIPTOR_BYTES: usize = 16;
/// The device writes to this buffer (§ 2.7.5).
const DESCRIPTOR_WRITE: u16 = 2;
/// Set in the available ring's flags: no interrupts please (§ 2.7.7).
const NO_INTERRUPT: u16 = 1;
/// Set in the used ring's flags: no notifications please (§ 2.7.10).
const NO_NOTIFY: u16 = 1;

/// Where the parts of a queue are, for the device.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    pub size: u16,
    pub descriptors: PhysAddr,
    pub available: PhysAddr,
    pub used: PhysAddr,
}

/// A queue and its buffers.
pub struct Ring {
    layout: Layout,
    buffers: PhysAddr,
    buffer_bytes: usize,
    has_event_index: bool,
    /// The available ring's index as it will be published.
    next_available: u16,
    /// The index at the last `publish`.
    published: u16,
    /// How far the used ring has been read.
    seen_used: u16,
    is_devices: Vec<bool>,
    free: Vec<u16>,
}

fn queue_bytes(size: usize) -> (usize, usize) {
    let used_at = (DESCRIPTOR_BYTES * size + 6 + 2 * size).next_multiple_of(PAGE_SIZE);
    (used_at, used_at + 6 + 8 * size)
}

impl Ring {
    /// `size` is a power of two (§ 2.7).
    pub fn new(size: u16, buffer_bytes: usize, has_event_index: bool) -> Result<Ring, Errno> {
        let count = usize::from(size);
        let (used_at, bytes) = queue_bytes(count);
        let mut is_devices = Vec::new();
        let mut free = Vec::new();
        is_devices.try_reserve(count).map_err(|_| ENOMEM)?;
        free.try_reserve(count).map_err(|_| ENOMEM)?;
        is_devices.resize(count, false);
        free.extend((0..size).rev());
        let queue_pages = bytes.div_ceil(PAGE_SIZE);
        let descriptors = allocate_contiguous(queue_pages)?;
        let buffers = allocate_contiguous((buffer_bytes * count).div_ceil(PAGE_SIZE))
            .inspect_err(|_| free_contiguous(descriptors, queue_pages))?;
        Ok(Ring {
            layout: Layout {
                size,
                descriptors,
                available: descriptors + DESCRIPTOR_BYTES * count,
                used: descriptors + used_at,
            },
            buffers,
            buffer_bytes,
            has_event_index,
            next_available: 0,
            published: 0,
            seen_used: 0,
            is_devices,
            free,
        })
    }

    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// A buffer the device does not have.
    pub fn take_free(&mut self) -> Option<u16> {
        self.free.pop()
    }

    /// Takes back what `take_free` gave, unused.
    pub fn put_free(&mut self, index: u16) {
        self.free.push(index);
    }

    pub fn free_count(&self) -> usize {
        self.free.len()
    }

    /// A buffer's bytes; empty while the device has it.
    pub fn bytes(&mut self, index: u16) -> &mut [u8] {
        let Some(false) = self.is_devices.get(usize::from(index)) else {
            return &mut [];
        };
        let start = direct(self.buffers + usize::from(index) * self.buffer_bytes);
        // SAFETY: the buffer is this ring's, inside its allocation; the device does not have it, and
        // the borrow of the ring keeps it from being handed over meanwhile.
        unsafe { core::slice::from_raw_parts_mut(start, self.buffer_bytes) }
    }

    /// Hands a buffer to the device to be filled.
    pub fn offer(&mut self, index: u16) {
        self.hand_over(index, self.buffer_bytes, DESCRIPTOR_WRITE);
    }

    /// Hands the first `length` bytes of a buffer to the device to be read.
    pub fn submit(&mut self, index: u16, length: usize) {
        self.hand_over(index, length.min(self.buffer_bytes), 0);
    }

    fn hand_over(&mut self, index: u16, length: usize, flags: u16) {
        let Some(owned) = self.is_devices.get_mut(usize::from(index)) else {
            return;
        };
        *owned = true;
        let address = self.buffers + usize::from(index) * self.buffer_bytes;
        let descriptor = self.layout.descriptors + usize::from(index) * DESCRIPTOR_BYTES;
        write(descriptor, address as u64);
        write(descriptor + 8, length as u32);
        write(descriptor + 12, flags);
        let slot = usize::from(self.next_available % self.layout.size);
        write(self.layout.available + 4 + 2 * slot, index);
        self.next_available = self.next_available.wrapping_add(1);
    }

    /// Shows the device everything handed over; true when it wants to be notified.
    pub fn publish(&mut self) -> bool {
        if self.next_available == self.published {
            return false;
        }
        fence(Ordering::Release); // descriptors before the index that covers them
        write(self.layout.available + 2, self.next_available);
        fence(Ordering::SeqCst); // the index before looking whether the device sleeps
        let before = core::mem::replace(&mut self.published, self.next_available);
        if !self.has_event_index {
            return read::<u16>(self.layout.used) & NO_NOTIFY == 0;
        }
        let event: u16 = read(self.layout.used + 4 + 8 * usize::from(self.layout.size));
        // § 2.7.10: notify when the index passed `event` since last time.
        self.next_available.wrapping_sub(event).wrapping_sub(1)
            < self.next_available.wrapping_sub(before)
    }

    /// The next buffer the device is done with, and how many bytes it wrote.
    pub fn take_used(&mut self) -> Option<(u16, usize)> {
        loop {
            if !self.has_used() {
                return None;
            }
            fence(Ordering::Acquire); // the index before the element it covers
            let slot = usize::from(self.seen_used % self.layout.size);
            let [id, length]: [u32; 2] = read(self.layout.used + 4 + 8 * slot);
            self.seen_used = self.seen_used.wrapping_add(1);
            let index = u16::try_from(id).ok();
            let owned = index.and_then(|index| self.is_devices.get_mut(usize::from(index)));
            if let (Some(index), Some(owned @ true)) = (index, owned) {
                *owned = false;
                return Some((index, (length as usize).min(self.buffer_bytes)));
            }
        }
    }

    /// True when the device has used a buffer that was not taken back yet.
    pub fn has_used(&self) -> bool {
        read::<u16>(self.layout.used + 2) != self.seen_used
    }

    /// Takes back every buffer the device has read.
    pub fn reclaim(&mut self) {
        while let Some((index, _)) = self.take_used() {
            self.free.push(index);
        }
    }

    /// Asks for an interrupt at the next used buffer; true when there is one already.
    pub fn request_interrupt(&mut self) -> bool {
        if self.has_event_index {
            let event = self.layout.available + 4 + 2 * usize::from(self.layout.size);
            write(event, self.seen_used);
        } else {
            write(self.layout.available, 0u16);
        }
        fence(Ordering::SeqCst); // the wish before looking whether it comes too late
        self.has_used()
    }

    /// Asks for no interrupts until further notice. With event indices there is nothing to do: the
    /// device interrupts once for each request.
    pub fn suppress_interrupts(&mut self) {
        if !self.has_event_index {
            write(self.layout.available, NO_INTERRUPT);
        }
    }
}

/// A queue is never torn down while the device may use it: drivers reset the device first.
impl Drop for Ring {
    fn drop(&mut self) {
        let count = usize::from(self.layout.size);
        let (_, bytes) = queue_bytes(count);
        free_contiguous(self.layout.descriptors, bytes.div_ceil(PAGE_SIZE));
        free_contiguous(
            self.buffers,
            (self.buffer_bytes * count).div_ceil(PAGE_SIZE),
        );
    }
}

fn read<T: Copy>(address: PhysAddr) -> T {
    // SAFETY: inside the queue's own memory, aligned as the layout is; the device may write it at
    // any time, hence volatile, and any bytes are a valid integer.
    unsafe { direct(address).cast::<T>().read_volatile() }
}

fn write<T: Copy>(address: PhysAddr, value: T) {
    // SAFETY: as for `read`.
    unsafe { direct(address).cast::<T>().write_volatile(value) };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays the device: uses the descriptor that is next in the available ring.
    fn use_next(ring: &Ring, at: u16, length: u32) {
        let layout = ring.layout();
        let slot = usize::from(at % layout.size);
        let id: u16 = read(layout.available + 4 + 2 * slot);
        write(layout.used + 4 + 8 * slot, [u32::from(id), length]);
        write(layout.used + 2, at.wrapping_add(1));
    }

    #[test]
    fn buffers_go_round_and_wrap() {
        let mut ring = Ring::new(4, 2048, true).unwrap();
        for round in 0..9u16 {
            let index = ring.take_free().unwrap();
            ring.bytes(index)[0] = round as u8;
            ring.submit(index, 60);
            assert!(ring.bytes(index).is_empty());
            ring.publish();
            use_next(&ring, round, 0);
            ring.reclaim();
        }
        assert_eq!(ring.free_count(), 4);
    }

    #[test]
    fn the_device_is_not_believed() {
        let mut ring = Ring::new(4, 2048, true).unwrap();
        let index = ring.take_free().unwrap();
        ring.offer(index);
        ring.publish();
        let used = ring.layout().used;
        write(used + 4, [77u32, 10]);
        write(used + 12, [u32::from(index), 1 << 30]);
        write(used + 20, [u32::from(index), 10]);
        write(used + 2, 3u16);
        assert_eq!(ring.take_used(), Some((index, 2048)));
        assert_eq!(ring.take_used(), None);
    }

    #[test]
    fn the_device_is_notified_only_when_it_asked() {
        let mut ring = Ring::new(4, 2048, true).unwrap();
        let event = ring.layout().used + 4 + 8 * 4;
        write(event, 0u16);
        ring.offer(0);
        assert!(ring.publish());
        ring.offer(1);
        assert!(!ring.publish());
        write(event, 2u16);
        ring.offer(2);
        ring.offer(3);
        assert!(ring.publish());
        assert!(!ring.publish());
    }
}
