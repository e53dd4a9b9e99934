//! The time stamp counter as the clock, and how fast it and the local APIC's timer tick.
//!
//! No long delay: frequencies come from CPUID where it tells, else from counting one millisecond
//! of the local APIC's timer, which QEMU and KVM run at exactly 1 GHz.

use core::sync::atomic::{AtomicU64, Ordering};

use crate::arch::{cpu, lapic};

const NS_PER_S: u64 = 1_000_000_000;
/// How long calibration counts.
const CALIBRATION_NS: u32 = 1_000_000;
/// The timer of the local APIC under QEMU and KVM (QEMU hw/intc/apic.c, KVM APIC_BUS_CYCLE_NS).
const VIRTUAL_APIC_HZ: u64 = 1_000_000_000;

static BASE_TSC: AtomicU64 = AtomicU64::new(0);
/// Nanoseconds per TSC tick, times 2^32.
static NS_PER_TICK: AtomicU64 = AtomicU64::new(1 << 32);
static APIC_HZ: AtomicU64 = AtomicU64::new(VIRTUAL_APIC_HZ);
/// Realtime minus monotonic.
static EPOCH_NS: AtomicU64 = AtomicU64::new(0);

/// Nanoseconds since boot (CLOCK_MONOTONIC).
pub fn now_ns() -> u64 {
    let ticks = cpu::tsc().wrapping_sub(BASE_TSC.load(Ordering::Relaxed));
    let scaled = u128::from(ticks) * u128::from(NS_PER_TICK.load(Ordering::Relaxed));
    (scaled >> 32) as u64
}

/// Nanoseconds since 1970-01-01 UTC (CLOCK_REALTIME).
pub fn realtime_ns() -> u64 {
    now_ns().wrapping_add(EPOCH_NS.load(Ordering::Relaxed))
}

/// Sets the realtime clock (clock_settime(2)).
pub fn set_realtime_ns(realtime_ns: u64) {
    EPOCH_NS.store(realtime_ns.wrapping_sub(now_ns()), Ordering::Relaxed);
    super::page::publish();
}

/// Ticks of the local APIC's timer in `delay_ns`.
pub fn apic_ticks(delay_ns: u64) -> u64 {
    let ticks = u128::from(delay_ns) * u128::from(APIC_HZ.load(Ordering::Relaxed));
    (ticks / u128::from(NS_PER_S)) as u64
}

/// What the vDSO needs: TSC at monotonic 0, nanoseconds per tick times 2^32, realtime offset.
pub fn parameters() -> (u64, u64, u64) {
    let base = BASE_TSC.load(Ordering::Relaxed);
    (
        base,
        NS_PER_TICK.load(Ordering::Relaxed),
        EPOCH_NS.load(Ordering::Relaxed),
    )
}

/// Finds the frequencies and starts the clock at 0.
pub fn install() {
    let hz = frequency_from_cpuid().unwrap_or_else(count_against_apic);
    NS_PER_TICK.store(
        (((NS_PER_S as u128) << 32) / u128::from(hz.max(1))) as u64,
        Ordering::Relaxed,
    );
    BASE_TSC.store(cpu::tsc(), Ordering::Relaxed);
}

/// CPUID 0x15 (SDM vol. 2), or the hypervisor's leaf 0x40000010 in kHz (VMware's, KVM's and HVF's).
fn frequency_from_cpuid() -> Option<u64> {
    let [denominator, numerator, crystal_hz, _] = cpu::cpuid(0x15, 0);
    if denominator != 0 && crystal_hz != 0 {
        return Some(u64::from(crystal_hz) * u64::from(numerator) / u64::from(denominator));
    }
    cpu::hypervisor()?;
    let khz = cpu::cpuid(0x4000_0010, 0)[0];
    (khz != 0).then(|| u64::from(khz) * 1000)
}

fn count_against_apic() -> u64 {
    lapic::start_counting();
    let (tsc_before, apic_before) = read_both();
    while lapic::counted().wrapping_sub(apic_before) < CALIBRATION_NS {
        core::hint::spin_loop();
    }
    let (tsc_after, apic_after) = read_both();
    let ticks = u128::from(tsc_after - tsc_before);
    let apic_ticks = u128::from(apic_after.wrapping_sub(apic_before));
    (ticks * u128::from(VIRTUAL_APIC_HZ) / apic_ticks.max(1)) as u64
}

/// Both counters at one moment: of a few tries the one that took the least time in between.
fn read_both() -> (u64, u32) {
    const TRIES: usize = 5;
    let sample = |_| {
        let before = cpu::tsc();
        let apic = lapic::counted();
        let after = cpu::tsc();
        (after - before, before + (after - before) / 2, apic)
    };
    let best = (0..TRIES).map(sample).min_by_key(|(width, ..)| *width);
    best.map_or((cpu::tsc(), lapic::counted()), |(_, tsc, apic)| (tsc, apic))
}
