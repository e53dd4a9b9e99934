//! Making a program ready to run in an empty address space (execve(2), elf(5)): its segments, its
//! interpreter's, the vDSO and the initial stack. Segments are mapped from the root archive in
//! place; nothing is read but headers.
//!
//! Not here: 32-bit programs. `#!` scripts only through execve(2), since an image begins with its
//! program.

pub mod busy;
pub mod elf;
pub mod replace;
mod script;
mod segments;
pub mod stack;
pub mod vdso;

use alloc::vec::Vec;

use self::segments::Mapped;
use super::{Credentials, Program, signal};
use crate::arch::cpu;
use crate::boot;
use crate::errno::{E2BIG, EACCES, ENOEXEC, Errno, SysResult};
use crate::fs::node::node_of;
use crate::fs::{self, FileRef, IoRequest, Sink, random};
use crate::klog;
use crate::mm::space::{AddressSpace, Placement, Request};
use crate::mm::{PAGE_SIZE, heap, reserve};
use elf::{Header, Kind, Layout};
use stack::Content;

/// What is to run, and as whom.
pub struct Command<'a> {
    pub file: &'a FileRef,
    /// Where it is, as /proc/self/exe tells.
    pub executable: &'a [u8],
    /// The path as it was asked for (AT_EXECFN).
    pub name: &'a [u8],
    pub arguments: &'a [Vec<u8>],
    pub environment: &'a [Vec<u8>],
    pub credentials: &'a Credentials,
}

/// Where a loaded program begins.
pub struct Loaded {
    pub entry: usize,
    pub stack_pointer: usize,
    pub program: Program,
}

/// A stack begins with this much below its top, more comes with use (Linux: 128 KiB and a page).
const STACK_BYTES: usize = 33 * PAGE_SIZE;
/// Arguments and environment may take a quarter of RLIMIT_STACK (execve(2)).
pub const CONTENT_LIMIT: usize = 2 << 20;

/// Loads a program into an address space that is empty yet.
pub fn load(space: &AddressSpace, command: &Command) -> Result<Loaded, Errno> {
    if boot::config().may_write_and_execute(command.executable) {
        space.allow_write_and_execute();
    }
    let places = space.layout();
    let binary = Binary::open(command.file.clone(), command.executable)?;
    let base = match binary.header.kind {
        Kind::Fixed => Placement::FixedIfFree(binary.layout.span().0),
        Kind::Movable => {
            Placement::FixedIfFree(places.program_base & !(binary.layout.alignment() - 1))
        }
    };
    let program = segments::map(space, &binary, base)?;
    space.set_heap_start(program.end + places.heap_offset);
    let interpreter = load_interpreter(space, &binary)?;
    let entry = interpreter.as_ref().map_or(program.entry, |i| i.entry);
    let mut auxiliary = auxiliary(&program, interpreter.as_ref(), command.credentials);
    if let Some(address) = vdso::map(space)? {
        auxiliary.push((stack::AT_SYSINFO_EHDR, address as u64));
    }
    let content = Content {
        arguments: command.arguments,
        environment: command.environment,
        executable: command.name,
        random: random_bytes(),
        auxiliary,
    };
    let image = make_stack(space, places.stack_top, &content)?;
    Ok(Loaded {
        entry,
        stack_pointer: image.pointer,
        program: Program {
            node: node_of(&binary.file),
            arguments: copied(command.arguments)?,
            environment: copied(command.environment)?,
            auxiliary: image.auxiliary,
        },
    })
}

/// An ELF file whose headers have been checked.
pub struct Binary {
    file: FileRef,
    header: Header,
    layout: Layout,
}

impl Binary {
    /// Errors are named on the console: the application is not there yet to do it.
    fn open(file: FileRef, path: &[u8]) -> Result<Binary, Errno> {
        let mut start = [0; elf::HEADER_BYTES];
        let got = read_at(&file, 0, &mut start)?;
        if start.starts_with(b"#!") {
            complain(path, "is a script, and there is no interpreter for it");
            return Err(ENOEXEC);
        }
        let header = Header::parse(start.get(..got).unwrap_or(&[])).inspect_err(|_| {
            complain(path, "is not an ELF program for x86-64");
        })?;
        let layout = read_layout(&file, &header).inspect_err(|_| {
            complain(path, "has malformed program headers");
        })?;
        if layout.wants_executable_stack {
            complain(
                path,
                "demands an executable stack (PT_GNU_STACK), which is refused",
            );
            return Err(EACCES);
        }
        Ok(Binary {
            file,
            header,
            layout,
        })
    }
}

fn complain(path: &[u8], what: &str) {
    klog!("{} {what}", path.escape_ascii());
}

