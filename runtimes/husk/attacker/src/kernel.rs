//! The kernel itself, by its calls and past them.

use core::arch::asm;
use core::ptr;

use crate::call::{self, number};
use crate::memory::address;
use crate::report;
use crate::start::Arguments;

/// Where `link/husk.ld` puts the kernel's code. It begins with what enters it at boot, and that
/// does not run again.
const KERNEL_CODE: usize = 0xffff_ffff_8010_0000;
/// CR0.WP: ring 0 may not write to pages that are read-only (SDM vol. 3 § 2.5).
const WRITE_PROTECT: usize = 1 << 16;

pub fn mount(_: &Arguments) {
    let kind = address(c"tmpfs");
    let call = [kind, address(c"/"), kind, 0, 0];
    if call::told("mount", b"tmpfs", number::MOUNT, &call).is_some() {
        report::achieved();
    }
}

/// No module: whether the kernel would take one is told by what it does not like about it.
pub fn load_a_module(_: &Arguments) {
    let parameters = address(c"");
    let call = [parameters, 1, parameters];
    let ways: [(&str, usize, &[usize]); 2] = [
        ("init_module", number::INIT_MODULE, &call),
        ("finit_module", number::FINIT_MODULE, &[0, parameters, 0]),
    ];
    if call::first_linked(b"", &ways).is_some() {
        report::achieved();
    }
}

pub fn overwrite_its_code(_: &Arguments) {
    let code = KERNEL_CODE as *mut u8;
    report::trying("write to the kernel's code", b"");
    // SAFETY: none is needed: this should fault, and what is written is what was there.
    unsafe { ptr::write_volatile(code, ptr::read_volatile(code)) };
    report::achieved();
}

/// Changes a byte, looks at it, and changes it back.
pub fn lift_write_protection(_: &Arguments) {
    report::trying("clear CR0.WP and change the kernel's code", b"");
    let (before, after): (u8, u8);
    // SAFETY: interrupts are off while anything is other than it was.
    unsafe {
        asm!(
            "pushfq",
            "cli",
            "mov {control}, cr0",
            "mov {saved}, {control}",
            "and {control}, {mask}",
            "mov cr0, {control}",
            "mov {before}, [{code}]",
            "not byte ptr [{code}]",
            "mov {after}, [{code}]",
            "mov byte ptr [{code}], {before}",
            "mov cr0, {saved}",
            "popfq",
            control = out(reg) _,
            saved = out(reg) _,
            before = out(reg_byte) before,
            after = out(reg_byte) after,
            code = in(reg) KERNEL_CODE,
            mask = const !(WRITE_PROTECT as i32),
        );
    }
    if before == !after {
        report::achieved();
    }
}
