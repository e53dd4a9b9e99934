//! Mapping the PT_LOAD segments of an ELF file.

use super::elf::{self, Segment, page_end, page_start};
use super::{Binary, complain};
use crate::errno::{ENOEXEC, Errno};
use crate::mm::space::{AddressSpace, Backing, Placement, Protection, Request};
use crate::mm::{PAGE_SIZE, ZEROS};

/// A mapped ELF file.
pub struct Mapped {
    /// What is added to its addresses.
    pub base: usize,
    pub entry: usize,
    pub program_headers: usize,
    pub program_header_count: usize,
    /// One past its last page.
    pub end: usize,
}

/// Maps every segment: `placement` says where the first goes.
pub fn map(space: &AddressSpace, binary: &Binary, placement: Placement) -> Result<Mapped, Errno> {
    let (first, end) = binary.layout.span();
    // The whole span first, inaccessible: nothing else gets between its segments.
    let start = space.map(Request {
        protection: Protection::empty(),
        ..Request::anonymous(placement, end - first)
    })?;
    let base = start.wrapping_sub(first);
    for segment in &binary.layout.segments {
        map_segment(space, binary, segment, base)?;
    }
    let program_headers = binary.layout.program_headers_address(&binary.header);
    Ok(Mapped {
        base,
        entry: base.wrapping_add(binary.header.entry),
        program_headers: program_headers.map_or(0, |address| base.wrapping_add(address)),
        program_header_count: binary.header.program_header_count,
        end: base.wrapping_add(end),
    })
}

fn map_segment(
    space: &AddressSpace,
    binary: &Binary,
    segment: &Segment,
    base: usize,
) -> Result<(), Errno> {
    if segment
        .protection
        .contains(Protection::WRITE | Protection::EXECUTE)
    {
        complain(
            &binary.file.path(),
            "has a segment both writable and executable, which is refused",
        );
    }
    let address = base.wrapping_add(segment.address);
    let file_end = address + segment.file_bytes;
    let memory_end = page_end(address + segment.memory_bytes);
    let mut zeros_start = page_start(address);
    if segment.file_bytes > 0 {
        zeros_start = page_end(file_end);
        map_file(space, binary, segment, (page_start(address), zeros_start))?;
        if segment.memory_bytes > segment.file_bytes {
            zero_rest_of_page(space, segment, file_end)?;
        }
    }
    if zeros_start < memory_end {
        space.map(Request {
            protection: segment.protection,
            ..Request::anonymous(Placement::Fixed(zeros_start), memory_end - zeros_start)
        })?;
    }
    Ok(())
}

fn map_file(
    space: &AddressSpace,
    binary: &Binary,
    segment: &Segment,
    (start, end): (usize, usize),
) -> Result<(), Errno> {
    space.map(Request {
        protection: segment.protection,
        backing: Backing::File {
            file: binary.file.clone(),
            offset: segment.offset - (segment.offset % PAGE_SIZE as u64),
        },
        ..Request::anonymous(Placement::Fixed(start), end - start)
    })?;
    Ok(())
}

/// The last page of the file's part goes on with zeros (gABI chapter 5, Program Loading).
fn zero_rest_of_page(
    space: &AddressSpace,
    segment: &Segment,
    file_end: usize,
) -> Result<(), Errno> {
    if !segment.protection.contains(Protection::WRITE) {
        return Err(ENOEXEC);
    }
    let size = page_end(file_end) - file_end;
    space.write_bytes(file_end, ZEROS.get(..size).unwrap_or(&[]))
}

const _: () = assert!(elf::HEADER_BYTES <= PAGE_SIZE);
