//! When the network is looked at. Interrupts and doorbells leave the guest, which costs more than a
//! packet's whole way through the kernel. So the first frame interrupts, and from then on the card
//! is silent and looked at whenever the processor would idle; frames to send go at that moment too.
//! A program that computes and never idles is interrupted by a tick instead.

use alloc::sync::{Arc, Weak};
use core::sync::atomic::{AtomicBool, Ordering};

use super::stack;
use crate::arch::interrupt;
use crate::klog;
use crate::sync::Once;
use crate::time::{self, timer};

/// How long a frame may wait while the program computes. Setting the timer leaves the guest too.
const TICK_NS: u64 = 1_000_000;
/// How often a card that cannot interrupt is looked at.
const POLL_NS: u64 = 1_000_000;

/// The card is silent: it was not asked for an interrupt.
static IS_SILENT: AtomicBool = AtomicBool::new(false);
static IS_TICK_SET: AtomicBool = AtomicBool::new(false);
/// The processor idles now and then: boot, which does not, is over.
static HAS_IDLED: AtomicBool = AtomicBool::new(false);
/// The card never interrupts.
static IS_DEAF: AtomicBool = AtomicBool::new(false);

/// Starts looking at a card without interrupts.
pub fn begin() {
    if stack::with(|stack| stack.needs_polling()) {
        klog!("the network card does not interrupt: it is looked at every millisecond");
        IS_DEAF.store(true, Ordering::Relaxed);
        tick_soon();
    }
}

/// A card's interrupt: what it received is dealt with before the application goes on.
pub fn on_interrupt() {
    IS_SILENT.store(true, Ordering::Relaxed);
    stack::with(|stack| {
        stack.acknowledge_interrupt();
        stack.receive_frames();
    });
    tick_soon();
}

/// True when what is sent may wait for the next time the processor would idle.
pub fn may_wait() -> bool {
    HAS_IDLED.load(Ordering::Relaxed)
}

/// The processor has nothing to do; true when it has now.
pub fn before_idle() -> bool {
    HAS_IDLED.store(true, Ordering::Relaxed);
    stack::with(|stack| {
        let mut is_busy = stack.receive_frames();
        stack.deliver_loopback();
        stack.flush();
        if !is_busy && IS_SILENT.load(Ordering::Relaxed) {
            is_busy = !listen(stack);
        }
        is_busy
    })
}

/// The last program has ended: what it sent gets a moment to arrive before the power goes off.
pub fn finish() {
    const PATIENCE_NS: u64 = 200_000_000;
    let deadline_ns = time::now_ns() + PATIENCE_NS;
    while stack::with(|stack| stack.has_unsent()) && time::now_ns() < deadline_ns {
        if !before_idle() {
            tick_soon();
            interrupt::idle();
        }
    }
}

/// Asks for interrupts again; false when there is something to look at first.
fn listen(stack: &mut stack::Stack) -> bool {
    let is_quiet = stack.await_interrupt();
    IS_SILENT.store(!is_quiet, Ordering::Relaxed);
    is_quiet
}

/// Makes sure that a tick comes.
pub fn tick_soon() {
    if IS_TICK_SET.swap(true, Ordering::Relaxed) {
        return;
    }
    let interval_ns = if IS_DEAF.load(Ordering::Relaxed) {
        POLL_NS
    } else {
        TICK_NS
    };
    timer::arm(time::now_ns() + interval_ns, 0, ticker());
}

struct Tick;

impl timer::Expire for Tick {
    fn expire(&self, _key: u64) {
        IS_TICK_SET.store(false, Ordering::Relaxed);
        let is_silent = IS_SILENT.load(Ordering::Relaxed);
        let is_deaf = IS_DEAF.load(Ordering::Relaxed);
        stack::with(|stack| {
            if is_silent || is_deaf {
                stack.receive_frames();
                stack.deliver_loopback();
            }
            stack.flush();
            if is_silent && !listen(stack) {
                stack.receive_frames();
            }
        });
        if is_deaf || IS_SILENT.load(Ordering::Relaxed) {
            tick_soon();
        }
    }
}

fn ticker() -> Weak<dyn timer::Expire> {
    static TICK: Once<Arc<Tick>> = Once::new();
    if TICK.get().is_none() {
        TICK.set(Arc::new(Tick));
    }
    let tick: Weak<Tick> = TICK.get().map(Arc::downgrade).unwrap_or_default();
    tick
}
