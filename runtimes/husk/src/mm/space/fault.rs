//! Page faults: bringing in the page that was touched, and a few that will be.

use super::layout::STACK_GUARD;
use super::mapping::{Backing, Mapping, Protection};
use super::{Access, Fault, Inner};
use crate::errno::{ENOMEM, Errno};
use crate::fs::FileRef;
use crate::mm::PAGE_SIZE;
use crate::mm::frame::Frame;
use crate::mm::table::{self, HOLDS, WRITABLE};

/// Pages of a file that come with the one touched, aligned: a fault costs far more than an entry
/// (Linux's fault_around_bytes).
const AROUND_PAGES: usize = 16;

impl Inner {
    pub fn resolve(
        &mut self,
        address: usize,
        access: Access,
        stack_limit: usize,
    ) -> Result<(), Fault> {
        let page = address & !(PAGE_SIZE - 1);
        if self.mappings.find(page).is_none() {
            self.grow_stack(page, stack_limit)?;
        }
        let mapping = self.mappings.find(page).ok_or(Fault::Unmapped)?;
        check(mapping.protection, access)?;
        let mapping = mapping.clone();
        let entry = self.tables.entry(page).map_err(|_| Fault::OutOfMemory)?;
        if table::read(entry) & HOLDS != 0 {
            return self.upgrade((entry, page), &mapping, access);
        }
        self.bring_in(entry, page, &mapping, access)?;
        if let Backing::File { file, .. } = &mapping.backing
            && access != Access::Write
            && !mapping.is_shared
        {
            self.bring_in_around(page, &mapping, file);
        }
        Ok(())
    }

    /// A touch below a stack, within its limit and away from what is mapped below, extends it.
    fn grow_stack(&mut self, page: usize, limit: usize) -> Result<(), Fault> {
        let stack = self.mappings.after(page).ok_or(Fault::Unmapped)?;
        let below = self.mappings.before(page).map_or(0, |mapping| mapping.end);
        let is_growth = stack.grows_down
            && stack.end - page <= limit
            && page.saturating_sub(below) >= STACK_GUARD;
        if !is_growth {
            return Err(Fault::Unmapped);
        }
        let start = stack.start;
        self.mappings.grow_down(start, page);
        Ok(())
    }

    /// A page that nothing shows yet.
    fn bring_in(
        &mut self,
        entry: *mut u64,
        page: usize,
        mapping: &Mapping,
        access: Access,
    ) -> Result<(), Fault> {
        let may_write = mapping.protection.contains(Protection::WRITE);
        let (frame, is_writable) = match &mapping.backing {
            Backing::Anonymous => (
                Frame::zeroed_for_program().map_err(out_of_memory)?,
                may_write,
            ),
            Backing::File { file, .. } => {
                let index = mapping.file_page(page);
                let frame = file.page(index, mapping.may_write).map_err(past_end)?;
                match access {
                    Access::Write if !mapping.is_shared => (own(frame)?, true),
                    _ => (frame, mapping.may_write && may_write),
                }
            }
        };
        self.tables
            .show(entry, frame, mapping.protection, is_writable);
        Ok(())
    }

    /// A page that is shown already, but not for this access: a copy is due, or mprotect(2) gave
    /// more rights than the entry has.
    fn upgrade(
        &mut self,
        place: (*mut u64, usize),
        mapping: &Mapping,
        access: Access,
    ) -> Result<(), Fault> {
        let is_writable = table::read(place.0) & WRITABLE != 0;
        if access != Access::Write || is_writable {
            self.tables.set(place, mapping.protection, is_writable);
            return Ok(());
        }
        let shown = self.tables.frame_at(place.1).ok_or(Fault::Unmapped)?;
        let frame = match &mapping.backing {
            Backing::File { file, .. } if mapping.is_shared => {
                let index = mapping.file_page(place.1);
                file.page(index, true).map_err(past_end)?
            }
            _ if shown.count() == 2 => shown.clone(), // the entry's and ours: nobody else's
            _ => shown.duplicate().map_err(out_of_memory)?,
        };
        let before = self.tables.replace(place, frame, mapping.protection, true);
        drop((shown, before));
        Ok(())
    }

    /// Neighbours of a file's page, where nothing is shown yet. Failing is no harm.
    fn bring_in_around(&mut self, page: usize, mapping: &Mapping, file: &FileRef) {
        let window = AROUND_PAGES * PAGE_SIZE;
        let first = (page & !(window - 1)).max(mapping.start);
        let last = ((page & !(window - 1)) + window).min(mapping.end);
        for neighbour in (first..last).step_by(PAGE_SIZE) {
            let Some(entry) = self.tables.find_entry(neighbour) else {
                return;
            };
            if table::read(entry) & HOLDS != 0 {
                continue;
            }
            let Ok(frame) = file.page(mapping.file_page(neighbour), false) else {
                return;
            };
            self.tables.show(entry, frame, mapping.protection, false);
        }
    }
}

fn check(protection: Protection, access: Access) -> Result<(), Fault> {
    let is_allowed = match access {
        Access::Read => !protection.is_empty(), // x86 has no page that can only be written
        Access::Write => protection.contains(Protection::WRITE),
        Access::Execute => protection.contains(Protection::EXECUTE),
    };
    is_allowed.then_some(()).ok_or(Fault::Forbidden)
}

/// A frame that only the mapping has.
fn own(frame: Frame) -> Result<Frame, Fault> {
    if frame.is_exclusive() {
        return Ok(frame);
    }
    frame.duplicate().map_err(out_of_memory)
}

fn out_of_memory(_: Errno) -> Fault {
    Fault::OutOfMemory
}

fn past_end(error: Errno) -> Fault {
    match error {
        ENOMEM => Fault::OutOfMemory,
        _ => Fault::PastEnd,
    }
}
