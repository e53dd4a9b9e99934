//! The kernel's own mappings: the direct map, device registers, protection of the image.
//!
//! Nothing is both writable and executable. The direct map is never executable, and where it shows
//! the image's text, constants and root archive it is read-only as well. Lock order: `WINDOW`,
//! then frames.

use super::frame::frames;
use super::table::{self, GLOBAL, LARGE, NO_EXECUTE, PRESENT, UNCACHED, WRITABLE};
use super::{DIRECT_MAP, KERNEL_BASE, PAGE_SIZE, PhysAddr};
use crate::arch::{cpu, tables};
use crate::boot::pvh::{self, Region};
use crate::errno::{ENOMEM, Errno};
use crate::sync::SpinLock;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Where a physical address of RAM is in the kernel's address space.
#[cfg(not(test))]
pub fn direct(address: PhysAddr) -> *mut u8 {
    (DIRECT_MAP + address) as *mut u8
}

#[cfg(test)]
pub use super::host::direct;

/// Kernel stacks; see `stack`.
pub const STACKS: usize = 0xffff_c000_0000_0000;
/// Device registers, in the same top-level entry.
const DEVICES: usize = 0xffff_c040_0000_0000;
/// Entries of the top table from here on are the kernel's, in every address space.
pub const FIRST_KERNEL_ENTRY: usize = 256;

static ROOT: AtomicUsize = AtomicUsize::new(0);

/// The kernel's own top table.
pub fn root() -> PhysAddr {
    ROOT.load(Ordering::Relaxed)
}

/// Where the linker put the image's parts.
pub struct Image {
    pub text: (usize, usize),
    pub rodata: (usize, usize),
    pub rootfs: (usize, usize),
    pub data: (usize, usize),
}

/// The image's parts, by husk.ld's symbols.
#[cfg(not(test))]
pub fn image() -> Image {
    unsafe extern "C" {
        static husk_text_start: u8;
        static husk_text_end: u8;
        static husk_rodata_start: u8;
        static husk_rodata_end: u8;
        static husk_data_start: u8;
        static husk_image_end: u8;
    }
    let page = |address: usize| address & !(PAGE_SIZE - 1);
    let rodata_end = &raw const husk_rodata_end as usize;
    let data_start = &raw const husk_data_start as usize;
    Image {
        text: (
            &raw const husk_text_start as usize,
            &raw const husk_text_end as usize,
        ),
        rodata: (page(&raw const husk_rodata_start as usize), rodata_end),
        rootfs: (rodata_end, data_start),
        data: (data_start, &raw const husk_image_end as usize),
    }
}

/// The host's tests are no image.
#[cfg(test)]
pub fn image() -> Image {
    let (text, rodata, rootfs, data) = ((0, 0), (0, 0), (0, 0), (0, 0));
    Image {
        text,
        rodata,
        rootfs,
        data,
    }
}

/// A range to be mapped.
#[derive(Clone, Copy)]
struct Range {
    start: usize,
    end: usize,
    physical: PhysAddr,
    flags: u64,
    /// Largest pages to use: 0 for 4 KiB, 1 for 2 MiB, 2 for 1 GiB.
    highest_level: usize,
}

/// Tables under construction.
struct Builder<'a> {
    root: PhysAddr,
    new_table: &'a mut dyn FnMut() -> Option<PhysAddr>,
}

/// Builds the kernel's tables, switches to them and forgets boot's. `new_table` gives zeroed frames
/// that boot's tables reach.
pub fn install(regions: &[Region], new_table: &mut dyn FnMut() -> Option<PhysAddr>) -> Option<()> {
    let root = new_table()?;
    // Present before any address space copies the upper half.
    for start in [DIRECT_MAP, STACKS, KERNEL_BASE] {
        table::walk(root, start, table::TOP_LEVEL - 1, new_table)?;
    }
    let mut builder = Builder { root, new_table };
    builder.map_image(&image())?;
    builder.unmap_guards()?;
    builder.map_memory(regions, &image())?;
    ROOT.store(root, Ordering::Relaxed);
    // SAFETY: the new tables map the image, the stack in it, and all memory.
    unsafe { cpu::write_cr3(root) };
    Some(())
}

