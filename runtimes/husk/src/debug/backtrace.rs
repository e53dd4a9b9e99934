//! Who called whom. Return addresses on the chain of frame pointers are sure; where the chain is
//! broken (most libraries are built without), words on the stack that look like return addresses
//! are shown with a `?`, as Linux does.

use super::{kernel_symbols, peek, program_symbols};
use crate::arch::trap::TrapFrame;
use crate::klog;
use crate::mm::map;
use crate::mm::space::{AddressSpace, Protection};

/// Most lines of one backtrace.
const LINE_LIMIT: usize = 24;
/// How many words without a sure return address are looked at.
const SCAN_WORDS: usize = 512;
const WORD_BYTES: usize = size_of::<usize>();

/// `rip` 0: not known, as in a panic.
pub fn print_kernel(rip: usize, rsp: usize, rbp: usize) {
    klog!("called from:");
    if rip != 0 {
        print_kernel_line(rip, Place::Running);
    }
    let image = map::image();
    let is_code = |address: usize| (image.text.0..image.text.1).contains(&address);
    walk((rsp, rbp), &is_code, &mut |address, is_sure| {
        print_kernel_line(address, Place::called_from(is_sure));
    });
}

/// What an address in a backtrace is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The instruction that died.
    Running,
    /// On the chain of frame pointers.
    Sure,
    /// On the stack, and looks like a return address.
    Guess,
}

impl Place {
    fn called_from(is_sure: bool) -> Place {
        if is_sure { Place::Sure } else { Place::Guess }
    }

    pub fn mark(self) -> char {
        if self == Place::Guess { '?' } else { ' ' }
    }

    /// A return address is one past the call, which may be the last instruction of its function.
    pub fn back(self) -> usize {
        usize::from(self != Place::Running)
    }

    pub fn inside(self, address: usize) -> usize {
        address.saturating_sub(self.back())
    }
}

pub fn print_program(space: &AddressSpace, frame: &TrapFrame) {
    klog!("called from:");
    program_symbols::print(space, frame.rip, Place::Running);
    let mut print = |address: usize, is_sure: bool| {
        program_symbols::print(space, address, Place::called_from(is_sure));
    };
    let is_code = |address: usize| {
        space
            .try_describe(address)
            .is_some_and(|mapping| mapping.protection.contains(Protection::EXECUTE))
    };
    walk((frame.rsp, frame.rbp), &is_code, &mut print);
}

fn print_kernel_line(address: usize, place: Place) {
    let mark = place.mark();
    match kernel_symbols::find(place.inside(address)) {
        Some((name, offset)) => {
            let (name, offset) = (name.bytes().escape_ascii(), offset + place.back());
            klog!(" {mark} {address:#x} {name}+{offset:#x}");
        }
        None => klog!(" {mark} {address:#x}"),
    }
}

/// Walks the stack upwards; `show` gets each return address and whether it is sure.
fn walk(
    (rsp, rbp): (usize, usize),
    is_code: &dyn Fn(usize) -> bool,
    show: &mut dyn FnMut(usize, bool),
) {
    let mut sure_slot = rbp.wrapping_add(WORD_BYTES);
    let mut slot = rsp & !(WORD_BYTES - 1);
    let (mut lines, mut scanned) = (0, 0);
    while lines < LINE_LIMIT {
        let word = peek::word(slot).filter(|_| scanned < SCAN_WORDS);
        let Some(word) = word else {
            if sure_slot <= slot {
                return;
            }
            (slot, scanned) = (sure_slot, 0); // over a large array to the next sure one
            continue;
        };
        let is_sure = slot == sure_slot;
        if is_sure {
            let frame = peek::word(slot - WORD_BYTES).unwrap_or(0);
            (sure_slot, scanned) = (frame.wrapping_add(WORD_BYTES), 0);
        }
        if is_code(word) {
            show(word, is_sure);
            lines += 1;
        }
        slot = slot.wrapping_add(WORD_BYTES);
        scanned += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unmapped_stack_ends_the_walk() {
        let mut lines = 0;
        walk((0x10, 0x20), &|_| true, &mut |_, _| lines += 1);
        assert_eq!(lines, 0);
    }
}
