//! Signals from the host, as `docker kill` sends them: lines `SIGNAL PID` in decimal on the second
//! serial port (COM2), which this only reads. A machine without that port has no such channel.
//!
//! The port's FIFO stays off: QEMU then keeps back what is not yet read, a byte at a time.

use crate::arch::{interrupt, ioapic, port};
use crate::driver::Driver;
use crate::process::{registry, signal};
use crate::sync::SpinLock;

const COM2: u16 = 0x2f8;
const LINE: u32 = 3;
const INTERRUPT_ENABLE: u16 = COM2 + 1;
const MODEM_CONTROL: u16 = COM2 + 4;
const LINE_STATUS: u16 = COM2 + 5;
const SCRATCH: u16 = COM2 + 7;
/// A byte has come (16550D datasheet § 8.6.3 and § 8.6.7).
const DATA_READY: u8 = 0x01;
/// PCs let the interrupt through by this output.
const OUT2: u8 = 0x08;

#[unsafe(no_mangle)]
pub static husk_driver_host_signals: Driver = Driver { probe };

static REQUEST: SpinLock<Request> = SpinLock::new(Request { signal: 0, pid: 0 });

/// A line as far as it has come.
#[derive(Default, Clone, Copy)]
struct Request {
    signal: u32,
    pid: u32,
}

extern "C" fn probe() {
    const ANY: u8 = 0x5a;
    port::write_u8(SCRATCH, ANY);
    if port::read_u8(SCRATCH) != ANY {
        return;
    }
    if let Some(vector) = interrupt::allocate_vector(on_interrupt) {
        ioapic::route_line(LINE, vector);
        port::write_u8(MODEM_CONTROL, OUT2);
        port::write_u8(INTERRUPT_ENABLE, DATA_READY);
    }
}

fn on_interrupt() {
    while port::read_u8(LINE_STATUS) & DATA_READY != 0 {
        let byte = port::read_u8(COM2);
        let request = REQUEST.lock().add(byte);
        request.into_iter().for_each(Request::send);
    }
}

impl Request {
    /// The whole request once its line ends.
    fn add(&mut self, byte: u8) -> Option<Request> {
        match byte {
            b'0'..=b'9' => {
                let digit = u32::from(byte - b'0');
                self.pid = self.pid.saturating_mul(10).saturating_add(digit);
            }
            b' ' => self.signal = core::mem::take(&mut self.pid),
            b'\n' => return Some(core::mem::take(self)),
            _ => {}
        }
        None
    }

    /// Nobody is there to be told that there is no such process or signal.
    fn send(self) {
        if let (Some(process), Ok(number)) = (registry::find(self.pid), signal::number(self.signal))
        {
            signal::send_to_process(&process, signal::SignalInfo::from_kernel(number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Request;

    fn requests(text: &[u8]) -> Vec<(u32, u32)> {
        let mut request = Request::default();
        let whole = text.iter().filter_map(|&byte| request.add(byte));
        whole.map(|request| (request.signal, request.pid)).collect()
    }

    #[test]
    fn a_line_is_a_signal_and_a_process() {
        assert_eq!(requests(b"15 1\n1 234\n9"), [(15, 1), (1, 234)]);
    }

    #[test]
    fn a_line_that_makes_no_sense_names_nobody() {
        assert_eq!(requests(b"\n"), [(0, 0)]);
        assert_eq!(requests(b"15 99999999999\n"), [(15, u32::MAX)]);
    }
}
