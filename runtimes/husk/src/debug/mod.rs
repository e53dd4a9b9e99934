//! What is said when something dies: registers, a symbolised backtrace, the mapping that was hit.
//!
//! Nothing here may fail or wait: memory is looked at through the page tables before it is touched,
//! locks are tried and not taken, and a death during the report ends the machine at once.

mod backtrace;
mod kernel_symbols;
mod peek;
mod program_symbols;
mod registers;
mod surroundings;

use core::sync::atomic::{AtomicBool, Ordering};

use crate::arch::trap::TrapFrame;
use crate::arch::{cpu, power};
use crate::process::scheduler;
use crate::process::signal::{SignalInfo, deliver};
use crate::{event, klog};

/// Status the machine ends with when the kernel fails.
pub const KERNEL_FAILURE: u8 = 125;

static IS_DYING: AtomicBool = AtomicBool::new(false);

/// The first death reports; a second one, during the report, only ends the machine.
fn begin_report() {
    if IS_DYING.swap(true, Ordering::Relaxed) {
        klog!("died again while reporting");
        power::off(KERNEL_FAILURE);
    }
}

/// The kernel met an exception it did not expect.
pub fn kernel_died(frame: &TrapFrame) -> ! {
    begin_report();
    let name = exception_name(frame.vector);
    event!("panic {name} in the kernel");
    klog!("kernel: {name}, error code {:#x}", frame.error);
    if frame.vector == PAGE_FAULT {
        surroundings::print_kernel(cpu::read_cr2());
    }
    registers::print(frame);
    backtrace::print_kernel(frame.rip, frame.rsp, frame.rbp);
    power::off(KERNEL_FAILURE)
}

#[cfg(not(test))]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo) -> ! {
    begin_report();
    event!("panic {info}");
    klog!("kernel: {info}");
    let (stack, frame) = cpu::stack_and_frame();
    backtrace::print_kernel(0, stack, frame);
    power::off(KERNEL_FAILURE)
}

/// The program dies by a signal whose default action is a core file: says where and why.
pub fn program_died(frame: &TrapFrame, info: &SignalInfo) {
    let name = deliver::name(info.signal);
    let reason = reason_of(info);
    let address = info.words[0] as usize;
    let has_address = info.code > 0 && info.code != SI_KERNEL;
    if has_address {
        klog!(
            "killed by {name} ({reason}, address {address:#x}, at {:#x})",
            frame.rip
        );
    } else {
        klog!("killed by {name} ({reason}, at {:#x})", frame.rip);
    }
    let space = &scheduler::current().process.space();
    if has_address {
        surroundings::print(space, address);
    }
    registers::print(frame);
    backtrace::print_program(space, frame);
}

const PAGE_FAULT: usize = 14;
/// `si_code` of a signal by the kernel without an address (sigaction(2)).
const SI_KERNEL: i32 = 0x80;

/// `si_code` in words (sigaction(2)).
fn reason_of(info: &SignalInfo) -> &'static str {
    const SIGILL: u32 = 4;
    const SIGBUS: u32 = 7;
    const SIGFPE: u32 = 8;
    const SIGSEGV: u32 = 11;
    match (info.signal, info.code) {
        (SIGSEGV, 1) => "nothing is mapped there",
        (SIGSEGV, 2) => "the mapping forbids it",
        (SIGBUS, 2) => "past the end of the mapped file",
        (SIGFPE, 1) => "integer division by zero",
        (SIGILL, _) => "illegal instruction",
        (_, SI_KERNEL) => "by the kernel",
        (_, ..=0) => "by the program itself",
        _ => "exception",
    }
}

/// SDM vol. 3 table 6-1.
fn exception_name(vector: usize) -> &'static str {
    const NAMES: [&str; 20] = [
        "division error",
        "debug exception",
        "non-maskable interrupt",
        "breakpoint",
        "overflow",
        "bound range exceeded",
        "invalid opcode",
        "device not available",
        "double fault",
        "coprocessor segment overrun",
        "invalid TSS",
        "segment not present",
        "stack segment fault",
        "general protection fault",
        "page fault",
        "reserved exception",
        "x87 floating point error",
        "alignment check",
        "machine check",
        "SIMD floating point error",
    ];
    NAMES.get(vector).copied().unwrap_or("exception")
}
