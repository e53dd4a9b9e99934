//! Interrupts and exceptions, once entry.rs has saved the registers.
//!
//! Interrupts come only while the application runs or the processor idles. So a handler may take
//! any lock and run whole subsystems (the network does): there are no bottom halves.

use core::sync::atomic::{AtomicUsize, Ordering};

use super::{cpu, lapic, tables, trap::TrapFrame};
use crate::mm::reserve;
use crate::mm::space::{Access, Fault};
use crate::process::{scheduler, signal};
use crate::sync::SpinLock;
use crate::{debug, mm, time, trace};

const FIRST_DEVICE_VECTOR: u8 = 0x30;
/// One for each network card, and one for the host's signals.
const DEVICE_VECTORS: usize = 16;
/// From here on nothing interrupts.
pub const VECTORS: usize = FIRST_DEVICE_VECTOR as usize + DEVICE_VECTORS;
const PAGE_FAULT: usize = 14;

/// What a device wants called.
type Handler = fn();

static HANDLERS: SpinLock<[Option<Handler>; DEVICE_VECTORS]> =
    SpinLock::new([None; DEVICE_VECTORS]);
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// Gives a device a vector of its own; None when all are taken.
pub fn allocate_vector(handler: Handler) -> Option<u8> {
    let index = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut handlers = HANDLERS.lock();
    *handlers.get_mut(index)? = Some(handler);
    Some(FIRST_DEVICE_VECTOR + index as u8)
}

/// Masks the legacy PIC: its vectors would collide with exceptions.
pub fn mask_legacy_pic() {
    const DATA_PORTS: [u16; 2] = [0x21, 0xa1];
    DATA_PORTS
        .into_iter()
        .for_each(|port| super::port::write_u8(port, 0xff));
}

/// Every vector from 32 on.
#[unsafe(no_mangle)]
extern "C" fn husk_interrupt(frame: &mut TrapFrame) {
    let is_application = frame.is_from_application();
    let vector = frame.vector;
    if vector == usize::from(lapic::SPURIOUS_VECTOR) {
        return;
    }
    lapic::end_of_interrupt();
    if vector == usize::from(lapic::TIMER_VECTOR) {
        time::alarm::rang();
    } else if let Some(handler) = handler_of(vector) {
        handler();
    }
    if is_application {
        scheduler::end_of_interrupt();
        signal::before_return(frame);
    }
}

/// Whether an exception, the timer or a device may come by it.
pub fn is_used(vector: usize) -> bool {
    const TIMER: usize = lapic::TIMER_VECTOR as usize;
    const SPURIOUS: usize = lapic::SPURIOUS_VECTOR as usize;
    const FIRST_DEVICE: usize = FIRST_DEVICE_VECTOR as usize;
    matches!(vector, 0..=TIMER | SPURIOUS | FIRST_DEVICE..VECTORS)
}

fn handler_of(vector: usize) -> Option<Handler> {
    let index = vector.checked_sub(usize::from(FIRST_DEVICE_VECTOR))?;
    *HANDLERS.lock().get(index)?
}

/// Where an exception goes on: a frame, and whether it is the application's to be told of.
#[repr(C)]
struct Continuation {
    frame: *mut TrapFrame,
    is_applications: usize,
}

/// Every vector below 32, on the exception stack.
#[unsafe(no_mangle)]
extern "C" fn husk_exception(frame: &mut TrapFrame) -> Continuation {
    let is_resolved = frame.vector == PAGE_FAULT && resolve_page_fault(frame).is_ok();
    if is_resolved || (!frame.is_from_application() && mm::user::fix_up(frame)) {
        return Continuation {
            frame,
            is_applications: 0,
        };
    }
    if !frame.is_from_application() || scheduler::has_no_thread() {
        debug::kernel_died(frame);
    }
    let on_thread_stack = scheduler::current().frame();
    *on_thread_stack = *frame;
    Continuation {
        frame: on_thread_stack,
        is_applications: 1,
    }
}

fn resolve_page_fault(frame: &TrapFrame) -> Result<(), Fault> {
    let address = cpu::read_cr2();
    if address >= mm::USER_END || scheduler::has_no_thread() {
        return Err(Fault::Unmapped);
    }
    let space = scheduler::current().process.space();
    let outcome = space.resolve_fault(address, access_of(frame.error));
    if outcome == Err(Fault::OutOfMemory) && !frame.is_from_application() {
        reserve::note_refused();
    }
    outcome
}

/// Page fault error code (SDM vol. 3 § 4.7).
fn access_of(error: usize) -> Access {
    const WRITE: usize = 1 << 1;
    const INSTRUCTION: usize = 1 << 4;
    if error & INSTRUCTION != 0 {
        return Access::Execute;
    }
    if error & WRITE != 0 {
        Access::Write
    } else {
        Access::Read
    }
}

/// An exception of the application, on its thread's kernel stack: a signal.
#[unsafe(no_mangle)]
extern "C" fn husk_application_exception(frame: &mut TrapFrame) {
    let fault = match frame.vector {
        PAGE_FAULT => resolve_page_fault(frame).err(),
        _ => None,
    };
    signal::raise_for_exception(frame, fault, cpu::read_cr2());
    signal::before_return(frame);
}

/// The slow way out: signals, exits, restarts.
#[unsafe(no_mangle)]
extern "C" fn husk_before_return(frame: &mut TrapFrame) {
    signal::before_return(frame);
}

/// Before a system call, when they are traced.
#[unsafe(no_mangle)]
extern "C" fn husk_trace_call(frame: &TrapFrame) {
    trace::call(frame);
}

/// After it.
#[unsafe(no_mangle)]
extern "C" fn husk_trace_return(frame: &TrapFrame, call: usize) {
    trace::returned(frame, call);
}

/// Idles until an interrupt has been handled.
pub fn idle() {
    tables::use_idle_interrupt_stack();
    cpu::wait_for_interrupt();
    scheduler::restore_interrupt_stack();
}
