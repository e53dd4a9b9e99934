//! What belongs to one processor, reached through GS. The application does not use GS (glibc, musl
//! and Go keep thread pointers in FS), so it stays the kernel's and is never swapped.

use core::cell::UnsafeCell;

use super::cpu;
use crate::process::Thread;

/// Offsets are known to entry.rs.
#[repr(C)]
pub struct PerCpu {
    /// 0: where `syscall` entry puts the application's RSP for a moment.
    pub application_rsp: usize,
    /// 8: top of the running thread's kernel stack.
    pub kernel_stack_top: usize,
    /// 16: the running thread; null before the first.
    pub current: *const Thread,
}

struct Area(UnsafeCell<PerCpu>);

// SAFETY: each processor touches only its own area, with interrupts off.
unsafe impl Sync for Area {}

static BOOT_PROCESSOR: Area = Area(UnsafeCell::new(PerCpu {
    application_rsp: 0,
    kernel_stack_top: 0,
    current: core::ptr::null(),
}));

/// This processor's area.
pub fn this() -> *mut PerCpu {
    BOOT_PROCESSOR.0.get()
}

/// Points GS at the area.
pub fn install() {
    cpu::write_msr(cpu::IA32_GS_BASE, this() as u64);
}
