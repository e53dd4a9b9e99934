//! A device's registers in memory: every access volatile and inside what was mapped.

use crate::errno::Errno;
use crate::mm::{self, PhysAddr};

/// A mapped window of registers. Accesses past its end read all ones and write nothing, as an
/// absent device would.
#[derive(Clone, Copy)]
pub struct Registers {
    base: *mut u8,
    size_bytes: usize,
}

// SAFETY: device registers belong to no thread; drivers serialise their own accesses.
unsafe impl Send for Registers {}

macro_rules! access {
    ($read:ident, $write:ident, $type:ty) => {
        pub fn $read(&self, offset: usize) -> $type {
            match self.place(offset, size_of::<$type>()) {
                // SAFETY: inside the mapped window and aligned, as `place` checked.
                Some(place) => unsafe { place.cast::<$type>().read_volatile() },
                None => <$type>::MAX,
            }
        }

        pub fn $write(&self, offset: usize, value: $type) {
            if let Some(place) = self.place(offset, size_of::<$type>()) {
                // SAFETY: as for reading.
                unsafe { place.cast::<$type>().write_volatile(value) };
            }
        }
    };
}

impl Registers {
    /// Maps `size_bytes` of registers at a physical address.
    pub fn map(address: PhysAddr, size_bytes: usize) -> Result<Registers, Errno> {
        let base = mm::map_device(address, size_bytes)?;
        Ok(Registers { base, size_bytes })
    }

    access!(read_u8, write_u8, u8);
    access!(read_u16, write_u16, u16);
    access!(read_u32, write_u32, u32);

    /// Writes a 64-bit register as its two halves, low one first (virtio 1.2 § 4.1.3.1).
    pub fn write_u64(&self, offset: usize, value: u64) {
        self.write_u32(offset, value as u32);
        self.write_u32(offset + 4, (value >> 32) as u32);
    }

    fn place(&self, offset: usize, size_bytes: usize) -> Option<*mut u8> {
        let end = offset.checked_add(size_bytes)?;
        // SAFETY: the offset is inside the mapped window.
        let place = (end <= self.size_bytes).then(|| unsafe { self.base.add(offset) })?;
        (place as usize).is_multiple_of(size_bytes).then_some(place)
    }
}
