//! The page of clock data that every process sees, read-only, below its vDSO (vdso/vdso.rs).

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::tsc;

/// The same fields as in vdso/vdso.rs, alone in their page.
#[repr(C, align(4096))]
struct Page {
    sequence: AtomicU32,
    base_tsc: AtomicU64,
    ns_per_tick: AtomicU64,
    epoch_ns: AtomicU64,
}

static PAGE: Page = Page {
    sequence: AtomicU32::new(0),
    base_tsc: AtomicU64::new(0),
    ns_per_tick: AtomicU64::new(0),
    epoch_ns: AtomicU64::new(0),
};

/// Where the page is in the kernel image.
pub fn address() -> usize {
    &raw const PAGE as usize
}

/// Tells processes how the clocks run: whenever that changes.
pub fn publish() {
    let (base_tsc, ns_per_tick, epoch_ns) = tsc::parameters();
    PAGE.sequence.fetch_add(1, Ordering::AcqRel);
    PAGE.base_tsc.store(base_tsc, Ordering::Relaxed);
    PAGE.ns_per_tick.store(ns_per_tick, Ordering::Relaxed);
    PAGE.epoch_ns.store(epoch_ns, Ordering::Relaxed);
    PAGE.sequence.fetch_add(1, Ordering::Release);
}