/// The program headers, checked.
pub fn read_layout(file: &FileRef, header: &Header) -> Result<Layout, Errno> {
    let mut bytes = heap::zeros(header.program_headers_bytes())?;
    read_exactly(file, header.program_headers_offset, &mut bytes)?;
    Layout::parse(&bytes, file.size()?)
}

/// PT_INTERP: the image's own dynamic linker, which then loads everything else.
fn load_interpreter(space: &AddressSpace, binary: &Binary) -> Result<Option<Mapped>, Errno> {
    let Some((offset, size)) = binary.layout.interpreter else {
        return Ok(None);
    };
    let mut path = heap::zeros(size)?;
    read_exactly(&binary.file, offset, &mut path)?;
    if path.pop() != Some(0) {
        return Err(ENOEXEC);
    }
    let file = fs::open_kernel(&path).inspect_err(|_| {
        complain(&path, "is named as interpreter and is not in the image");
    })?;
    let interpreter = Binary::open(file, &path)?;
    let placement = match interpreter.header.kind {
        Kind::Fixed => Placement::FixedIfFree(interpreter.layout.span().0),
        Kind::Movable => Placement::Hint(0),
    };
    segments::map(space, &interpreter, placement).map(Some)
}

fn random_bytes() -> [u8; 16] {
    let mut bytes = [0; 16];
    random::fill(&mut bytes);
    bytes
}

fn auxiliary(
    program: &Mapped,
    interpreter: Option<&Mapped>,
    credentials: &Credentials,
) -> Vec<(u64, u64)> {
    const TICKS_PER_S: u64 = 100; // USER_HZ
    let [.., features] = cpu::cpuid(1, 0);
    alloc::vec![
        (stack::AT_HWCAP, u64::from(features)),
        (stack::AT_PAGESZ, PAGE_SIZE as u64),
        (stack::AT_CLKTCK, TICKS_PER_S),
        (stack::AT_PHDR, program.program_headers as u64),
        (stack::AT_PHENT, elf::PROGRAM_HEADER_BYTES as u64),
        (stack::AT_PHNUM, program.program_header_count as u64),
        (stack::AT_BASE, interpreter.map_or(0, |i| i.base as u64)),
        (stack::AT_FLAGS, 0),
        (stack::AT_ENTRY, program.entry as u64),
        (stack::AT_UID, u64::from(credentials.uid)),
        (stack::AT_EUID, u64::from(credentials.euid)),
        (stack::AT_GID, u64::from(credentials.gid)),
        (stack::AT_EGID, u64::from(credentials.egid)),
        (stack::AT_SECURE, 0),
        (stack::AT_HWCAP2, 0),
        (stack::AT_MINSIGSTKSZ, signal::frame::largest_bytes() as u64,),
    ]
}

fn copied(texts: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Errno> {
    let mut copies = Vec::new();
    for text in texts {
        let mut copy = Vec::new();
        heap::append(&mut copy, text)?;
        heap::push(&mut copies, copy)?;
    }
    Ok(copies)
}

fn make_stack(space: &AddressSpace, top: usize, content: &Content) -> Result<stack::Image, Errno> {
    let needed = stack::size_bytes(content);
    if needed > CONTENT_LIMIT {
        return Err(E2BIG);
    }
    reserve::check(2 * needed)?; // the stack's image, and the texts that /proc shows
    let size_bytes = STACK_BYTES + needed.next_multiple_of(PAGE_SIZE);
    space.map(Request {
        grows_down: true,
        name: "[stack]",
        ..Request::anonymous(Placement::FixedIfFree(top - size_bytes), size_bytes)
    })?;
    let image = stack::build(top, content)?;
    space.write_bytes(image.pointer, &image.bytes)?;
    Ok(image)
}

/// A kernel buffer that a file is read into.
struct Buffer<'a> {
    bytes: &'a mut [u8],
    filled: usize,
}

impl Sink for Buffer<'_> {
    fn remaining(&self) -> usize {
        self.bytes.len() - self.filled
    }

    fn put(&mut self, bytes: &[u8]) -> SysResult {
        let size = bytes.len().min(self.remaining());
        let target = self.bytes.get_mut(self.filled..self.filled + size);
        if let (Some(target), Some(source)) = (target, bytes.get(..size)) {
            target.copy_from_slice(source);
        }
        self.filled += size;
        Ok(size)
    }
}

/// Reads into the kernel's memory; how much there was.
pub fn read_at(file: &FileRef, offset: u64, bytes: &mut [u8]) -> SysResult {
    let request = IoRequest {
        offset,
        is_append: false,
        is_nonblocking: false,
    };
    file.read(request, &mut Buffer { bytes, filled: 0 })
}

fn read_exactly(file: &FileRef, offset: u64, bytes: &mut [u8]) -> Result<(), Errno> {
    let got = read_at(file, offset, bytes)?;
    (got == bytes.len()).then_some(()).ok_or(ENOEXEC)
}
