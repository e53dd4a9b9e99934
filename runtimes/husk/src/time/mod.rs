//! Clocks and timers. All times are nanoseconds as u64; deadlines are monotonic.

pub mod alarm;
pub mod page;
pub mod rtc;
pub mod timer;
pub mod tsc;

pub use tsc::{now_ns, realtime_ns};

/// Finds out how fast time passes, and what time it is.
pub fn install() {
    tsc::install();
    page::publish();
    if let Some(seconds) = rtc::read_s() {
        tsc::set_realtime_ns(seconds * 1_000_000_000);
    }
}
