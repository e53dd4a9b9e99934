//! Switching the processor from one thread to another.
//!
//! Callee-saved registers go by the thread's kernel stack; the extended state (x87, upper halves of
//! YMM and beyond, MXCSR), which the kernel never touches, is saved here by XSAVE or FXSAVE.

use core::arch::asm;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::trap::TrapFrame;
use super::{cpu, entry};
use crate::errno::{ENOMEM, Errno};
use crate::mm::stack::KernelStack;

/// Where a thread that is off the processor goes on.
#[repr(C)]
pub struct Context {
    pub rsp: usize,
}

/// Registers `husk_switch` pops, then its return address.
const SWITCH_WORDS: usize = 7;

unsafe extern "C" {
    /// Saves the running thread's RSP to `*from` and goes on at `to`.
    pub fn husk_switch(from: *mut usize, to: usize);
}

impl Context {
    /// A context that enters the application with `frame`'s registers.
    pub fn returning_with(stack: &KernelStack, frame: &TrapFrame) -> Context {
        let at = TrapFrame::at_stack_top(stack.top());
        // SAFETY: the stack is mapped, new and big enough for the frame and the words below it.
        unsafe {
            at.write(*frame);
            let words = at.cast::<usize>().sub(SWITCH_WORDS);
            words.write_bytes(0, SWITCH_WORDS - 1);
            words.add(SWITCH_WORDS - 1).write(entry::thread_start());
            Context {
                rsp: words as usize,
            }
        }
    }
}

static HAS_XSAVE: AtomicBool = AtomicBool::new(false);
static SIZE_BYTES: AtomicUsize = AtomicUsize::new(FXSAVE_BYTES);
static FEATURES: AtomicU64 = AtomicU64::new(0);
const FXSAVE_BYTES: usize = 512;
/// XCR0: x87, SSE, AVX, AVX-512 (three parts). No AMX tiles: 8 KiB a thread.
const WANTED_FEATURES: u32 = 0b1110_0111;

/// Turns on FPU, SSE and, where there is one, XSAVE with the features it can keep.
pub fn install() {
    const XSAVE: u32 = 1 << 26;
    const CR4_OSFXSR_OSXMMEXCPT: usize = 3 << 9;
    const CR4_OSXSAVE: usize = 1 << 18;
    let has_xsave = cpu::cpuid(1, 0)[2] & XSAVE != 0;
    let mut cr4 = cpu::read_cr4() | CR4_OSFXSR_OSXMMEXCPT;
    if has_xsave {
        cr4 |= CR4_OSXSAVE;
    }
    // SAFETY: SSE is there on every x86-64; OSXSAVE only where CPUID says so.
    unsafe { cpu::write_cr4(cr4) };
    if has_xsave {
        let features = cpu::cpuid(0xd, 0)[0] & WANTED_FEATURES;
        // SAFETY: only features that CPUID offers.
        unsafe { asm!("xsetbv", in("ecx") 0, in("eax") features, in("edx") 0, options(nostack)) };
        SIZE_BYTES.store(cpu::cpuid(0xd, 0)[1] as usize, Ordering::Relaxed);
        FEATURES.store(u64::from(features), Ordering::Relaxed);
        HAS_XSAVE.store(true, Ordering::Relaxed);
    }
}

/// Bytes of a thread's extended state as XSAVE lays it out (SDM vol. 1 § 13.4).
pub fn extended_size_bytes() -> usize {
    SIZE_BYTES.load(Ordering::Relaxed)
}

/// XCR0: the state components that XSAVE keeps.
pub fn features() -> u64 {
    FEATURES.load(Ordering::Relaxed)
}

/// True when signal frames carry an XSAVE image rather than FXSAVE's.
pub fn has_xsave() -> bool {
    HAS_XSAVE.load(Ordering::Relaxed)
}

/// Saved extended state, 64-byte aligned.
pub struct ExtendedState {
    area: *mut u8,
}

const ALIGNMENT: usize = 64;

impl ExtendedState {
    /// The state a program starts with (System V ABI AMD64 § 3.4.1): x87 0x37f, MXCSR 0x1f80.
    pub fn initial() -> Result<ExtendedState, Errno> {
        // SAFETY: the layout has a size and a power-of-two alignment.
        let area = unsafe { alloc::alloc::alloc_zeroed(Self::layout()?) };
        if area.is_null() {
            return Err(ENOMEM);
        }
        // SAFETY: FCW at 0 and MXCSR at 24 of the legacy area (SDM vol. 1 table 10-2).
        unsafe {
            area.cast::<u16>().write(0x37f);
            area.add(24).cast::<u32>().write(0x1f80);
        }
        Ok(ExtendedState { area })
    }

    fn layout() -> Result<core::alloc::Layout, Errno> {
        core::alloc::Layout::from_size_align(extended_size_bytes(), ALIGNMENT).map_err(|_| ENOMEM)
    }

    /// The image's first byte; `extended_size_bytes` long.
    pub fn as_ptr(&self) -> *mut u8 {
        self.area
    }

    /// Becomes equal to another thread's saved state.
    pub fn copy_from(&mut self, other: &ExtendedState) {
        // SAFETY: both areas are `extended_size_bytes` long and distinct.
        unsafe {
            self.area
                .copy_from_nonoverlapping(other.area, extended_size_bytes())
        };
    }

    /// Saves the processor's state here.
    pub fn save(&mut self) {
        save_to(self.area);
    }

    /// Loads the processor's state from here.
    pub fn restore(&self) {
        restore_from(self.area);
    }
}

impl Drop for ExtendedState {
    fn drop(&mut self) {
        if let Ok(layout) = Self::layout() {
            // SAFETY: allocated in `initial` with this layout.
            unsafe { alloc::alloc::dealloc(self.area, layout) };
        }
    }
}

/// Saves the extended state to a 64-byte aligned area of `extended_size_bytes`.
pub fn save_to(area: *mut u8) {
    // SAFETY: the area is aligned and large enough by the caller's contract; XMM registers hold
    // the kernel's scratch values, the application's are in the trap frame.
    unsafe {
        if has_xsave() {
            asm!("xsave64 [{}]", in(reg) area, in("eax") u32::MAX, in("edx") u32::MAX, options(nostack));
        } else {
            asm!("fxsave64 [{}]", in(reg) area, options(nostack));
        }
    }
}

/// Loads the extended state from such an area, which holds a valid image.
pub fn restore_from(area: *const u8) {
    // SAFETY: as for `save_to`; every XMM register is declared lost.
    unsafe {
        if has_xsave() {
            asm!("xrstor64 [{}]", in(reg) area, in("eax") u32::MAX, in("edx") u32::MAX, options(nostack),
                 out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _, out("xmm4") _,
                 out("xmm5") _, out("xmm6") _, out("xmm7") _, out("xmm8") _, out("xmm9") _,
                 out("xmm10") _, out("xmm11") _, out("xmm12") _, out("xmm13") _, out("xmm14") _,
                 out("xmm15") _);
        } else {
            asm!("fxrstor64 [{}]", in(reg) area, options(nostack),
                 out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _, out("xmm4") _,
                 out("xmm5") _, out("xmm6") _, out("xmm7") _, out("xmm8") _, out("xmm9") _,
                 out("xmm10") _, out("xmm11") _, out("xmm12") _, out("xmm13") _, out("xmm14") _,
                 out("xmm15") _);
        }
    }
}
