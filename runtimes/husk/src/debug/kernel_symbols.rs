//! Names of the kernel's functions, which the converter puts behind the code (husk.ld).
//!
//! Each record in order of address: how far from the one before (LEB128), how many bytes of the name
//! before it begins with, and the rest of its own name up to a NUL. Neighbours share most of their
//! names, so that this takes half of what whole names would.

use crate::mm::KERNEL_BASE;

/// Longer names are cut by the converter.
const NAME_LIMIT: usize = 255;

#[cfg(not(test))]
unsafe extern "C" {
    static husk_symbols: u8;
    static husk_symbols_end: u8;
}

/// A function's name.
pub struct Name {
    bytes: [u8; NAME_LIMIT],
    size: usize,
}

impl Name {
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.size).unwrap_or_default()
    }
}

/// The function that an address is in, and how far in.
pub fn find(address: usize) -> Option<(Name, usize)> {
    let offset = address.checked_sub(KERNEL_BASE)?;
    find_in(records(), offset)
}

#[cfg(not(test))]
fn records() -> &'static [u8] {
    let (start, end) = (&raw const husk_symbols, &raw const husk_symbols_end);
    // SAFETY: the linker's symbols bound a constant section.
    unsafe { core::slice::from_raw_parts(start, end as usize - start as usize) }
}

/// The host's tests are not linked by the converter.
#[cfg(test)]
fn records() -> &'static [u8] {
    &[]
}

fn find_in(records: &[u8], offset: usize) -> Option<(Name, usize)> {
    let mut reader = Reader {
        rest: records,
        start: 0,
        name: Name {
            bytes: [0; NAME_LIMIT],
            size: 0,
        },
    };
    let mut found = None;
    while let Some(next) = reader.next_start() {
        if next > offset {
            break;
        }
        reader.take(next)?;
        found = Some(next);
    }
    Some((reader.name, offset - found?))
}

struct Reader<'a> {
    rest: &'a [u8],
    start: usize,
    name: Name,
}

impl Reader<'_> {
    /// Where the next function begins; it is taken by `take`.
    fn next_start(&self) -> Option<usize> {
        let (distance, _) = leb128(self.rest)?;
        Some(self.start + distance)
    }

    fn take(&mut self, start: usize) -> Option<()> {
        let (_, size) = leb128(self.rest)?;
        let (&shared, rest) = self.rest.get(size..)?.split_first()?;
        let end = rest.iter().position(|&byte| byte == 0)?;
        let own = rest.get(..end)?;
        let name_end = usize::from(shared) + end;
        let place = self.name.bytes.get_mut(usize::from(shared)..name_end)?;
        place.copy_from_slice(own);
        self.name.size = name_end;
        self.rest = rest.get(end + 1..)?;
        self.start = start;
        Some(())
    }
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

    /// `fs::open` at 0x10, `fs::openat` at 0x90, `net` at 0x110.
    const RECORDS: &[u8] = b"\x10\0fs::open\0\x80\x01\x08at\0\x80\x01\0net\0";

    fn found(offset: usize) -> Option<(Vec<u8>, usize)> {
        find_in(RECORDS, offset).map(|(name, into)| (name.bytes().to_vec(), into))
    }

    #[test]
    fn an_address_is_in_the_function_that_begins_before_it() {
        assert_eq!(found(0xf), None);
        assert_eq!(found(0x10), Some((b"fs::open".to_vec(), 0)));
        assert_eq!(found(0x10f), Some((b"fs::openat".to_vec(), 0x7f)));
        assert_eq!(found(0x5000), Some((b"net".to_vec(), 0x4ef0)));
    }
}
