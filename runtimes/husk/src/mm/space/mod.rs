//! An address space: the mappings of a process (mmap(2)) and its page tables.
//!
//! Pages come with the first touch: zeros, or the file's own frame in place, copied when a private
//! mapping is written. Nothing is ever writable and executable at once, unless the program was given
//! that permission.
//!
//! Not here: huge pages, swapping.
//!
//! Lock order: an address space's lock, then a file's, then frames. It is never held while
//! application memory is touched through its application addresses.

mod advice;
mod change;
mod duplicate;
mod fault;
pub mod layout;
pub mod mapping;
mod tables;
#[cfg(test)]
mod tests;

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::errno::{EFAULT, Errno};
use crate::mm::PAGE_SIZE;
use crate::sync::SpinLock;

pub use change::{Placement, Remap, Request, check_commit};
pub use layout::Layout;
pub use mapping::{Backing, Mapping, Mappings, Marks, Protection};
use tables::PageTables;

/// What a page fault wanted to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    Read,
    Write,
    Execute,
}

/// Why a fault could not be resolved; becomes a signal, or EFAULT in the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// SIGSEGV, SEGV_MAPERR: nothing is mapped there.
    Unmapped,
    /// SIGSEGV, SEGV_ACCERR: the mapping forbids it.
    Forbidden,
    /// SIGBUS, BUS_ADRERR: past the end of the mapped file.
    PastEnd,
    /// No frame left: the process is killed with a message.
    OutOfMemory,
}

/// Mappings and page tables of a process.
pub struct AddressSpace {
    inner: SpinLock<Inner>,
    /// RLIMIT_STACK in bytes: how far a stack grows.
    stack_limit: AtomicUsize,
    /// Memory may be both at once: the program was given the permission at conversion.
    may_write_and_execute: AtomicBool,
}

struct Inner {
    mappings: Mappings,
    tables: PageTables,
    layout: Layout,
    /// The heap of brk(2): where it begins and where it ends now.
    heap: (usize, usize),
    /// Above are no gaps, or only ones that were too small: where the search for one begins.
    search_top: usize,
    /// Put on mappings to come (mlockall(2) MCL_FUTURE).
    marks_of_new: Marks,
}

/// Sizes for /proc/self/status and statm, in pages.
#[derive(Clone, Copy, Default, Debug)]
pub struct Usage {
    pub mapped: usize,
    pub resident: usize,
    /// Of `mapped`: writable and private, executable, stack.
    pub data: usize,
    pub text: usize,
    pub stack: usize,
}

/// RLIMIT_STACK before anybody sets it.
const DEFAULT_STACK_LIMIT: usize = 8 << 20;

impl AddressSpace {
    /// An empty address space that shares the kernel's half.
    pub fn new() -> Result<AddressSpace, Errno> {
        let layout = Layout::choose(DEFAULT_STACK_LIMIT);
        Ok(AddressSpace {
            inner: SpinLock::new(Inner {
                mappings: Mappings::default(),
                tables: PageTables::new()?,
                layout,
                heap: (0, 0),
                search_top: layout.mapping_top,
                marks_of_new: Marks::empty(),
            }),
            stack_limit: AtomicUsize::new(DEFAULT_STACK_LIMIT),
            may_write_and_execute: AtomicBool::new(false),
        })
    }

    /// Makes this the address space the processor uses (CR3).
    pub fn activate(&self) {
        self.inner.lock().tables.activate();
    }

    /// RLIMIT_STACK was set to so many bytes: the stack may grow that far from now on.
    pub fn set_stack_limit(&self, size_bytes: usize) {
        self.stack_limit.store(size_bytes, Ordering::Relaxed);
    }

    /// From now on memory may be writable and executable at once (`write_execute` of a recipe).
    pub fn allow_write_and_execute(&self) {
        self.may_write_and_execute.store(true, Ordering::Relaxed);
    }

    pub fn layout(&self) -> Layout {
        self.inner.lock().layout
    }

    /// Brings in the page at `address` for `access`, or says why not. Never sleeps.
    pub fn resolve_fault(&self, address: usize, access: Access) -> Result<(), Fault> {
        let stack_limit = self.stack_limit.load(Ordering::Relaxed);
        self.inner.lock().resolve(address, access, stack_limit)
    }

