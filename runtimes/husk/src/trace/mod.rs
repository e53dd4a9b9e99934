//! Records system calls for `dock2uk run --strace`: numbers, registers, and the bytes that pointers
//! lead to. The host makes text of them (converter/strace/).
//!
//! Off unless the command line asks. Then `syscall` enters at an entry of its own that calls here,
//! so that the usual one does not even test a flag. A record is an event, one line: `call`,
//! `return`, `signal` or `gone`, its numbers, then memory (see `line`). What cannot be
//! read is left out; strace(1) shows the bare address then.

mod line;
mod plan;

use core::sync::atomic::{AtomicBool, Ordering};

use crate::arch::entry;
use crate::arch::trap::TrapFrame;
use crate::driver::serial;
use crate::mm::user;
use crate::process::signal::SignalInfo;
use crate::process::thread::WORK_EXIT;
use crate::process::{WaitStatus, current};
use crate::{boot, time};
use plan::{Capture, Plan};

static IS_ON: AtomicBool = AtomicBool::new(false);

/// The largest piece of memory that is recorded: a path (PATH_MAX).
const LARGEST_BYTES: usize = 4096;
/// The most elements of an iovec, of messages and of strings that are looked at.
const MOST_ELEMENTS: usize = 256;

/// The six arguments, the stack pointer, the result, and one: what captures refer to by index.
type Registers = [usize; 9];

/// Begins to trace if the command line says so and the host listens.
pub fn install() {
    if !plan().is_empty() && serial::has_events() {
        IS_ON.store(true, Ordering::Relaxed);
        entry::trace_system_calls();
    }
}

fn plan() -> Plan<'static> {
    Plan(&boot::options().strace)
}

/// Before a system call's handler.
pub fn call(frame: &TrapFrame) {
    let pid = current().process.pid as usize;
    let [a, b, c, d, e, f, rsp, ..] = registers(frame);
    let numbers = [pid, frame.vector, a, b, c, d, e, f, rsp];
    system_call(frame, frame.vector, &Moment::Entry, &numbers);
}

/// After the handler of call number `call`, which is no longer in the frame when execve(2) or
/// rt_sigreturn(2) replaced it. A thread that is to end never sees its result.
pub fn returned(frame: &TrapFrame, call: usize) {
    if current().work.load(Ordering::Relaxed) & WORK_EXIT != 0 {
        return;
    }
    system_call(frame, call, &Moment::Exit, &[frame.rax]);
}

/// A signal is about to have its effect.
pub fn signal(info: &SignalInfo) {
    let [first, second, third] = info.words.map(|word| word as usize);
    let (number, code) = (info.signal as usize, info.code as usize);
    event(b"signal", &[number, code, first, second, third]);
}

/// The running thread has ended; its process has or will with `status`.
pub fn gone(status: WaitStatus) {
    event(b"gone", &[status.0 as usize]);
}

#[inline(never)]
fn event(name: &[u8], numbers: &[usize]) {
    if IS_ON.load(Ordering::Relaxed) {
        begin(name, numbers);
        serial::put_event(b'\n');
    }
}

/// The line's name, thread, time and numbers.
#[inline(never)]
fn begin(name: &[u8], numbers: &[usize]) {
    name.iter().for_each(|&byte| serial::put_event(byte));
    line::number(b' ', current().tid() as usize);
    line::number(b' ', time::realtime_ns() as usize);
    numbers.iter().for_each(|&value| line::number(b' ', value));
}

#[derive(PartialEq, Eq)]
enum Moment {
    Entry,
    Exit,
}

#[inline(never)]
fn system_call(frame: &TrapFrame, call: usize, moment: &Moment, numbers: &[usize]) {
    let plan = plan();
    let mut place = plan.place(call);
    if place == 0 {
        return;
    }
    let is_exit = *moment == Moment::Exit;
    begin(if is_exit { b"return" } else { b"call" }, numbers);
    let registers = registers(frame);
    let has_failed = (frame.rax as isize) < 0;
    while let Some(capture) = plan.capture(place).filter(|_| !has_failed) {
        if capture.is_at_exit == is_exit {
            record(&capture, &registers, plan.text_limit());
        }
        place += plan::CAPTURE_CHARACTERS;
    }
    serial::put_event(b'\n');
}

fn registers(f: &TrapFrame) -> Registers {
    [f.rdi, f.rsi, f.rdx, f.r10, f.r8, f.r9, f.rsp, f.rax, 1]
}

fn record(capture: &Capture, registers: &Registers, text_limit: usize) {
    let register = |index: usize| registers.get(index).copied().unwrap_or(0);
    let (address, count) = (register(capture.address), register(capture.count));
    let size_bytes = count.saturating_mul(capture.unit_bytes);
    match capture.kind {
        b'm' => line::memory(address, size_bytes.min(LARGEST_BYTES)),
        b't' => line::memory(address, size_bytes.min(text_limit)),
        b's' => line::string(address, LARGEST_BYTES),
        b'h' => (0..count.min(MOST_ELEMENTS)).for_each(|index| {
            message(address.wrapping_add(index * capture.unit_bytes), text_limit)
        }),
        b'v' => vector(address, count, text_limit),
        _ => strings(address, capture.unit_bytes),
    }
}

/// Pointers that a null ends, with at most `limit` bytes of what each leads to (execve(2)).
fn strings(address: usize, limit: usize) {
    for index in 0..MOST_ELEMENTS {
        let at = address.wrapping_add(index * 8);
        line::memory(at, 8);
        let (pointer, _) = pair(at);
        if pointer == 0 {
            return;
        }
        line::string(pointer, limit);
    }
}

/// struct iovec (readv(2)) and what it leads to.
fn vector(address: usize, count: usize, text_limit: usize) {
    for index in 0..count.min(MOST_ELEMENTS) {
        let at = address.wrapping_add(index * 16);
        line::memory(at, 16);
        let (base, length) = pair(at);
        line::memory(base, length.min(text_limit));
    }
}

/// struct mmsghdr (sendmmsg(2)), which begins with the struct msghdr of sendmsg(2).
fn message(address: usize, text_limit: usize) {
    line::memory(address, 64);
    let (name, length) = pair(address);
    line::memory(name, length.min(128));
    let (buffers, count) = pair(address.wrapping_add(16));
    vector(buffers, count, text_limit);
    let (control, length) = pair(address.wrapping_add(32));
    line::memory(control, length.min(LARGEST_BYTES));
}

/// Two words, or zeros where there is nothing.
#[inline(never)]
fn pair(address: usize) -> (usize, usize) {
    let words = user::read::<[usize; 2]>(address).unwrap_or_default();
    (words[0], words[1])
}
