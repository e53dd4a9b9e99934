//! What is told to the host, on the kernel's event channel: `attack try STEP`, `attack got VALUE`,
//! and `attack achieved`. Written to the port itself, as ring 0 may: write(2) may not be linked.

use core::arch::asm;

/// Where QEMU's debug console is (`converter/verify/qemu.py`).
const EVENT_PORT: u16 = 0xe9;

/// A step that follows, and what it is about.
pub fn trying(step: &str, subject: &[u8]) {
    say(b"attack try ");
    say(step.as_bytes());
    if !subject.is_empty() {
        say(b" ");
        subject.iter().for_each(|&byte| put(printable(byte)));
    }
    say(b"\n");
}

/// What the step returned: a negative number is an error.
pub fn got(value: isize) {
    say(b"attack got ");
    if value < 0 {
        say(b"-");
    }
    number(value.unsigned_abs());
    say(b"\n");
}

/// The attack is through.
pub fn achieved() {
    say(b"attack achieved\n");
}

fn number(value: usize) {
    if value > 9 {
        number(value / 10);
    }
    put(b'0' + (value % 10) as u8);
}

/// A path may hold anything; a line must stay one.
fn printable(byte: u8) -> u8 {
    if byte.is_ascii_graphic() { byte } else { b'?' }
}

fn say(text: &[u8]) {
    text.iter().for_each(|&byte| put(byte));
}

fn put(byte: u8) {
    // SAFETY: the port is there for bytes to be written to; no memory is touched.
    unsafe { asm!("out dx, al", in("dx") EVENT_PORT, in("al") byte, options(nomem, nostack)) };
}
