//! The page tables of an address space. Entries own references to the frames they show.
//!
//! Only the running address space can be in the TLB: every change to an entry that was present is
//! followed by a flush if this one is running.

use crate::arch::cpu;
use crate::errno::{ENOMEM, Errno};
use crate::mm::PAGE_SIZE;
use crate::mm::frame::Frame;
use crate::mm::map;
use crate::mm::space::Protection;
use crate::mm::table::{self, ENTRIES, HOLDS, NO_EXECUTE, PRESENT, TOP_LEVEL, WRITABLE};
use crate::mm::{self, PhysAddr};

/// More single pages than this are flushed by reloading CR3.
const SINGLE_FLUSH_PAGES: usize = 32;

pub struct PageTables {
    root: PhysAddr,
    resident: usize,
}

impl PageTables {
    /// Empty below, the kernel's mappings above.
    pub fn new() -> Result<PageTables, Errno> {
        let root = Frame::zeroed_for_program()?.into_raw();
        for index in map::FIRST_KERNEL_ENTRY..ENTRIES {
            let offset = index * table::span(TOP_LEVEL);
            let kernels = table::entry_of(map::root(), TOP_LEVEL, offset);
            table::write(
                table::entry_of(root, TOP_LEVEL, offset),
                table::read(kernels),
            );
        }
        Ok(PageTables { root, resident: 0 })
    }

    /// Nothing below: the kernel's own tables, which nothing may be shown in.
    pub fn of_kernel() -> PageTables {
        PageTables {
            root: map::root(),
            resident: 0,
        }
    }

    pub fn activate(&self) {
        if !self.is_active() {
            // SAFETY: the upper half is the kernel's, as in every address space.
            unsafe { cpu::write_cr3(self.root) };
        }
    }

    fn is_active(&self) -> bool {
        mm::active_root() == self.root
    }

    /// Frames shown.
    pub fn resident(&self) -> usize {
        self.resident
    }

    /// The frame shown at an address; a second reference to it.
    pub fn frame_at(&self, address: usize) -> Option<Frame> {
        let value = table::read(table::walk(self.root, address, 0, &mut || None)?);
        let held = core::mem::ManuallyDrop::new(held_by(value)?);
        Some(Frame::clone(&held))
    }

    /// The entry for a page, tables made as needed.
    pub fn entry(&mut self, address: usize) -> Result<*mut u64, Errno> {
        let mut new_table = || Frame::zeroed_for_program().ok().map(Frame::into_raw);
        table::walk(self.root, address, 0, &mut new_table).ok_or(ENOMEM)
    }

    /// The entry for a page if there is a table for it.
    pub fn find_entry(&self, address: usize) -> Option<*mut u64> {
        table::walk(self.root, address, 0, &mut || None)
    }

    /// Shows `frame` in an empty entry.
    pub fn show(
        &mut self,
        entry: *mut u64,
        frame: Frame,
        protection: Protection,
        is_writable: bool,
    ) {
        self.resident += 1;
        table::write(
            entry,
            frame.into_raw() as u64 | flags(protection, is_writable),
        );
    }

    /// Shows another frame instead, and returns the one shown before.
    pub fn replace(
        &mut self,
        (entry, address): (*mut u64, usize),
        frame: Frame,
        protection: Protection,
        is_writable: bool,
    ) -> Option<Frame> {
        let before = held_by(table::read(entry));
        table::write(
            entry,
            frame.into_raw() as u64 | flags(protection, is_writable),
        );
        self.flush(address, address + PAGE_SIZE);
        before
    }

    /// Sets what may be done with a page already shown.
    pub fn set(
        &self,
        (entry, address): (*mut u64, usize),
        protection: Protection,
        is_writable: bool,
    ) {
        let frame = table::address_in(table::read(entry)) as u64;
        table::write(entry, frame | flags(protection, is_writable));
        self.flush(address, address + PAGE_SIZE);
    }

    /// Lets go of every page in `start..end`, and of tables that only served them.
    pub fn unmap(&mut self, start: usize, end: usize) {
        let released = clear(self.root, TOP_LEVEL, start, end);
        self.resident -= released;
        if released > 0 {
            self.flush(start, end);
        }
    }

    /// Narrows what may be done with the pages in `start..end`. More rights for writing come with
    /// the next fault, which decides about copying.
    pub fn protect(&self, start: usize, end: usize, protection: Protection) {
        let changed = for_each_held(self.root, TOP_LEVEL, (start, end), &mut |entry, _| {
            let value = table::read(entry);
            let is_writable = value & WRITABLE != 0 && protection.contains(Protection::WRITE);
            let frame = table::address_in(value) as u64;
            table::write(entry, frame | flags(protection, is_writable));
        });
        if changed > 0 {
            self.flush(start, end);
        }
    }

