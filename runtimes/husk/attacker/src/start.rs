//! The first instructions, and what the stack holds then (System V ABI AMD64 § 3.4.1).

use core::arch::global_asm;
use core::ffi::{CStr, c_char};

global_asm!(
    ".globl _start",
    "_start:",
    "mov rdi, rsp",
    "and rsp, -16",
    "call {begin}",
    "ud2",
    begin = sym begin,
);

const AT_EUID: usize = 12;

/// argc, and after it argv, the environment and the auxiliary vector.
pub struct Arguments(*const usize);

extern "C" fn begin(stack: *const usize) -> ! {
    crate::run(&Arguments(stack))
}

impl Arguments {
    pub fn get(&self, index: usize) -> Option<&'static CStr> {
        // SAFETY: the kernel put argc strings there, for as long as the program runs.
        unsafe {
            let text = *self.0.add(1 + index) as *const c_char;
            (index < *self.0).then(|| CStr::from_ptr(text))
        }
    }

    /// What comes after the name of the attempt: where to try it.
    pub fn places(&self) -> impl Iterator<Item = &'static CStr> {
        (2..).map_while(|index| self.get(index))
    }

    /// getauxval(3) of AT_EUID: asking the kernel needs a system call that may not be linked.
    pub fn effective_user(&self) -> Option<usize> {
        // SAFETY: the environment ends with a null pointer, the vector after it with AT_NULL.
        unsafe {
            let mut at = self.0.add(2 + *self.0);
            while *at != 0 {
                at = at.add(1);
            }
            at = at.add(1);
            while *at != 0 && *at != AT_EUID {
                at = at.add(2);
            }
            (*at == AT_EUID).then(|| *at.add(1))
        }
    }
}
