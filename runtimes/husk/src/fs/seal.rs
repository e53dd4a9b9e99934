//! Seals of memory files (memfd_create(2), fcntl(2) § File Sealing): promises about what will not be
//! done to a file any more.
//!
//! Not here: F_SEAL_EXEC is kept and does not stop chmod(2).

use core::sync::atomic::{AtomicU32, Ordering};

use super::content::Content;
use super::node::as_node;
use super::{FileRef, OpenFile};
use crate::errno::{EBUSY, EINVAL, EPERM, Errno, SysResult};
use crate::mm::space::{Backing, Protection};
use crate::process::registry;

pub const F_SEAL_SEAL: u32 = 1;
const F_SEAL_SHRINK: u32 = 2;
const F_SEAL_GROW: u32 = 4;
const F_SEAL_WRITE: u32 = 8;
const F_SEAL_FUTURE_WRITE: u32 = 16;
pub const F_SEAL_EXEC: u32 = 32;
const ALL: u32 = 63;
const NO_WRITING: u32 = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
/// Not a seal: the file is one that can have any.
const IS_MEMORY_FILE: u32 = 1 << 31;

/// The seals of a file; files that are not memory files have none.
#[derive(Default)]
pub struct Seals(AtomicU32);

impl Seals {
    /// Of a memory file from its beginning.
    pub fn begin(&self, seals: u32) {
        self.0.store(IS_MEMORY_FILE | seals, Ordering::Relaxed);
    }

    fn has(&self, seals: u32) -> bool {
        self.0.load(Ordering::Relaxed) & seals != 0
    }

    /// EPERM when the file may not be written; a size that it would have to have counts as writing.
    pub fn allow_write(&self, size_bytes: u64, needed_bytes: u64) -> Result<(), Errno> {
        let grows = needed_bytes > size_bytes && self.has(F_SEAL_GROW);
        let is_refused = grows || self.has(NO_WRITING);
        if is_refused { Err(EPERM) } else { Ok(()) }
    }

    /// EPERM when the file may not have another size.
    pub fn allow_size(&self, size_bytes: u64, wanted_bytes: u64) -> Result<(), Errno> {
        let is_refused = (wanted_bytes > size_bytes && self.has(F_SEAL_GROW))
            || (wanted_bytes < size_bytes && self.has(F_SEAL_SHRINK));
        if is_refused { Err(EPERM) } else { Ok(()) }
    }

    /// Whether a shared mapping may ever be written.
    pub fn allow_shared_writing(&self) -> bool {
        !self.has(NO_WRITING)
    }
}

fn content_of(file: &FileRef) -> Option<&Content> {
    as_node(file)?.content()
}

/// Whether shared mappings of a file may be written, its seals asked.
pub fn allows_shared_writing(file: &FileRef) -> bool {
    content_of(file).is_none_or(|content| content.seals.allow_shared_writing())
}

/// F_GET_SEALS.
pub fn get(open: &OpenFile) -> SysResult {
    let seals = &content_of(&open.file).ok_or(EINVAL)?.seals;
    if !seals.has(IS_MEMORY_FILE) {
        return Err(EINVAL);
    }
    Ok((seals.0.load(Ordering::Relaxed) & ALL) as usize)
}

/// F_ADD_SEALS.
pub fn add(open: &OpenFile, added: usize) -> SysResult {
    if !open.may_write() {
        return Err(EPERM);
    }
    let held = get(open)?;
    let added = u32::try_from(added).map_err(|_| EINVAL)?;
    if added & !ALL != 0 {
        return Err(EINVAL);
    }
    if held as u32 & F_SEAL_SEAL != 0 {
        return Err(EPERM);
    }
    if added & F_SEAL_WRITE != 0 && is_mapped_writable(&open.file) {
        return Err(EBUSY);
    }
    let seals = &content_of(&open.file).ok_or(EINVAL)?.seals;
    seals.0.fetch_or(added, Ordering::Relaxed);
    Ok(0)
}

/// True when some process has a shared mapping of it that it may write, now or after mprotect(2).
fn is_mapped_writable(file: &FileRef) -> bool {
    let mut is_found = false;
    for process in registry::all() {
        process.space().for_each_mapping(&mut |mapping| {
            if let Backing::File { file: mapped, .. } = &mapping.backing {
                let may_write = mapping.may_write || mapping.protection.contains(Protection::WRITE);
                let is_meant = mapping.is_shared && may_write;
                is_found |= is_meant && super::open::is_same(mapped, file);
            }
        });
    }
    is_found
}
