//! The 16550 UART at COM1, output only, polled (every machine QEMU has offers it), and QEMU's
//! isa-debugcon at port 0xe9. Input is not read yet: /dev/console gives end of file.
//!
//! Each access to a port leaves the guest, which costs microseconds: the transmitter is asked for
//! room once for each FIFO's worth of bytes.

use core::sync::atomic::{AtomicUsize, Ordering};

use crate::arch::port;

const COM1: u16 = 0x3f8;
const FIFO_CONTROL: u16 = COM1 + 2;
const LINE_CONTROL: u16 = COM1 + 3;
const LINE_STATUS: u16 = COM1 + 5;
/// FIFOs on, both cleared (16550D datasheet § 8.5).
const FIFOS_ON: u8 = 0x07;
/// 8 data bits, no parity, 1 stop bit.
const LINE_8N1: u8 = 0x03;
/// The transmitter's FIFO is empty (16550D datasheet § 8.6.3).
const THRE: u8 = 0x20;
const FIFO_BYTES: usize = 16;
/// A transmitter that never gets ready is no transmitter: give up after this many looks.
const PATIENCE: u32 = 100_000;

const DEBUGCON: u16 = 0xe9;
/// What reading the port gives when the device is there.
const DEBUGCON_PRESENT: u8 = 0xe9;

/// Bytes that surely fit into the FIFO before it need be looked at. No lock: a crash report may
/// interrupt a write, and mixed is better than mute.
static ROOM: AtomicUsize = AtomicUsize::new(0);

/// Before the first write.
pub fn install() {
    port::write_u8(LINE_CONTROL, LINE_8N1);
    port::write_u8(FIFO_CONTROL, FIFOS_ON);
}

/// Writes bytes to the console, `\n` as `\r\n` as a terminal wants it.
pub fn write(bytes: &[u8]) {
    for &byte in bytes {
        if byte == b'\n' {
            transmit(b'\r');
        }
        transmit(byte);
    }
}

/// Writes bytes to the control channel if a host listens.
pub fn write_event(bytes: &[u8]) {
    if has_events() {
        bytes.iter().for_each(|&byte| put_event(byte));
    }
}

/// True when a host listens to the control channel.
pub fn has_events() -> bool {
    port::read_u8(DEBUGCON) == DEBUGCON_PRESENT
}

/// Writes a byte to the control channel of a host that listens.
pub fn put_event(byte: u8) {
    port::write_u8(DEBUGCON, byte);
}

fn transmit(byte: u8) {
    let mut room = ROOM.load(Ordering::Relaxed);
    if room == 0 {
        (0..PATIENCE).any(|_| port::read_u8(LINE_STATUS) & THRE != 0);
        room = FIFO_BYTES;
    }
    port::write_u8(COM1, byte);
    ROOM.store(room - 1, Ordering::Relaxed);
}
