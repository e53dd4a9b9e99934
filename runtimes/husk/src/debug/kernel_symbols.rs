//! Names of the kernel's functions, which the converter puts behind the code (husk.ld): sorted
//! pairs of address and name, both as 32-bit offsets.

use crate::mm::KERNEL_BASE;

/// Longest name that is looked at.
const NAME_LIMIT: usize = 256;

#[cfg(not(test))]
unsafe extern "C" {
    static husk_symbol_count: usize;
    static husk_symbol_table: [u32; 2];
    static husk_symbol_strings: u8;
}

/// The function that an address is in, and how far in.
#[cfg(not(test))]
pub fn find(address: usize) -> Option<(&'static [u8], usize)> {
    // SAFETY: the linker's symbols bound a constant table of as many pairs as it says.
    let table = unsafe {
        let count = (&raw const husk_symbol_count).read();
        core::slice::from_raw_parts(&raw const husk_symbol_table, count)
    };
    let offset = u32::try_from(address.checked_sub(KERNEL_BASE)?).ok()?;
    let next = table.partition_point(|&[start, _]| start <= offset);
    let [start, name] = *table.get(next.checked_sub(1)?)?;
    // SAFETY: names follow each other there, each NUL-terminated, and rodata's padding after them.
    let bytes = unsafe {
        let first = (&raw const husk_symbol_strings).add(name as usize);
        let length = (0..NAME_LIMIT)
            .take_while(|&at| first.add(at).read() != 0)
            .count();
        core::slice::from_raw_parts(first, length)
    };
    Some((bytes, (offset - start) as usize))
}

/// The host's tests are not linked by the converter.
#[cfg(test)]
pub fn find(_address: usize) -> Option<(&'static [u8], usize)> {
    let _ = (KERNEL_BASE, NAME_LIMIT);
    None
}
