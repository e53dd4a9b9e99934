//! What is at an address, and what is beside it.

use crate::arch::tables;
use crate::boot::pvh;
use crate::klog;
use crate::mm::space::{AddressSpace, Backing, Mapping, Protection};
use crate::mm::{self, map, stack};

/// The mapping an address is in, or the ones around it.
pub fn print(space: &AddressSpace, address: usize) {
    let (mut below, mut at, mut above) = (None, None, None);
    let is_known = space.try_for_each_mapping(&mut |mapping| {
        if mapping.end <= address {
            below = Some(mapping.clone());
        } else if mapping.start <= address {
            at = Some(mapping.clone());
        } else if above.is_none() {
            above = Some(mapping.clone());
        }
    });
    if !is_known {
        return;
    }
    line("below", below.as_ref());
    match &at {
        Some(mapping) => line("hit", Some(mapping)),
        None if address >= mm::USER_END => {
            klog!(
                "  hit    {address:#x} is not the program's{}",
                kernel_part(address)
            );
        }
        None => klog!(
            "  hit    nothing is mapped at {address:#x}{}",
            note(address)
        ),
    }
    line("above", above.as_ref());
}

fn note(address: usize) -> &'static str {
    if address < mm::space::layout::LOWEST {
        return " (a null pointer?)";
    }
    if address >= mm::USER_END {
        kernel_part(address)
    } else {
        ""
    }
}

fn line(place: &str, mapping: Option<&Mapping>) {
    let Some(mapping) = mapping else { return };
    let letter = |flag, letter| {
        if mapping.protection.contains(flag) {
            letter
        } else {
            '-'
        }
    };
    let (r, w, x) = (
        letter(Protection::READ, 'r'),
        letter(Protection::WRITE, 'w'),
        letter(Protection::EXECUTE, 'x'),
    );
    let s = if mapping.is_shared { 's' } else { 'p' };
    let (start, end) = (mapping.start, mapping.end);
    match &mapping.backing {
        Backing::File { file, offset } => {
            let path = file.path();
            klog!(
                "  {place:<6} {start:x}-{end:x} {r}{w}{x}{s} {offset:08x} {}",
                path.escape_ascii()
            );
        }
        Backing::Anonymous => klog!(
            "  {place:<6} {start:x}-{end:x} {r}{w}{x}{s} {}",
            mapping.name
        ),
    }
}

/// For an address that the kernel touched.
pub fn print_kernel(address: usize) {
    klog!("  address {address:#x}{}", kernel_part(address));
}

fn kernel_part(address: usize) -> &'static str {
    let image = map::image();
    let is_in = |(start, end): (usize, usize)| (start..end).contains(&address);
    if stack::is_guard(address) {
        " (the guard page of a kernel stack: it ran over)"
    } else if is_in(image.text) {
        " (the kernel's code)"
    } else if is_in(image.rodata) {
        " (the kernel's constants)"
    } else if is_in(image.rootfs) {
        " (the root archive)"
    } else if is_stack_guard(address) {
        " (the guard page of a stack of the processor's own: it ran over)"
    } else if is_in(image.data) {
        " (the kernel's data)"
    } else if (mm::DIRECT_MAP..map::STACKS).contains(&address) {
        " (the direct map of memory)"
    } else if address < mm::USER_END {
        " (the application's half)"
    } else {
        ""
    }
}

fn is_stack_guard(address: usize) -> bool {
    let page = address & !(mm::PAGE_SIZE - 1);
    tables::guards().contains(&page) || pvh::stack_guard() == page
}
