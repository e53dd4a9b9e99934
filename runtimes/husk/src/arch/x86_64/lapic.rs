//! The local APIC: end of interrupt, the one-shot timer, message-signalled interrupts
//! (SDM vol. 3 § 12). Registers are read through memory (xAPIC), which every machine offers.

use core::sync::atomic::{AtomicUsize, Ordering};

use super::cpu;
use crate::mm;
use crate::time::tsc;

pub const TIMER_VECTOR: u8 = 0x20;
/// Of no interrupt: not to be ended (SDM vol. 3 § 12.9).
pub const SPURIOUS_VECTOR: u8 = 0x2f;

const ID: usize = 0x20;
const END_OF_INTERRUPT: usize = 0xb0;
const SPURIOUS: usize = 0xf0;
const TIMER: usize = 0x320;
const INITIAL_COUNT: usize = 0x380;
const CURRENT_COUNT: usize = 0x390;
const DIVIDE: usize = 0x3e0;

const ENABLE: u32 = 1 << 8;
const MASKED: u32 = 1 << 16;
const DIVIDE_BY_1: u32 = 0b1011;

static REGISTERS: AtomicUsize = AtomicUsize::new(0);

fn read(register: usize) -> u32 {
    // SAFETY: a register of the mapped local APIC.
    unsafe { ((REGISTERS.load(Ordering::Relaxed) + register) as *const u32).read_volatile() }
}

/// The host's tests have no local APIC: timers are armed and never fire.
#[cfg(test)]
fn write(_register: usize, _value: u32) {}

#[cfg(not(test))]
fn write(register: usize, value: u32) {
    // SAFETY: as for `read`.
    unsafe { ((REGISTERS.load(Ordering::Relaxed) + register) as *mut u32).write_volatile(value) }
}

/// Maps and enables the local APIC, its timer stopped.
pub fn install() {
    let base = cpu::read_msr(cpu::IA32_APIC_BASE) as usize & !0xfff;
    let Ok(registers) = mm::map_device(base, mm::PAGE_SIZE) else {
        return;
    };
    REGISTERS.store(registers as usize, Ordering::Relaxed);
    write(SPURIOUS, ENABLE | u32::from(SPURIOUS_VECTOR));
    write(DIVIDE, DIVIDE_BY_1);
    write(TIMER, MASKED | u32::from(TIMER_VECTOR));
}

pub fn end_of_interrupt() {
    write(END_OF_INTERRUPT, 0);
}

/// This processor's APIC id.
pub fn id() -> u32 {
    read(ID) >> 24
}

/// Address and data that make a device's message raise `vector` here (SDM vol. 3 § 12.11).
pub fn message(vector: u8) -> (u64, u32) {
    (0xfee0_0000 | u64::from(id()) << 12, u32::from(vector))
}

/// Starts the counter without an interrupt, for calibration.
pub fn start_counting() {
    write(TIMER, MASKED | u32::from(TIMER_VECTOR));
    write(INITIAL_COUNT, u32::MAX);
}

/// Ticks since `start_counting`.
pub fn counted() -> u32 {
    u32::MAX - read(CURRENT_COUNT)
}

/// Programs the timer to fire in `delay_ns` from now.
pub fn fire_in(delay_ns: u64) {
    let ticks = tsc::apic_ticks(delay_ns).clamp(1, u64::from(u32::MAX));
    write(TIMER, u32::from(TIMER_VECTOR));
    write(INITIAL_COUNT, ticks as u32);
}