    /// Writes to this address space, whichever one is running: a new program's stack, core files.
    /// EFAULT where the application could not write either.
    pub fn write_bytes(&self, address: usize, bytes: &[u8]) -> Result<(), Errno> {
        let mut at = address;
        for piece in pieces(address, bytes) {
            self.resolve_fault(at, Access::Write).map_err(|_| EFAULT)?;
            let frame = self.inner.lock().tables.frame_at(at).ok_or(EFAULT)?;
            frame.write(at % PAGE_SIZE, piece);
            at += piece.len();
        }
        Ok(())
    }

    /// Reads from this address space, whichever one is running.
    #[cfg(test)]
    pub fn read_bytes(&self, address: usize, into: &mut [u8]) -> Result<(), Errno> {
        let mut at = address;
        let mut left = into;
        while !left.is_empty() {
            let size = left.len().min(PAGE_SIZE - at % PAGE_SIZE);
            let (piece, rest) = left.split_at_mut(size);
            self.resolve_fault(at, Access::Read).map_err(|_| EFAULT)?;
            let frame = self.inner.lock().tables.frame_at(at).ok_or(EFAULT)?;
            frame.read(at % PAGE_SIZE, piece);
            at = at.checked_add(size).ok_or(EFAULT)?;
            left = rest;
        }
        Ok(())
    }

    /// Visits every mapping in order of address (/proc/self/maps). The address space is locked
    /// meanwhile: `visit` must not touch application memory.
    pub fn for_each_mapping(&self, visit: &mut dyn FnMut(&Mapping)) {
        self.inner.lock().mappings.iter().for_each(visit);
    }

    /// As above, for crash reports: gives up when the address space is locked.
    pub fn try_for_each_mapping(&self, visit: &mut dyn FnMut(&Mapping)) -> bool {
        let Some(inner) = self.inner.try_lock() else {
            return false;
        };
        inner.mappings.iter().for_each(visit);
        true
    }

    /// The mapping an address is in, for crash reports.
    pub fn try_describe(&self, address: usize) -> Option<Mapping> {
        self.inner.try_lock()?.mappings.find(address).cloned()
    }

    /// The shared object that an address shows, by its inode number, and the offset there; None
    /// for what is private. EFAULT where nothing is mapped.
    pub fn shared_place(&self, address: usize) -> Result<Option<(u64, u64)>, Errno> {
        let inner = self.inner.lock();
        let mapping = inner.mappings.find(address).ok_or(EFAULT)?;
        match &mapping.backing {
            Backing::File { file, offset } if mapping.is_shared => {
                let offset = offset + (address - mapping.start) as u64;
                Ok(Some((file.status()?.inode, offset)))
            }
            _ => Ok(None),
        }
    }

    /// True when every page of a range is mapped.
    pub fn covers(&self, start: usize, size_bytes: usize) -> bool {
        let end = start.saturating_add(size_bytes);
        self.inner.lock().mappings.covers(start, end)
    }

    pub fn usage(&self) -> Usage {
        let inner = self.inner.lock();
        let mut usage = Usage {
            resident: inner.tables.resident(),
            ..Usage::default()
        };
        for mapping in inner.mappings.iter() {
            let pages = mapping.size_bytes() / PAGE_SIZE;
            usage.mapped += pages;
            if mapping.grows_down {
                usage.stack += pages;
            } else if mapping.protection.contains(Protection::EXECUTE) {
                usage.text += pages;
            } else if mapping.protection.contains(Protection::WRITE) && !mapping.is_shared {
                usage.data += pages;
            }
        }
        usage
    }
}

/// Cuts bytes where pages end.
fn pieces(address: usize, bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut at, mut left) = (address, bytes);
    core::iter::from_fn(move || {
        let size = left.len().min(PAGE_SIZE - at % PAGE_SIZE);
        let (piece, rest) = left.split_at(size);
        (at, left) = (at.wrapping_add(size), rest);
        (size > 0).then_some(piece)
    })
}
