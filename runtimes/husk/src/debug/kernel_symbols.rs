//! Names of the kernel's functions, which the converter puts behind the code (husk.ld): how far each
//! begins from the one before it (LEB128), and as many packed names.

#[cfg(not(test))]
use crate::boot::rootfs::between;
use crate::mm::KERNEL_BASE;
use crate::names::{self, Name};

/// The function that an address is in, and how far in.
pub fn find(address: usize) -> Option<(Name, usize)> {
    let offset = address.checked_sub(KERNEL_BASE)?;
    let (distances, packed) = linked();
    let (index, inside) = find_in(distances, offset)?;
    Some((names::nth(packed, index)?, inside))
}

#[cfg(not(test))]
fn linked() -> (&'static [u8], &'static [u8]) {
    unsafe extern "C" {
        static husk_symbols: u8;
        static husk_symbol_names: u8;
        static husk_symbols_end: u8;
    }
    let names = &raw const husk_symbol_names;
    // SAFETY: the linker's symbols bound a constant section.
    unsafe {
        (
            between(&raw const husk_symbols, names),
            between(names, &raw const husk_symbols_end),
        )
    }
}

/// The host's tests are not linked by the converter.
#[cfg(test)]
fn linked() -> (&'static [u8], &'static [u8]) {
    (&[], &[])
}

/// Which function it is in, and how far in.
fn find_in(distances: &[u8], offset: usize) -> Option<(usize, usize)> {
    let (mut rest, mut start, mut count) = (distances, 0, 0);
    while let Some((distance, size)) = leb128(rest) {
        if start + distance > offset {
            break;
        }
        (start, count) = (start + distance, count + 1);
        rest = rest.get(size..)?;
    }
    Some((usize::checked_sub(count, 1)?, offset - start))
}

/// An unsigned number of seven bits a byte, least first, and how many bytes it took (DWARF 5 § 7.6).
fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().enumerate().take(size_of::<usize>()) {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_the_function_that_begins_before_it() {
        // Functions at 0x10, 0x90 and 0x110.
        let found = |offset| find_in(b"\x10\x80\x01\x80\x01", offset);
        assert_eq!(found(0xf), None);
        assert_eq!(found(0x10), Some((0, 0)));
        assert_eq!(found(0x10f), Some((1, 0x7f)));
        assert_eq!(found(0x5000), Some((2, 0x4ef0)));
    }
}
