//! The vDSO (vdso(7)): clocks read without a system call. A shared object of its own, mapped in
//! every process below a page of data that the kernel keeps current (src/time/page.rs).
//!
//! Built by build.rs without a crate: position-independent, no writable data, no relocations.
//! A clock that is not kept in the data page falls back to the system call.

#![cfg_attr(not(test), no_std)]

use core::arch::asm;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// What the kernel keeps current; the same fields in src/time/page.rs.
#[repr(C)]
struct Data {
    /// Odd while the rest is being changed.
    sequence: AtomicU32,
    /// TSC when the monotonic clock was 0, nanoseconds per tick times 2^32, realtime at monotonic 0.
    base_tsc: AtomicU64,
    ns_per_tick: AtomicU64,
    epoch_ns: AtomicU64,
}

#[repr(C)]
pub struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}

#[repr(C)]
pub struct Timeval {
    seconds: i64,
    microseconds: i64,
}

/// struct timezone (gettimeofday(2)): obsolete, always zeros.
#[repr(C)]
pub struct Timezone {
    minutes_west: i32,
    dst_time: i32,
}

const SYS_GETTIMEOFDAY: usize = 96;
const SYS_CLOCK_GETTIME: usize = 228;
const SYS_CLOCK_GETRES: usize = 229;
const CLOCK_REALTIME: i32 = 0;
const CLOCK_MONOTONIC: i32 = 1;
const CLOCK_MONOTONIC_RAW: i32 = 4;
const CLOCK_REALTIME_COARSE: i32 = 5;
const CLOCK_MONOTONIC_COARSE: i32 = 6;
const CLOCK_BOOTTIME: i32 = 7;
const NS_PER_S: u64 = 1_000_000_000;

/// Monotonic and realtime now, in nanoseconds.
fn now_ns(data: &Data) -> (u64, u64) {
    loop {
        let sequence = data.sequence.load(Ordering::Acquire);
        let base = data.base_tsc.load(Ordering::Relaxed);
        let ns_per_tick = data.ns_per_tick.load(Ordering::Relaxed);
        let epoch_ns = data.epoch_ns.load(Ordering::Relaxed);
        // SAFETY: RDTSC has no effect but its result.
        let tsc = unsafe { core::arch::x86_64::_rdtsc() };
        core::sync::atomic::fence(Ordering::Acquire);
        if sequence & 1 == 0 && data.sequence.load(Ordering::Relaxed) == sequence {
            let ticks = u128::from(tsc.wrapping_sub(base));
            let monotonic = ((ticks * u128::from(ns_per_tick)) >> 32) as u64;
            return (monotonic, monotonic.wrapping_add(epoch_ns));
        }
    }
}

/// What a clock shows, if the data page tells.
fn clock_ns(data: &Data, clock: i32) -> Option<u64> {
    let (monotonic, realtime) = now_ns(data);
    match clock {
        CLOCK_REALTIME | CLOCK_REALTIME_COARSE => Some(realtime),
        CLOCK_MONOTONIC | CLOCK_MONOTONIC_RAW | CLOCK_MONOTONIC_COARSE | CLOCK_BOOTTIME => {
            Some(monotonic)
        }
        _ => None,
    }
}

fn data() -> &'static Data {
    let data: *const Data;
    // SAFETY: vdso.ld puts the symbol one page below the object, where the kernel maps the data.
    unsafe {
        asm!(
            ".hidden husk_vdso_data",
            "lea {}, [rip + husk_vdso_data]",
            out(reg) data,
            options(nomem, nostack, preserves_flags),
        );
        &*data
    }
}

fn system_call(number: usize, first: usize, second: usize) -> i32 {
    let result: isize;
    // SAFETY: the kernel checks both pointers; `syscall` changes RCX and R11 besides.
    unsafe {
        asm!("syscall", inlateout("rax") number => result, in("rdi") first, in("rsi") second,
             out("rcx") _, out("r11") _, options(nostack));
    }
    result as i32
}

/// clock_gettime(2).
///
/// # Safety
/// `time` is null or can be written.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn __vdso_clock_gettime(clock: i32, time: *mut Timespec) -> i32 {
    let Some(ns) = clock_ns(data(), clock) else {
        return system_call(SYS_CLOCK_GETTIME, clock as usize, time as usize);
    };
    // SAFETY: the caller's promise; a bad pointer is the caller's fault, as on Linux.
    unsafe {
        (*time).seconds = (ns / NS_PER_S) as i64;
        (*time).nanoseconds = (ns % NS_PER_S) as i64;
    }
    0
}

/// gettimeofday(2).
///
/// # Safety
/// Both pointers are null or can be written.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn __vdso_gettimeofday(time: *mut Timeval, zone: *mut Timezone) -> i32 {
    let Some(ns) = clock_ns(data(), CLOCK_REALTIME) else {
        return system_call(SYS_GETTIMEOFDAY, time as usize, zone as usize);
    };
    // SAFETY: the caller's promise.
    unsafe {
        if !time.is_null() {
            (*time).seconds = (ns / NS_PER_S) as i64;
            (*time).microseconds = (ns % NS_PER_S / 1000) as i64;
        }
        if !zone.is_null() {
            (*zone).minutes_west = 0;
            (*zone).dst_time = 0;
        }
    }
    0
}

/// time(2).
///
/// # Safety
/// `time` is null or can be written.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn __vdso_time(time: *mut i64) -> i64 {
    let seconds = (now_ns(data()).1 / NS_PER_S) as i64;
    if !time.is_null() {
        // SAFETY: the caller's promise.
        unsafe { *time = seconds };
    }
    seconds
}

/// clock_getres(2): asked too seldom to answer here.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub extern "C" fn __vdso_clock_getres(clock: i32, resolution: *mut Timespec) -> i32 {
    system_call(SYS_CLOCK_GETRES, clock as usize, resolution as usize)
}

/// getcpu(2): there is one processor, number 0, in node 0.
///
/// # Safety
/// Both pointers are null or can be written.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn __vdso_getcpu(cpu: *mut u32, node: *mut u32, _unused: usize) -> i32 {
    for target in [cpu, node] {
        if !target.is_null() {
            // SAFETY: the caller's promise.
            unsafe { *target = 0 };
        }
    }
    0
}

/// Nothing here can panic; the compiler wants it all the same.
#[cfg(not(test))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_follow_the_counter() {
        let data = Data {
            sequence: AtomicU32::new(2),
            base_tsc: AtomicU64::new(0),
            ns_per_tick: AtomicU64::new(1 << 31),
            epoch_ns: AtomicU64::new(1_000_000_000_000),
        };
        let monotonic = clock_ns(&data, CLOCK_MONOTONIC).unwrap();
        let realtime = clock_ns(&data, CLOCK_REALTIME).unwrap();
        assert!(monotonic > 0 && realtime > monotonic + 1_000_000_000_000 - 1);
        assert!(clock_ns(&data, CLOCK_BOOTTIME).unwrap() >= monotonic);
        assert_eq!(clock_ns(&data, 2), None);
    }
}
