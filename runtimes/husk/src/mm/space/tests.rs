//! Address spaces on the host: real page tables in an array that plays memory, touched through
//! `write_bytes` and `read_bytes` as the application's instructions would be.

use alloc::sync::Arc;
use core::any::Any;
use std::sync::Mutex;

use super::*;
use crate::errno::{EACCES, EEXIST, EINVAL, ENOMEM, EPERM};
use crate::fs::{File, FileStatus};
use crate::mm::frame::Frame;

const PAGES: usize = PAGE_SIZE;

/// A file whose pages are filled with their index, and how often each was asked for.
struct Numbered {
    frames: Vec<Frame>,
    asked: Mutex<Vec<u64>>,
}

impl Numbered {
    fn new(pages: u8) -> Arc<Numbered> {
        let frame = |index| {
            let frame = Frame::zeroed().unwrap();
            frame.write(0, &[index; PAGE_SIZE]);
            frame
        };
        Arc::new(Numbered {
            frames: (0..pages).map(frame).collect(),
            asked: Mutex::new(Vec::new()),
        })
    }
}

impl File for Numbered {
    fn status(&self) -> Result<FileStatus, Errno> {
        Ok(FileStatus::default())
    }

    fn page(&self, index: u64, _will_write: bool) -> Result<Frame, Errno> {
        self.asked.lock().unwrap().push(index);
        self.frames.get(index as usize).cloned().ok_or(EFAULT)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn anonymous(space: &AddressSpace, pages: usize) -> usize {
    space
        .map(Request::anonymous(Placement::Hint(0), pages * PAGES))
        .unwrap()
}

fn moving(
    start: usize,
    (old_size, new_size): (usize, usize),
    may_move: bool,
    target: Option<Placement>,
) -> Remap {
    Remap {
        start,
        old_size,
        new_size,
        may_move,
        target,
        leaves_mapping: false,
    }
}

fn of_file(file: &Arc<Numbered>, pages: usize) -> Request {
    Request {
        backing: Backing::File {
            file: file.clone(),
            offset: 0,
        },
        ..Request::anonymous(Placement::Hint(0), pages * PAGES)
    }
}

fn byte(space: &AddressSpace, address: usize) -> Result<u8, Errno> {
    let mut byte = [0];
    space.read_bytes(address, &mut byte).map(|()| byte[0])
}

#[test]
fn pages_begin_as_zeros_and_keep_what_is_written() {
    let space = AddressSpace::new().unwrap();
    let at = anonymous(&space, 4);
    assert_eq!(space.usage().resident, 0);
    space.write_bytes(at + PAGES - 2, b"abcd").unwrap();
    assert_eq!(byte(&space, at + PAGES + 1), Ok(b'd'));
    assert_eq!(byte(&space, at), Ok(0));
    assert_eq!(space.usage().resident, 2);
    assert_eq!(byte(&space, at + 4 * PAGES), Err(EFAULT));
}

#[test]
fn a_private_file_page_is_shown_in_place_and_copied_when_written() {
    let space = AddressSpace::new().unwrap();
    let file = Numbered::new(3);
    let window_start = Placement::Fixed(0x7000_0000_0000);
    let at = space
        .map(Request {
            placement: window_start,
            ..of_file(&file, 3)
        })
        .unwrap();
    assert_eq!(byte(&space, at + PAGES), Ok(1));
    assert_eq!(space.usage().resident, 3, "its neighbours come with it");
    space.write_bytes(at + PAGES, &[9]).unwrap();
    assert_eq!(byte(&space, at + PAGES), Ok(9));
    assert_eq!(byte(&space, at + PAGES + 1), Ok(1));
    let mut original = [0];
    file.frames[1].read(0, &mut original);
    assert_eq!(original, [1], "the file is as it was");
}

#[test]
fn a_shared_file_page_is_the_files_own() {
    let space = AddressSpace::new().unwrap();
    let file = Numbered::new(2);
    let at = space
        .map(Request {
            is_shared: true,
            may_write: true,
            ..of_file(&file, 2)
        })
        .unwrap();
    space.write_bytes(at + 5, &[7]).unwrap();
    let mut now = [0];
    file.frames[0].read(5, &mut now);
    assert_eq!(now, [7]);
}

#[test]
fn past_the_end_of_a_file_is_told_apart() {
    let space = AddressSpace::new().unwrap();
    let at = space.map(of_file(&Numbered::new(1), 3)).unwrap();
    assert_eq!(
        space.resolve_fault(at + PAGES, Access::Read),
        Err(Fault::PastEnd)
    );
    assert_eq!(
        space.resolve_fault(at + 3 * PAGES, Access::Read),
        Err(Fault::Unmapped)
    );
}

#[test]
fn protection_is_kept_and_lifted() {
    let space = AddressSpace::new().unwrap();
    let at = anonymous(&space, 2);
    space.write_bytes(at, b"x").unwrap();
    space.protect(at, PAGES, Protection::READ).unwrap();
    assert_eq!(
        space.resolve_fault(at, Access::Write),
        Err(Fault::Forbidden)
    );
    assert_eq!(
        space.resolve_fault(at, Access::Execute),
        Err(Fault::Forbidden)
    );
    assert_eq!(byte(&space, at), Ok(b'x'));
    space.protect(at, PAGES, Protection::empty()).unwrap();
    assert_eq!(space.resolve_fault(at, Access::Read), Err(Fault::Forbidden));
    space
        .protect(at, PAGES, Protection::READ | Protection::WRITE)
        .unwrap();
    space.write_bytes(at + 1, b"y").unwrap();
    assert_eq!(byte(&space, at), Ok(b'x'), "the page is still the same one");
    assert_eq!(space.protect(at, 3 * PAGES, Protection::READ), Err(ENOMEM));
}

#[test]
fn nothing_is_writable_and_executable() {
    let space = AddressSpace::new().unwrap();
    let all = Protection::READ | Protection::WRITE | Protection::EXECUTE;
    let request = Request {
        protection: all,
        ..Request::anonymous(Placement::Hint(0), PAGES)
    };
    assert_eq!(space.map(request), Err(EACCES));
    let at = anonymous(&space, 1);
    assert_eq!(space.protect(at, PAGES, all), Err(EACCES));
    space.write_bytes(at, &[0xc3]).unwrap();
    space
        .protect(at, PAGES, Protection::READ | Protection::EXECUTE)
        .unwrap();
    assert_eq!(space.resolve_fault(at, Access::Execute), Ok(()));
    assert_eq!(
        space.resolve_fault(at, Access::Write),
        Err(Fault::Forbidden)
    );
}

#[test]
fn the_zero_page_and_the_kernels_half_are_never_given() {
    let space = AddressSpace::new().unwrap();
    let map = |placement| space.map(Request::anonymous(placement, PAGES));
    assert_eq!(map(Placement::Fixed(0)), Err(EPERM));
    assert_eq!(
        map(Placement::FixedIfFree(layout::LOWEST - PAGES)),
        Err(EPERM)
    );
    assert_eq!(map(Placement::Fixed(crate::mm::USER_END)), Err(ENOMEM));
    assert_eq!(map(Placement::Fixed(usize::MAX - 1)), Err(EINVAL));
    assert!(map(Placement::Hint(PAGES)).is_ok_and(|at| at >= layout::LOWEST));
}

#[test]
fn fixed_replaces_and_noreplace_refuses() {
    let space = AddressSpace::new().unwrap();
    let at = anonymous(&space, 2);
    space.write_bytes(at, b"old").unwrap();
    let map = |placement| space.map(Request::anonymous(placement, PAGES));
    assert_eq!(map(Placement::FixedIfFree(at)), Err(EEXIST));
    assert_eq!(byte(&space, at), Ok(b'o'));
    assert_eq!(map(Placement::Fixed(at)), Ok(at));
    assert_eq!(byte(&space, at), Ok(0));
}

#[test]
fn moving_keeps_the_content_and_frees_the_old_place() {
    let space = AddressSpace::new().unwrap();
    let at = anonymous(&space, 2);
    anonymous(&space, 1); // right below: the next hint goes there
    space.write_bytes(at + PAGES, b"kept").unwrap();
    let moved = space
        .remap(moving(at, (2 * PAGES, 900 * PAGES), true, None))
        .unwrap();
    assert_eq!(byte(&space, moved + PAGES), Ok(b'k'));
    assert_eq!(byte(&space, moved + 899 * PAGES), Ok(0));
    assert!(moved == at || byte(&space, at + PAGES) == Err(EFAULT));
    assert_eq!(
        space.remap(moving(moved, (900 * PAGES, PAGES), false, None)),
        Ok(moved)
    );
    assert_eq!(byte(&space, moved + PAGES), Err(EFAULT));
    assert_eq!(
        space.remap(moving(moved, (2 * PAGES, 3 * PAGES), true, None)),
        Err(EFAULT)
    );
    let overlapping = Some(Placement::Fixed(moved));
    assert_eq!(
        space.remap(moving(moved, (PAGES, PAGES), true, overlapping)),
        Err(EINVAL)
    );
}

#[test]
fn discarded_pages_are_zeros_again() {
    let space = AddressSpace::new().unwrap();
    let at = anonymous(&space, 3);
    space.write_bytes(at, &[1; 3 * PAGES]).unwrap();
    space.discard(at + PAGES, PAGES).unwrap();
    assert_eq!([byte(&space, at), byte(&space, at + PAGES)], [Ok(1), Ok(0)]);
    assert_eq!(space.discard(at + 2 * PAGES, 2 * PAGES), Err(ENOMEM));
    assert_eq!(
        byte(&space, at + 2 * PAGES),
        Ok(0),
        "what is mapped is discarded all the same"
    );
}

#[test]
fn the_heap_grows_shrinks_and_stops_at_the_next_mapping() {
    let space = AddressSpace::new().unwrap();
    let start = 0x5555_0000_0100;
    space.set_heap_start(start);
    assert_eq!(space.set_heap_end(0), start);
    assert_eq!(space.set_heap_end(start + 3 * PAGES), start + 3 * PAGES);
    space.write_bytes(start + 2 * PAGES, b"heap").unwrap();
    assert_eq!(space.set_heap_end(start + PAGES), start + PAGES);
    assert_eq!(space.set_heap_end(start + 3 * PAGES), start + 3 * PAGES);
    assert_eq!(byte(&space, start + 2 * PAGES), Ok(0));
    let above = (start & !(PAGES - 1)) + 16 * PAGES;
    space
        .map(Request::anonymous(Placement::Fixed(above), PAGES))
        .unwrap();
    assert_eq!(space.set_heap_end(start + 32 * PAGES), start + 3 * PAGES);
}

#[test]
fn a_stack_grows_to_its_limit_and_keeps_its_distance() {
    let space = AddressSpace::new().unwrap();
    let top = 0x7000_0000_0000;
    space
        .map(Request {
            grows_down: true,
            ..Request::anonymous(Placement::Fixed(top - PAGES), PAGES)
        })
        .unwrap();
    space.set_stack_limit(1 << 20);
    assert_eq!(space.resolve_fault(top - (1 << 20), Access::Write), Ok(()));
    assert_eq!(
        space.resolve_fault(top - (1 << 20) - 1, Access::Write),
        Err(Fault::Unmapped)
    );
    space.set_stack_limit(64 << 20);
    let below = top - (8 << 20);
    space
        .map(Request::anonymous(Placement::Fixed(below), PAGES))
        .unwrap();
    assert_eq!(
        space.resolve_fault(below + 2 * PAGES, Access::Write),
        Err(Fault::Unmapped)
    );
    assert_eq!(
        space.resolve_fault(below + (2 << 20), Access::Write),
        Ok(())
    );
}

#[test]
fn huge_reservations_cost_nothing() {
    let space = AddressSpace::new().unwrap();
    let at = space
        .map(Request {
            protection: Protection::empty(),
            ..Request::anonymous(Placement::Hint(0), 1 << 40)
        })
        .unwrap();
    assert_eq!(space.usage().resident, 0);
    space
        .protect(at + (1 << 39), PAGES, Protection::READ | Protection::WRITE)
        .unwrap();
    space.write_bytes(at + (1 << 39), b"x").unwrap();
    space.unmap(at, 1 << 40).unwrap();
    assert_eq!(space.usage().resident, 0);
}
