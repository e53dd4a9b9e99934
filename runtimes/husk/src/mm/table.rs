//! Page tables (SDM vol. 3 § 4.5): entries, and the walk to one.
//!
//! Everything runs at the kernel's privilege level, so the user bit is never set.

use super::{PhysAddr, direct};

pub const PRESENT: u64 = 1 << 0;
pub const WRITABLE: u64 = 1 << 1;
/// Write-through and cache-disable: uncached with the PAT as reset leaves it.
pub const UNCACHED: u64 = 1 << 3 | 1 << 4;
pub const LARGE: u64 = 1 << 7;
/// Stays in the TLB when CR3 is loaded: the same in every address space.
pub const GLOBAL: u64 = 1 << 8;
/// Ours: the entry owns a reference to its frame, even when not present (PROT_NONE).
pub const HOLDS: u64 = 1 << 9;
pub const NO_EXECUTE: u64 = 1 << 63;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

pub const ENTRIES: usize = 512;
/// Levels are counted down to 0, the one whose entries map 4 KiB pages.
pub const TOP_LEVEL: usize = 3;

/// What an entry points to.
pub fn address_in(entry: u64) -> PhysAddr {
    (entry & ADDRESS) as usize
}

/// Bytes that one entry of a level covers.
pub const fn span(level: usize) -> usize {
    4096 << (9 * level)
}

/// The entry for a virtual address in the table at `table`.
pub fn entry_of(table: PhysAddr, level: usize, virtual_address: usize) -> *mut u64 {
    let index = virtual_address / span(level) % ENTRIES;
    direct(table).cast::<u64>().wrapping_add(index)
}

/// Reads an entry.
pub fn read(entry: *mut u64) -> u64 {
    // SAFETY: entries come from `entry_of` on tables that live; only the kernel writes them, except
    // for the accessed and dirty bits, which the processor sets.
    unsafe { entry.read_volatile() }
}

/// Writes an entry.
pub fn write(entry: *mut u64, value: u64) {
    // SAFETY: as for `read`.
    unsafe { entry.write_volatile(value) }
}

/// Walks from `root` to the entry at `level`, making tables with `new_table` where there are none;
/// it gives a zeroed frame, or None, which ends the walk.
pub fn walk(
    root: PhysAddr,
    virtual_address: usize,
    level: usize,
    new_table: &mut dyn FnMut() -> Option<PhysAddr>,
) -> Option<*mut u64> {
    let mut table = root;
    for upper in (level + 1..=TOP_LEVEL).rev() {
        let entry = entry_of(table, upper, virtual_address);
        let mut value = read(entry);
        if value & PRESENT == 0 {
            value = new_table()? as u64 | PRESENT | WRITABLE;
            write(entry, value);
        }
        assert!(value & LARGE == 0, "a large page where a table should be");
        table = address_in(value);
    }
    Some(entry_of(table, level, virtual_address))
}

/// True when the tables at `root` translate an address, by a page of any size.
pub fn is_present(root: PhysAddr, virtual_address: usize) -> bool {
    let mut table = root;
    for level in (0..=TOP_LEVEL).rev() {
        let value = read(entry_of(table, level, virtual_address));
        if value & PRESENT == 0 {
            return false;
        }
        if level > 0 && value & LARGE != 0 {
            return true;
        }
        table = address_in(value);
    }
    true
}
