//! Names for the application's addresses, from the symbol tables that are still in its files:
//! `nginx+0x1234 (ngx_foo+0x10)`. What is before the parenthesis is the address as the ELF file
//! has it, for addr2line(1).

use super::backtrace::Place;
use crate::fs::FileRef;
use crate::klog;
use crate::mm::space::{AddressSpace, Backing};
use crate::process::exec::elf;
use crate::process::exec::{read_at, read_layout};

const SECTION_HEADER_BYTES: usize = 64;
const SYMBOL_BYTES: usize = 24;
const SHT_SYMTAB: u32 = 2;
const SHT_DYNSYM: u32 = 11;
const NAME_BYTES: usize = 128;
/// Symbols read at a time.
const BATCH: usize = 128;

/// A section's place in the file, and the section it refers to.
#[derive(Clone, Copy)]
struct Section {
    kind: u32,
    link: u32,
    offset: u64,
    size_bytes: u64,
}

/// Prints one line of a backtrace.
pub fn print(space: &AddressSpace, address: usize, place: Place) {
    let mark = place.mark();
    let mapping = space.try_describe(address);
    let Some((Backing::File { file, offset }, start)) = mapping.map(|m| (m.backing, m.start))
    else {
        klog!(" {mark} {address:#x}");
        return;
    };
    let path = file.path();
    let name = path
        .rsplit(|&byte| byte == b'/')
        .next()
        .unwrap_or(&path)
        .escape_ascii();
    let in_file = offset + (address - start) as u64;
    let Some(in_elf) = elf_address(&file, in_file) else {
        klog!(" {mark} {address:#x} {name} at {in_file:#x}");
        return;
    };
    let mut text = [0; NAME_BYTES];
    match symbol(&file, in_elf - place.back() as u64, &mut text) {
        Some((symbol, distance)) => {
            let (symbol, distance) = (symbol.escape_ascii(), distance + place.back() as u64);
            klog!(" {mark} {address:#x} {name}+{in_elf:#x} ({symbol}+{distance:#x})");
        }
        None => klog!(" {mark} {address:#x} {name}+{in_elf:#x}"),
    }
}

/// A file offset as an address of the ELF file.
fn elf_address(file: &FileRef, offset: u64) -> Option<u64> {
    let header = read_header(file)?;
    let layout = read_layout(file, &header).ok()?;
    let holds = |s: &&elf::Segment| {
        let first = elf::page_start(s.offset as usize) as u64;
        (first..s.offset + s.file_bytes as u64).contains(&offset)
    };
    let segment = layout.segments.iter().find(holds)?;
    (segment.address as u64 + offset).checked_sub(segment.offset)
}

fn read_header(file: &FileRef) -> Option<elf::Header> {
    let mut bytes = [0; elf::HEADER_BYTES];
    read_at(file, 0, &mut bytes).ok()?;
    elf::Header::parse(&bytes).ok()
}

/// The function that begins closest below an address: of `.symtab`, else of `.dynsym`.
fn symbol<'a>(file: &FileRef, address: u64, text: &'a mut [u8]) -> Option<(&'a [u8], u64)> {
    let symbols = find_section(file, SHT_SYMTAB).or_else(|| find_section(file, SHT_DYNSYM))?;
    let names = section(file, symbols.link)?;
    let Function {
        start,
        size_bytes,
        name,
    } = closest(file, symbols, address)?;
    if size_bytes > 0 && address - start >= size_bytes {
        return None; // in a function without a symbol, behind this one
    }
    let got = read_at(file, names.offset.checked_add(u64::from(name))?, text).ok()?;
    let read = text.get(..got)?;
    let length = read.iter().position(|&byte| byte == 0).unwrap_or(got);
    Some((read.get(..length)?, address - start))
}

fn closest(file: &FileRef, symbols: Section, address: u64) -> Option<Function> {
    let mut batch = [0; BATCH * SYMBOL_BYTES];
    let mut best: Option<Function> = None;
    let mut done = 0;
    while done < symbols.size_bytes {
        let got = read_at(file, symbols.offset.checked_add(done)?, &mut batch).ok()?;
        let wanted = got.min((symbols.size_bytes - done) as usize);
        for entry in batch.get(..wanted)?.chunks_exact(SYMBOL_BYTES) {
            let Some(found) = function(entry) else {
                continue;
            };
            let is_closer = best.as_ref().is_none_or(|best| best.start < found.start);
            if found.start <= address && is_closer {
                best = Some(found);
            }
        }
        if got < SYMBOL_BYTES {
            break;
        }
        done += (got - got % SYMBOL_BYTES) as u64;
    }
    best
}

/// A function symbol; `name` is an offset in the table of names.
struct Function {
    start: u64,
    size_bytes: u64,
    name: u32,
}

/// A symbol, if it is that of a defined function (gABI chapter 4, Symbol Table).
fn function(entry: &[u8]) -> Option<Function> {
    const STT_FUNC: u8 = 2;
    const STT_GNU_IFUNC: u8 = 10;
    let kind = entry.get(4)? & 0xf;
    let section = u16::from_le_bytes(entry.get(6..8)?.try_into().ok()?);
    let is_function = matches!(kind, STT_FUNC | STT_GNU_IFUNC) && section != 0;
    let function = Function {
        name: u32::from_le_bytes(entry.get(0..4)?.try_into().ok()?),
        start: u64::from_le_bytes(entry.get(8..16)?.try_into().ok()?),
        size_bytes: u64::from_le_bytes(entry.get(16..24)?.try_into().ok()?),
    };
    is_function.then_some(function)
}

fn find_section(file: &FileRef, kind: u32) -> Option<Section> {
    let (_, count) = section_headers(file)?;
    (0..count)
        .filter_map(|index| section(file, index))
        .find(|section| section.kind == kind)
}

/// Offset and number of section headers.
fn section_headers(file: &FileRef) -> Option<(u64, u32)> {
    let mut bytes = [0; elf::HEADER_BYTES];
    read_at(file, 0, &mut bytes).ok()?;
    let offset = u64::from_le_bytes(bytes.get(40..48)?.try_into().ok()?);
    let size = u16::from_le_bytes(bytes.get(58..60)?.try_into().ok()?);
    let count = u16::from_le_bytes(bytes.get(60..62)?.try_into().ok()?);
    (usize::from(size) == SECTION_HEADER_BYTES).then_some((offset, u32::from(count)))
}

fn section(file: &FileRef, index: u32) -> Option<Section> {
    let (offset, count) = section_headers(file)?;
    let mut bytes = [0; SECTION_HEADER_BYTES];
    let at = offset.checked_add(u64::from(index) * SECTION_HEADER_BYTES as u64)?;
    let got = read_at(file, at, &mut bytes).ok()?;
    if index >= count || got != bytes.len() {
        return None;
    }
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let long = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    Some(Section {
        kind: word(4)?,
        link: word(40)?,
        offset: long(24)?,
        size_bytes: long(32)?,
    })
}