    /// Shows in `other`, where nothing is yet, what is shown in `start..end`. With `is_copied`
    /// neither may write any more: the next write makes a copy. Pages of the root archive have no
    /// count and come with a fault as cheaply.
    pub fn share(
        &self,
        other: &mut PageTables,
        (start, end): (usize, usize),
        is_copied: bool,
    ) -> Result<(), Errno> {
        let mut outcome = Ok(());
        for_each_held(self.root, TOP_LEVEL, (start, end), &mut |entry, address| {
            let kept = if is_copied { !WRITABLE } else { !0 };
            let value = table::read(entry) & kept;
            let frame = core::mem::ManuallyDrop::new(Frame::from_raw(table::address_in(value)));
            if outcome.is_err() || frame.count() == 0 {
                return;
            }
            match other.entry(address) {
                Ok(theirs) => {
                    table::write(entry, value);
                    let _ = Frame::clone(&frame).into_raw(); // the new entry's reference
                    table::write(theirs, value);
                    other.resident += 1;
                }
                Err(error) => outcome = Err(error),
            }
        });
        self.flush(start, end);
        outcome
    }

    /// Moves what is shown in `from..from + size` to `to`; nothing is shown there.
    pub fn move_pages(&mut self, from: usize, to: usize, size_bytes: usize) -> Result<(), Errno> {
        let (root, range) = (self.root, (from, from + size_bytes));
        // First every table that will be needed: after that nothing can fail.
        let mut outcome = Ok(());
        for_each_held(root, TOP_LEVEL, range, &mut |_, address| {
            if outcome.is_ok() {
                outcome = self.entry(address - from + to).map(drop);
            }
        });
        outcome?;
        for_each_held(root, TOP_LEVEL, range, &mut |entry, address| {
            if let Ok(target) = self.entry(address - from + to) {
                table::write(target, table::read(entry));
                table::write(entry, 0);
            }
        });
        self.flush(from, from + size_bytes);
        Ok(())
    }

    fn flush(&self, start: usize, end: usize) {
        if !self.is_active() {
            return;
        }
        if (end - start) / PAGE_SIZE > SINGLE_FLUSH_PAGES {
            // SAFETY: the same tables again.
            unsafe { cpu::write_cr3(self.root) };
            return;
        }
        (start..end)
            .step_by(PAGE_SIZE)
            .for_each(cpu::invalidate_page);
    }
}

impl Drop for PageTables {
    fn drop(&mut self) {
        if self.root == map::root() {
            return;
        }
        if self.is_active() {
            // SAFETY: the kernel's own tables map everything the kernel uses.
            unsafe { cpu::write_cr3(map::root()) };
        }
        clear(
            self.root,
            TOP_LEVEL,
            0,
            map::FIRST_KERNEL_ENTRY * table::span(TOP_LEVEL),
        );
        drop(Frame::from_raw(self.root));
    }
}

fn flags(protection: Protection, is_writable: bool) -> u64 {
    if protection.is_empty() {
        return HOLDS;
    }
    let mut flags = PRESENT | HOLDS;
    if is_writable {
        flags |= WRITABLE;
    }
    if !protection.contains(Protection::EXECUTE) {
        flags |= NO_EXECUTE;
    }
    flags
}

/// The reference that an entry owns, taken over.
fn held_by(value: u64) -> Option<Frame> {
    (value & HOLDS != 0).then(|| Frame::from_raw(table::address_in(value)))
}

/// The part of `start..end` that each entry of a table covers, with the entry.
fn entries(
    at: PhysAddr,
    level: usize,
    (start, end): (usize, usize),
) -> impl Iterator<Item = (*mut u64, usize, usize)> {
    let span = table::span(level);
    let first = start & !(span - 1);
    (first..end).step_by(span).map(move |base| {
        let entry = table::entry_of(at, level, base);
        (entry, base.max(start), (base + span).min(end))
    })
}

/// Releases the frames in `start..end`; how many. Tables that lie wholly within are released too.
fn clear(at: PhysAddr, level: usize, start: usize, end: usize) -> usize {
    let mut released = 0;
    for (entry, from, to) in entries(at, level, (start, end)) {
        let value = table::read(entry);
        if value == 0 {
            continue;
        }
        if level == 0 {
            table::write(entry, 0);
            drop(held_by(value));
            released += 1;
            continue;
        }
        released += clear(table::address_in(value), level - 1, from, to);
        if to - from == table::span(level) {
            table::write(entry, 0);
            drop(Frame::from_raw(table::address_in(value)));
        }
    }
    released
}

/// Calls `visit` with every entry in the range that holds a frame, and the address it is for; how
/// many there were.
fn for_each_held(
    at: PhysAddr,
    level: usize,
    range: (usize, usize),
    visit: &mut dyn FnMut(*mut u64, usize),
) -> usize {
    let mut count = 0;
    for (entry, from, to) in entries(at, level, range) {
        let value = table::read(entry);
        if value == 0 {
            continue;
        }
        if level > 0 {
            count += for_each_held(table::address_in(value), level - 1, (from, to), visit);
        } else {
            visit(entry, from);
            count += 1;
        }
    }
    count
}
