//! The headers of an ELF file (System V ABI gABI chapters 4 and 5; AMD64 psABI), checked so that
//! what comes out can be mapped without further doubt. Arch-free; hostile input is ENOEXEC.

use alloc::vec::Vec;

use crate::errno::{ENOEXEC, Errno};
use crate::mm::space::Protection;
use crate::mm::{PAGE_SIZE, USER_END};

pub const HEADER_BYTES: usize = 64;
pub const PROGRAM_HEADER_BYTES: usize = 56;
/// Linux reads at most 64 KiB of program headers.
const PROGRAM_HEADER_LIMIT: usize = 65536 / PROGRAM_HEADER_BYTES;
/// Longest name of an interpreter (PATH_MAX).
const INTERPRETER_LIMIT: u64 = 4096;

const PT_LOAD: u32 = 1;
const PT_INTERP: u32 = 3;
const PT_PHDR: u32 = 6;
const PT_GNU_STACK: u32 = 0x6474_e551;
const PF_X: u32 = 1;
const PF_W: u32 = 2;
const PF_R: u32 = 4;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// ET_EXEC: at the addresses it names.
    Fixed,
    /// ET_DYN: anywhere.
    Movable,
}

/// The ELF header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub kind: Kind,
    pub entry: usize,
    pub program_headers_offset: u64,
    pub program_header_count: usize,
}

/// A PT_LOAD: `address` and `offset` are congruent modulo the page size, nothing overflows, and the
/// memory is at least as long as the file's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    pub address: usize,
    pub memory_bytes: usize,
    pub offset: u64,
    pub file_bytes: usize,
    pub alignment: usize,
    pub protection: Protection,
}

