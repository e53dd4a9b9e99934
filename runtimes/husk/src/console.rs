//! What the machine says: the serial console, and the control channel that a host may attach.
//!
//! The kernel's own lines begin with `husk: `. The control channel (isa-debugcon) carries one event
//! a line for programs to read; without the device its lines go nowhere.

use core::fmt::{self, Write};

use crate::driver::serial;

/// The serial console as a `fmt::Write`.
pub struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        serial::write(text.as_bytes());
        Ok(())
    }
}

/// The control channel as a `fmt::Write`.
pub struct Events;

impl Write for Events {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        serial::write_event(text.as_bytes());
        Ok(())
    }
}

/// Prints a kernel line on the console: `klog!("no {}", what)`.
#[macro_export]
macro_rules! klog {
    ($($arg:tt)*) => {{
        use core::fmt::Write as _;
        let _ = writeln!($crate::console::Console, "husk: {}", format_args!($($arg)*));
    }};
}

/// Writes an event to the control channel: `event!("exit {status}")`.
#[macro_export]
macro_rules! event {
    ($($arg:tt)*) => {{
        use core::fmt::Write as _;
        let _ = writeln!($crate::console::Events, $($arg)*);
    }};
}
