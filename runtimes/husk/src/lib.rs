//! husk: a library OS with the Linux system call ABI. The story begins in `boot`.

#![cfg_attr(not(test), no_std)]

extern crate alloc;

pub mod arch;
pub mod boot;
pub mod chunked_map;
pub mod console;
pub mod debug;
pub mod driver;
pub mod errno;
pub mod fs;
#[cfg(test)]
mod fuzz;
pub mod ipc;
pub mod mm;
pub mod names;
pub mod net;
pub mod process;
pub mod sorted_map;
pub mod sync;
pub mod syscall;
pub mod time;
pub mod trace;

/// The vDSO is not part of the kernel; its logic is tested with it.
#[cfg(test)]
#[path = "../vdso/vdso.rs"]
pub mod vdso;
