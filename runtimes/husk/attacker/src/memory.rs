//! Code in memory that was not there when the program began.

use core::ffi::CStr;
use core::ptr;

use crate::call::{self, number};
use crate::report;
use crate::start::Arguments;

pub const PROT_READ: usize = 1;
pub const PROT_WRITE: usize = 2;
pub const PROT_EXEC: usize = 4;
pub const MAP_PRIVATE: usize = 2;
const MAP_ANONYMOUS: usize = 0x20;
const PAGE_BYTES: usize = 4096;
/// mov eax, 42; ret
pub const RETURN_42: [u8; 6] = [0xb8, 42, 0, 0, 0, 0xc3];

pub fn overwrite_the_program(_: &Arguments) {
    let code = overwrite_the_program as *mut u8;
    let page = code as usize & !(PAGE_BYTES - 1);
    let all = PROT_READ | PROT_WRITE | PROT_EXEC;
    protect("mprotect PROT_WRITE|PROT_EXEC", page, all);
    report::trying("write to the program's code", b"");
    // SAFETY: none is needed: this should fault, and what is written is what was there.
    unsafe { ptr::write_volatile(code, ptr::read_volatile(code)) };
    report::achieved();
}

pub fn write_and_execute_at_once(_: &Arguments) {
    let both = PROT_READ | PROT_WRITE | PROT_EXEC;
    if let Some(page) = map("mmap PROT_WRITE|PROT_EXEC", both) {
        return write_and_run(page);
    }
    let Some(page) = map("mmap PROT_WRITE", PROT_READ | PROT_WRITE) else {
        return;
    };
    if protect("mprotect PROT_WRITE|PROT_EXEC", page, both) {
        write_and_run(page);
    }
}

pub fn execute_what_was_written(_: &Arguments) {
    let Some(page) = map("mmap PROT_WRITE", PROT_READ | PROT_WRITE) else {
        return;
    };
    write_code(page);
    if protect("mprotect PROT_EXEC", page, PROT_READ | PROT_EXEC) {
        run_at(page);
    }
}

/// Where a text is, as system calls want it.
pub fn address(text: &CStr) -> usize {
    text.as_ptr() as usize
}

/// Run `RETURN_42` that was brought to `code`.
pub fn run_at(code: usize) {
    report::trying("run it", b"");
    // SAFETY: a function of that type was put there, or there is a fault, which is an answer too.
    let function: extern "C" fn() -> usize = unsafe { core::mem::transmute(code) };
    let returned = function();
    report::got(returned as isize);
    if returned == 42 {
        report::achieved();
    }
}

fn map(step: &str, protection: usize) -> Option<usize> {
    let call = [
        0,
        PAGE_BYTES,
        protection,
        MAP_PRIVATE | MAP_ANONYMOUS,
        usize::MAX,
        0,
    ];
    call::told(step, b"", number::MMAP, &call)
}

fn protect(step: &str, page: usize, protection: usize) -> bool {
    call::told(step, b"", number::MPROTECT, &[page, PAGE_BYTES, protection]).is_some()
}

fn write_and_run(page: usize) {
    write_code(page);
    run_at(page);
}

fn write_code(page: usize) {
    for (index, &byte) in RETURN_42.iter().enumerate() {
        // SAFETY: the page was mapped for writing, by nobody else.
        unsafe { ptr::write_volatile((page + index) as *mut u8, byte) };
    }
}
