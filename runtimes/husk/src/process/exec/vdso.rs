//! Mapping the vDSO (vdso(7)) and its data page, which both lie in the kernel image. Linked only where
//! the converter names it: who does not look for its functions asks by system calls.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;

use crate::errno::{EFAULT, Errno};
use crate::fs::{File, FileStatus};
use crate::mm::frame::Frame;
use crate::mm::space::{AddressSpace, Backing, Placement, Protection, Request};
use crate::mm::{KERNEL_BASE, PAGE_SIZE};
use crate::sync::Once;
use crate::time::page;

#[repr(C, align(4096))]
struct Aligned<T>(T);

/// Made by build.rs, whole pages.
static IMAGE: &Aligned<[u8; IMAGE_BYTES]> =
    &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/vdso.bin")));
const IMAGE_BYTES: usize = include_bytes!(concat!(env!("OUT_DIR"), "/vdso.bin")).len();
const _: () = assert!(IMAGE_BYTES.is_multiple_of(PAGE_SIZE));

/// The data page as page 0, the shared object behind it.
struct Vdso;

impl File for Vdso {
    fn status(&self) -> Result<FileStatus, Errno> {
        Ok(FileStatus::default())
    }

    fn page(&self, index: u64, _will_write: bool) -> Result<Frame, Errno> {
        const PAGES: u64 = (IMAGE_BYTES / PAGE_SIZE) as u64;
        let address = match index {
            0 => page::address(),
            1..=PAGES => IMAGE.0.as_ptr() as usize + (index as usize - 1) * PAGE_SIZE,
            _ => return Err(EFAULT),
        };
        Ok(Frame::of_archive(address.wrapping_sub(KERNEL_BASE)))
    }

    fn path(&self) -> Vec<u8> {
        b"[vdso]".to_vec()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

type Map = fn(&AddressSpace) -> Result<usize, Errno>;

static MAP: Once<Map> = Once::new();

pub fn install() {
    MAP.set(map_both);
}

/// Maps both where they are linked; the address of the shared object (AT_SYSINFO_EHDR).
pub fn map(space: &AddressSpace) -> Result<Option<usize>, Errno> {
    MAP.get().map(|map| map(space)).transpose()
}

fn map_both(space: &AddressSpace) -> Result<usize, Errno> {
    let request = |placement, size_bytes, offset, protection| Request {
        protection,
        backing: Backing::File {
            file: Arc::new(Vdso),
            offset,
        },
        ..Request::anonymous(placement, size_bytes)
    };
    let whole = PAGE_SIZE + IMAGE_BYTES;
    let start = space.map(request(Placement::Hint(0), whole, 0, Protection::READ))?;
    let code = start + PAGE_SIZE;
    let access = Protection::READ | Protection::EXECUTE;
    space.map(request(
        Placement::Fixed(code),
        IMAGE_BYTES,
        PAGE_SIZE as u64,
        access,
    ))?;
    Ok(code)
}
