//! The one hardware timer, shared: it fires at the earliest time anybody asked for.

use core::sync::atomic::{AtomicU64, Ordering};

use super::{now_ns, timer};
use crate::arch::lapic;

/// When the hardware will fire; `u64::MAX` when it is stopped.
static NEXT_NS: AtomicU64 = AtomicU64::new(u64::MAX);

/// Makes sure the timer fires at `at_ns` or before.
pub fn set(at_ns: u64) {
    if at_ns >= NEXT_NS.load(Ordering::Relaxed) {
        return;
    }
    NEXT_NS.store(at_ns, Ordering::Relaxed);
    lapic::fire_in(at_ns.saturating_sub(now_ns()));
}

/// The timer fired: runs what is due and asks for the next.
pub fn rang() {
    NEXT_NS.store(u64::MAX, Ordering::Relaxed);
    timer::run_due(now_ns());
    if let Some(at_ns) = timer::next_deadline() {
        set(at_ns);
    }
}
