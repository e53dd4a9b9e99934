//! Instructions that Rust has no word for: MSRs, CPUID, control registers, the time stamp counter.

use core::arch::asm;
use core::arch::x86_64::__cpuid_count;

pub const IA32_APIC_BASE: u32 = 0x1b;
pub const IA32_EFER: u32 = 0xc000_0080;
pub const IA32_STAR: u32 = 0xc000_0081;
pub const IA32_LSTAR: u32 = 0xc000_0082;
pub const IA32_FMASK: u32 = 0xc000_0084;
pub const IA32_FS_BASE: u32 = 0xc000_0100;
pub const IA32_GS_BASE: u32 = 0xc000_0101;
pub const IA32_TSC_DEADLINE: u32 = 0x6e0;

pub fn read_msr(msr: u32) -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: callers name MSRs that exist; reading one changes nothing.
    unsafe {
        asm!("rdmsr", in("ecx") msr, out("eax") low, out("edx") high, options(nomem, nostack));
    }
    u64::from(high) << 32 | u64::from(low)
}

pub fn write_msr(msr: u32, value: u64) {
    // SAFETY: callers are arch code that upholds what the MSR controls.
    unsafe {
        asm!("wrmsr", in("ecx") msr, in("eax") value as u32, in("edx") (value >> 32) as u32,
             options(nostack));
    }
}

/// EAX, EBX, ECX, EDX of a CPUID leaf; zeros past the highest leaf of its range.
pub fn cpuid(leaf: u32, subleaf: u32) -> [u32; 4] {
    let highest = __cpuid_count(leaf & 0xffff_0000, 0).eax;
    if leaf > highest {
        return [0; 4];
    }
    let result = __cpuid_count(leaf, subleaf);
    [result.eax, result.ebx, result.ecx, result.edx]
}

/// The hypervisor's signature (CPUID 0x40000000), if it says it is one.
pub fn hypervisor() -> Option<[u32; 3]> {
    const HYPERVISOR_PRESENT: u32 = 1 << 31;
    if cpuid(1, 0)[2] & HYPERVISOR_PRESENT == 0 {
        return None;
    }
    let result = __cpuid_count(0x4000_0000, 0);
    Some([result.ebx, result.ecx, result.edx])
}

/// The time stamp counter.
pub fn tsc() -> u64 {
    // SAFETY: RDTSC has no effect but its result.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// The address whose access faulted.
pub fn read_cr2() -> usize {
    let value: usize;
    // SAFETY: reading CR2 changes nothing.
    unsafe { asm!("mov {}, cr2", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

pub fn read_cr3() -> usize {
    let value: usize;
    // SAFETY: reading CR3 changes nothing.
    unsafe { asm!("mov {}, cr3", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

/// Stack and frame pointer of the caller, for its backtrace.
#[inline(always)]
pub fn stack_and_frame() -> (usize, usize) {
    let (stack, frame): (usize, usize);
    // SAFETY: only reads the two registers.
    unsafe {
        asm!("mov {}, rsp", "mov {}, rbp", out(reg) stack, out(reg) frame,
             options(nomem, nostack, preserves_flags));
    }
    (stack, frame)
}

/// Switches page tables.
///
/// # Safety
/// The table at `value` maps the kernel as the current one does.
pub unsafe fn write_cr3(value: usize) {
    // SAFETY: the caller's promise.
    unsafe { asm!("mov cr3, {}", in(reg) value, options(nostack, preserves_flags)) };
}

pub fn read_cr4() -> usize {
    let value: usize;
    // SAFETY: reading CR4 changes nothing.
    unsafe { asm!("mov {}, cr4", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

/// # Safety
/// The features turned on exist and the kernel is ready for them.
pub unsafe fn write_cr4(value: usize) {
    // SAFETY: the caller's promise.
    unsafe { asm!("mov cr4, {}", in(reg) value, options(nostack, preserves_flags)) };
}

/// Forgets the translation of one page.
pub fn invalidate_page(address: usize) {
    // SAFETY: INVLPG only drops a cached translation.
    unsafe { asm!("invlpg [{}]", in(reg) address, options(nostack, preserves_flags)) };
}

/// Sleeps until an interrupt, takes it, and has interrupts off again.
pub fn wait_for_interrupt() {
    // SAFETY: the interrupt stack was installed by the caller; STI takes effect after HLT began, so
    // that no interrupt is lost between the two (SDM vol. 2, STI).
    unsafe { asm!("sti", "hlt", "cli", options(nostack)) };
}

/// Stops for ever.
pub fn halt() -> ! {
    loop {
        // SAFETY: with interrupts off nothing more happens.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) };
    }
}

/// A random number from the processor: RDSEED, else RDRAND; None when it has neither.
pub fn random_u64() -> Option<u64> {
    const HAS_RDSEED: u32 = 1 << 18; // leaf 7 EBX
    const HAS_RDRAND: u32 = 1 << 30; // leaf 1 ECX
    const TRIES: usize = 10; // SDM vol. 1 § 7.3.17.1
    if cpuid(7, 0)[1] & HAS_RDSEED != 0 {
        let seed = (0..TRIES).find_map(|_| rdseed());
        if seed.is_some() {
            return seed;
        }
    }
    if cpuid(1, 0)[2] & HAS_RDRAND == 0 {
        return None;
    }
    (0..TRIES).find_map(|_| rdrand())
}

fn rdseed() -> Option<u64> {
    let (value, is_valid): (u64, u8);
    // SAFETY: callers checked that the instruction exists.
    unsafe {
        asm!("rdseed {}", "setc {}", out(reg) value, out(reg_byte) is_valid, options(nomem, nostack))
    };
    (is_valid != 0).then_some(value)
}

fn rdrand() -> Option<u64> {
    let (value, is_valid): (u64, u8);
    // SAFETY: callers checked that the instruction exists.
    unsafe {
        asm!("rdrand {}", "setc {}", out(reg) value, out(reg_byte) is_valid, options(nomem, nostack))
    };
    (is_valid != 0).then_some(value)
}