/// What the program headers say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// In ascending order, not overlapping, at least one.
    pub segments: Vec<Segment>,
    /// Where in the file the interpreter's name is, and how long, with its NUL.
    pub interpreter: Option<(u64, usize)>,
    /// PT_PHDR's address.
    pub program_headers: Option<usize>,
    pub wants_executable_stack: bool,
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, Errno> {
    let piece = bytes.get(at..at + 2).ok_or(ENOEXEC)?;
    Ok(u16::from_le_bytes(piece.try_into().map_err(|_| ENOEXEC)?))
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Errno> {
    let piece = bytes.get(at..at + 4).ok_or(ENOEXEC)?;
    Ok(u32::from_le_bytes(piece.try_into().map_err(|_| ENOEXEC)?))
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64, Errno> {
    let piece = bytes.get(at..at + 8).ok_or(ENOEXEC)?;
    Ok(u64::from_le_bytes(piece.try_into().map_err(|_| ENOEXEC)?))
}

fn require(is_true: bool) -> Result<(), Errno> {
    is_true.then_some(()).ok_or(ENOEXEC)
}

impl Header {
    /// `bytes` are the file's first 64.
    pub fn parse(bytes: &[u8]) -> Result<Header, Errno> {
        const ET_EXEC: u16 = 2;
        const ET_DYN: u16 = 3;
        const EM_X86_64: u16 = 62;
        require(bytes.starts_with(b"\x7fELF\x02\x01\x01"))?;
        require(u16_at(bytes, 18)? == EM_X86_64)?;
        require(usize::from(u16_at(bytes, 54)?) == PROGRAM_HEADER_BYTES)?;
        let kind = match u16_at(bytes, 16)? {
            ET_EXEC => Kind::Fixed,
            ET_DYN => Kind::Movable,
            _ => return Err(ENOEXEC),
        };
        let program_header_count = usize::from(u16_at(bytes, 56)?);
        require((1..=PROGRAM_HEADER_LIMIT).contains(&program_header_count))?;
        Ok(Header {
            kind,
            entry: u64_at(bytes, 24)? as usize,
            program_headers_offset: u64_at(bytes, 32)?,
            program_header_count,
        })
    }

    pub fn program_headers_bytes(&self) -> usize {
        self.program_header_count * PROGRAM_HEADER_BYTES
    }
}

impl Layout {
    /// `bytes` are the program headers, `file_bytes` the size of the whole file.
    pub fn parse(bytes: &[u8], file_bytes: u64) -> Result<Layout, Errno> {
        let mut layout = Layout::default();
        for header in bytes.chunks_exact(PROGRAM_HEADER_BYTES) {
            match u32_at(header, 0)? {
                PT_LOAD => layout.add(Segment::parse(header, file_bytes)?)?,
                PT_INTERP => layout.interpreter = Some(parse_interpreter(header)?),
                PT_PHDR => layout.program_headers = Some(u64_at(header, 16)? as usize),
                PT_GNU_STACK => layout.wants_executable_stack = u32_at(header, 4)? & PF_X != 0,
                _ => {}
            }
        }
        require(!layout.segments.is_empty())?;
        Ok(layout)
    }

    fn add(&mut self, segment: Segment) -> Result<(), Errno> {
        if segment.memory_bytes == 0 {
            return Ok(());
        }
        if let Some(last) = self.segments.last() {
            require(page_end(last.address + last.memory_bytes) <= page_start(segment.address))?;
        }
        self.segments.push(segment);
        Ok(())
    }

    /// First and one past the last page that the segments take.
    pub fn span(&self) -> (usize, usize) {
        let first = self.segments.first().map_or(0, |s| page_start(s.address));
        let last = self.segments.last();
        (
            first,
            last.map_or(0, |s| page_end(s.address + s.memory_bytes)),
        )
    }

    /// Where the program headers are in memory, before relocation.
    pub fn program_headers_address(&self, header: &Header) -> Option<usize> {
        self.program_headers.or_else(|| {
            let offset = header.program_headers_offset;
            let end = offset.checked_add(header.program_headers_bytes() as u64)?;
            let holds = |s: &&Segment| s.offset <= offset && end <= s.offset + s.file_bytes as u64;
            let segment = self.segments.iter().find(holds)?;
            Some(segment.address + (offset - segment.offset) as usize)
        })
    }

    pub fn alignment(&self) -> usize {
        let largest = self.segments.iter().map(|s| s.alignment).max();
        largest.unwrap_or(PAGE_SIZE).max(PAGE_SIZE)
    }
}

impl Segment {
    fn parse(header: &[u8], file_size: u64) -> Result<Segment, Errno> {
        const LARGEST_ALIGNMENT: usize = 1 << 30;
        let segment = Segment {
            address: u64_at(header, 16)? as usize,
            memory_bytes: u64_at(header, 40)? as usize,
            offset: u64_at(header, 8)?,
            file_bytes: u64_at(header, 32)? as usize,
            alignment: (u64_at(header, 48)? as usize).max(1),
            protection: protection(u32_at(header, 4)?),
        };
        let end = segment
            .address
            .checked_add(segment.memory_bytes)
            .ok_or(ENOEXEC)?;
        let file_end = segment
            .offset
            .checked_add(segment.file_bytes as u64)
            .ok_or(ENOEXEC)?;
        require(end <= USER_END)?;
        require(file_end <= file_size)?;
        require(segment.file_bytes <= segment.memory_bytes)?;
        require(segment.alignment.is_power_of_two() && segment.alignment <= LARGEST_ALIGNMENT)?;
        require(segment.address % PAGE_SIZE == segment.offset as usize % PAGE_SIZE)?;
        Ok(segment)
    }
}

fn parse_interpreter(header: &[u8]) -> Result<(u64, usize), Errno> {
    let size = u64_at(header, 32)?;
    require((2..=INTERPRETER_LIMIT).contains(&size))?;
    Ok((u64_at(header, 8)?, size as usize))
}

fn protection(flags: u32) -> Protection {
    let pairs = [
        (PF_R, Protection::READ),
        (PF_W, Protection::WRITE),
        (PF_X, Protection::EXECUTE),
    ];
    pairs
        .into_iter()
        .filter(|(flag, _)| flags & flag != 0)
        .fold(Protection::empty(), |all, (_, one)| all | one)
}

pub fn page_start(address: usize) -> usize {
    address & !(PAGE_SIZE - 1)
}

pub fn page_end(address: usize) -> usize {
    address.next_multiple_of(PAGE_SIZE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(kind: u16, machine: u16, count: u16) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_BYTES];
        bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        bytes[16..18].copy_from_slice(&kind.to_le_bytes());
        bytes[18..20].copy_from_slice(&machine.to_le_bytes());
        bytes[24..32].copy_from_slice(&0x401000u64.to_le_bytes());
        bytes[32..40].copy_from_slice(&64u64.to_le_bytes());
        bytes[54..56].copy_from_slice(&56u16.to_le_bytes());
        bytes[56..58].copy_from_slice(&count.to_le_bytes());
        bytes
    }

    fn load(offset: u64, address: u64, file: u64, memory: u64) -> Vec<u8> {
        let mut bytes = vec![0; PROGRAM_HEADER_BYTES];
        bytes[..4].copy_from_slice(&PT_LOAD.to_le_bytes());
        bytes[4..8].copy_from_slice(&(PF_R | PF_X).to_le_bytes());
        for (at, value) in [
            (8, offset),
            (16, address),
            (32, file),
            (40, memory),
            (48, 4096),
        ] {
            bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn a_good_header_is_understood() {
        let parsed = Header::parse(&header(2, 62, 3)).unwrap();
        assert_eq!((parsed.kind, parsed.entry), (Kind::Fixed, 0x401000));
    }

    #[test]
    fn every_truncation_and_foreign_value_is_refused() {
        let good = header(3, 62, 1);
        for length in 0..58 {
            assert_eq!(Header::parse(&good[..length]), Err(ENOEXEC), "{length}");
        }
        for bad in [
            header(1, 62, 1),
            header(4, 62, 1),
            header(2, 3, 1),
            header(2, 62, 0),
            header(2, 62, u16::MAX),
        ] {
            assert_eq!(Header::parse(&bad), Err(ENOEXEC));
        }
    }

    #[test]
    fn hostile_segments_are_refused() {
        for (offset, address, file, memory) in [
            (0, u64::MAX - 4095, 10, 8192),          // wraps
            (0, 0xffff_8000_0000_0000, 10, 10),      // the kernel's half
            (0, 0x7fff_ffff_f000, 10, 10),           // past the last page
            (u64::MAX - 4095, 0x400000, 8192, 8192), // file offset wraps
            (0, 0x400000, 5000, 4000),               // more file than memory
            (0, 0x400000, 5000, 5000),               // past the end of the file
            (1, 0x400000, 10, 10),                   // not congruent
        ] {
            let bytes = load(offset, address, file, memory);
            assert_eq!(
                Layout::parse(&bytes, 4500),
                Err(ENOEXEC),
                "{offset:#x} {address:#x}"
            );
        }
        let overlapping = [load(0, 0x400000, 10, 0x2000), load(0, 0x401000, 10, 10)].concat();
        assert_eq!(Layout::parse(&overlapping, 4500), Err(ENOEXEC));
        assert_eq!(Layout::parse(&[], 4500), Err(ENOEXEC));
    }

    #[test]
    fn segments_give_the_span_and_the_headers_place() {
        let bytes = [
            load(0, 0x400000, 0x500, 0x500),
            load(0x1000, 0x402000, 10, 0x3000),
        ]
        .concat();
        let layout = Layout::parse(&bytes, 0x2000).unwrap();
        assert_eq!(layout.span(), (0x400000, 0x405000));
        let parsed = Header::parse(&header(2, 62, 2)).unwrap();
        assert_eq!(layout.program_headers_address(&parsed), Some(0x400040));
    }
}