fn has_gigabyte_pages() -> bool {
    const PAGE_1GB: u32 = 1 << 26;
    cpu::cpuid(0x8000_0001, 0)[3] & PAGE_1GB != 0
}

impl Builder<'_> {
    fn map_image(&mut self, image: &Image) -> Option<()> {
        let parts = [
            (image.text, 0, 1),
            (image.rodata, NO_EXECUTE, 1),
            (image.rootfs, NO_EXECUTE, 1),
            (image.data, NO_EXECUTE | WRITABLE, 0), // small pages: guards are taken out
        ];
        parts
            .into_iter()
            .try_for_each(|((start, end), flags, highest_level)| {
                self.map(Range {
                    start,
                    end,
                    physical: start - KERNEL_BASE,
                    flags,
                    highest_level,
                })
            })
    }

    /// The page below each stack that lies in the image.
    fn unmap_guards(&mut self) -> Option<()> {
        let guards = tables::guards().into_iter().chain([pvh::stack_guard()]);
        for guard in guards {
            table::write(table::walk(self.root, guard, 0, self.new_table)?, 0);
        }
        Some(())
    }

    /// The direct map of RAM, and of the first MiB, where firmware and hypervisor leave tables.
    fn map_memory(&mut self, regions: &[Region], image: &Image) -> Option<()> {
        const FIRST_MIB: Region = Region {
            start: 0,
            end: 1 << 20,
        };
        let constant = (image.text.0 - KERNEL_BASE, image.data.0 - KERNEL_BASE);
        self.map_region(FIRST_MIB, constant)?;
        regions.iter().try_for_each(|region| {
            let start = region.start.max(FIRST_MIB.end);
            self.map_region(Region { start, ..*region }, constant)
        })
    }

    fn map_region(&mut self, region: Region, constant: (usize, usize)) -> Option<()> {
        let region = Region {
            start: region.start.next_multiple_of(PAGE_SIZE),
            end: region.end & !(PAGE_SIZE - 1),
        };
        let clamp = |at: usize| at.clamp(region.start, region.end.max(region.start));
        let bounds = [
            region.start,
            clamp(constant.0),
            clamp(constant.1),
            region.end,
        ];
        for (index, pair) in bounds.windows(2).enumerate() {
            let [start, end] = *pair else { continue };
            let is_constant = index == 1;
            self.map(Range {
                start: DIRECT_MAP + start,
                end: DIRECT_MAP + end,
                physical: start,
                flags: NO_EXECUTE | if is_constant { 0 } else { WRITABLE },
                highest_level: if has_gigabyte_pages() { 2 } else { 1 },
            })?;
        }
        Some(())
    }

    /// Maps a range with the largest pages that fit.
    fn map(&mut self, range: Range) -> Option<()> {
        let (mut at, mut physical) = (range.start, range.physical);
        while at < range.end {
            let level = range.level_at(at, physical);
            let mut entry = table::walk(self.root, at, level, self.new_table)?;
            let large = if level > 0 { LARGE } else { 0 };
            let flags = PRESENT | GLOBAL | range.flags | large;
            // The rest of the table needs no walk.
            loop {
                table::write(entry, physical as u64 | flags);
                at += table::span(level);
                physical += table::span(level);
                entry = entry.wrapping_add(1);
                let is_table_full = (entry as usize).is_multiple_of(PAGE_SIZE);
                if is_table_full || at >= range.end || range.level_at(at, physical) != level {
                    break;
                }
            }
        }
        Some(())
    }
}

impl Range {
    /// The level of the largest page that fits at a place within.
    fn level_at(&self, at: usize, physical: PhysAddr) -> usize {
        let fits = |level: &usize| {
            let span = table::span(*level);
            let is_aligned = at.is_multiple_of(span) && physical.is_multiple_of(span);
            is_aligned && self.end - at >= span
        };
        (0..=self.highest_level).rev().find(fits).unwrap_or(0)
    }
}

/// A zeroed frame for a kernel table, never freed.
fn kernel_table() -> Option<PhysAddr> {
    super::frame::allocate_contiguous(1).ok()
}

