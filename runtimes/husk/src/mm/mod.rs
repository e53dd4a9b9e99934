//! Memory: frames, the kernel heap, page tables, address spaces and the application's memory.
//!
//! Layout (48-bit canonical addresses):
//! `0 .. 0x0000_8000_0000_0000`   the application; the first page is never mapped
//! `0xffff_8000_0000_0000 ..`     every byte of RAM (`DIRECT_MAP`), not executable
//! `0xffff_c000_0000_0000 ..`     kernel stacks with guard pages, and device registers
//! `0xffff_ffff_8000_0000 ..`     the kernel image

pub mod buddy;
pub mod frame;
pub mod heap;
#[cfg(test)]
mod host;
pub mod map;
pub mod reserve;
pub mod space;
pub mod stack;
mod table;
pub mod user;

pub use map::{direct, map_device};

use crate::arch::bytes;
#[cfg(not(test))]
use crate::arch::cpu;
use crate::boot::pvh::Region;
use buddy::FrameInfo;
use map::EarlyFrames;

pub const PAGE_SIZE: usize = 4096;
/// First address the application may not use (TASK_SIZE).
pub const USER_END: usize = 0x0000_7fff_ffff_f000;
/// Where physical address 0 is mapped.
pub const DIRECT_MAP: usize = 0xffff_8000_0000_0000;
/// Virtual minus physical address of the kernel image.
pub const KERNEL_BASE: usize = 0xffff_ffff_8000_0000;

/// A page of nothing, to copy from. It is read-only, and husk.ld keeps it out of the file.
// SAFETY: that section is for zeros, which is what the loader makes of it.
#[unsafe(link_section = ".bss.zeros")]
pub static ZEROS: [u8; PAGE_SIZE] = [0; PAGE_SIZE];

/// How much physical memory boot's page tables map.
const BOOT_MAP_END: usize = 4 << 30;

/// A physical address in bytes.
pub type PhysAddr = usize;

/// Takes over memory: frames, heap, direct map, protection of the kernel image. The bytes of
/// `module`, which stay where they are.
pub fn install(regions: &[Region], module: Region) -> &'static [u8] {
    bytes::install();
    assert!(
        take_over(regions, module).is_some(),
        "too little memory to start: give the machine more"
    );
    // SAFETY: RAM that is mapped and was not handed over, so nobody writes to it.
    unsafe { core::slice::from_raw_parts(direct(module.start), module.end - module.start) }
}

/// True when an address can be read now without a fault: for crash reports.
pub fn is_mapped(address: usize) -> bool {
    let is_between_halves = (USER_END..DIRECT_MAP).contains(&address);
    !is_between_halves && table::is_present(active_root(), address)
}

#[cfg(not(test))]
pub(crate) fn active_root() -> PhysAddr {
    table::address_in(cpu::read_cr3() as u64)
}

/// Tests run in the host's address space: nothing of it is known.
#[cfg(test)]
pub(crate) fn active_root() -> PhysAddr {
    PAGE_SIZE
}

/// Boot's tables reach 4 GiB: what is needed before the final ones exist comes from the region that
/// holds the image.
fn take_over(regions: &[Region], module: Region) -> Option<()> {
    let image = map::image();
    let image_start = image.text.0 - KERNEL_BASE;
    let image_end = image.data.1 - KERNEL_BASE;
    let home = regions
        .iter()
        .find(|region| region.start <= image_start && image_end < region.end)?;
    let end = home.end.min(BOOT_MAP_END);
    let is_module_in_home = (image_end..end).contains(&module.start) && module.end <= end;
    let mut early = EarlyFrames {
        next: image_end,
        end: match module.end {
            0 => end,
            _ => is_module_in_home.then_some(module.start)?,
        },
    };
    map::install(regions, &mut || early.take(1))?;
    let frame_count = regions.iter().map(|region| region.end / PAGE_SIZE).max()?;
    let table_pages = (frame_count * size_of::<FrameInfo>()).div_ceil(PAGE_SIZE);
    let table = map::direct(early.take(table_pages)?).cast::<FrameInfo>();
    // SAFETY: just taken, zeroed (a valid value), aligned to a page, and never given back.
    let info = unsafe { core::slice::from_raw_parts_mut(table, frame_count) };
    frame::frames().begin(info);
    map::hand_over(regions, [image_start..early.next, module.start..module.end]);
    Some(())
}