/// Maps one frame in the kernel's half, writable, not executable.
pub(super) fn map_page(virtual_address: usize, frame: PhysAddr) -> Result<(), Errno> {
    let entry = table::walk(root(), virtual_address, 0, &mut kernel_table).ok_or(ENOMEM)?;
    let flags = PRESENT | WRITABLE | NO_EXECUTE | GLOBAL;
    table::write(entry, frame as u64 | flags);
    Ok(())
}

/// Unmaps such a page and returns its frame.
pub(super) fn unmap_page(virtual_address: usize) -> Option<PhysAddr> {
    let entry = table::walk(root(), virtual_address, 0, &mut || None)?;
    let value = table::read(entry);
    table::write(entry, 0);
    cpu::invalidate_page(virtual_address);
    (value & PRESENT != 0).then(|| table::address_in(value))
}

/// What is mapped in the window for device registers: where in it, and which physical pages.
struct Window {
    next: usize,
    mapped: [(PhysAddr, usize, usize); 32],
    count: usize,
}

static WINDOW: SpinLock<Window> = SpinLock::new(Window {
    next: DEVICES,
    mapped: [(0, 0, 0); 32],
    count: 0,
});

/// Maps device registers uncached and returns where they are; never unmapped. The same registers
/// asked for again are found again.
pub fn map_device(address: PhysAddr, size_bytes: usize) -> Result<*mut u8, Errno> {
    let first = address & !(PAGE_SIZE - 1);
    let end = address.checked_add(size_bytes).ok_or(ENOMEM)?;
    let size = (end - first).next_multiple_of(PAGE_SIZE);
    let mut window = WINDOW.lock();
    let at = match window.find(first, size) {
        Some(at) => at,
        None => window.map(first, size)?,
    };
    Ok((at + address - first) as *mut u8)
}

impl Window {
    fn find(&self, first: PhysAddr, size: usize) -> Option<usize> {
        self.mapped
            .iter()
            .take(self.count)
            .find(|(physical, mapped_size, _)| *physical == first && *mapped_size >= size)
            .map(|(.., at)| *at)
    }

    fn map(&mut self, first: PhysAddr, size: usize) -> Result<usize, Errno> {
        let at = self.next;
        for offset in (0..size).step_by(PAGE_SIZE) {
            let entry = table::walk(root(), at + offset, 0, &mut kernel_table).ok_or(ENOMEM)?;
            let flags = PRESENT | WRITABLE | NO_EXECUTE | GLOBAL | UNCACHED;
            table::write(entry, (first + offset) as u64 | flags);
        }
        self.next += size;
        if let Some(slot) = self.mapped.get_mut(self.count) {
            *slot = (first, size, at);
            self.count += 1;
        }
        Ok(at)
    }
}

/// Frames for a table of `install`, before there is an allocator: taken upwards from `next`.
pub struct EarlyFrames {
    pub next: PhysAddr,
    pub end: PhysAddr,
}

impl EarlyFrames {
    /// Zeroed contiguous frames; None at the end of the region.
    pub fn take(&mut self, pages: usize) -> Option<PhysAddr> {
        let address = self.next;
        let after = address.checked_add(pages * PAGE_SIZE)?;
        if after > self.end {
            return None;
        }
        self.next = after;
        // SAFETY: RAM above the image that nobody has been given, within boot's direct map.
        unsafe { direct(address).write_bytes(0, pages * PAGE_SIZE) };
        Some(address)
    }
}

/// Hands all RAM to `frames` but the first MiB and what is taken: the image with the early frames,
/// and the module, which is above them or empty.
pub fn hand_over(regions: &[Region], [image, module]: [core::ops::Range<PhysAddr>; 2]) {
    const FIRST_USED: PhysAddr = 1 << 20;
    let mut frames = frames();
    for region in regions {
        let start = region.start.max(FIRST_USED).next_multiple_of(PAGE_SIZE);
        let end = region.end & !(PAGE_SIZE - 1);
        let above = start.max(image.end);
        frames.add(start / PAGE_SIZE, end.min(image.start) / PAGE_SIZE);
        frames.add(above / PAGE_SIZE, end.min(module.start) / PAGE_SIZE);
        let above = above.max(module.end).next_multiple_of(PAGE_SIZE);
        frames.add(above / PAGE_SIZE, end / PAGE_SIZE);
    }
}
