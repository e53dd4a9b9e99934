//! The date from the MC146818 real time clock, once at boot. Machines without one begin in 1970.

use crate::arch::port;

const INDEX: u16 = 0x70;
const DATA: u16 = 0x71;
const STATUS_A: u8 = 0x0a;
const STATUS_B: u8 = 0x0b;
const UPDATE_IN_PROGRESS: u8 = 0x80;
const BINARY: u8 = 0x04;
const HOURS_24: u8 = 0x02;

fn read(register: u8) -> u8 {
    port::write_u8(INDEX, register);
    port::read_u8(DATA)
}

/// Seconds since the epoch, or None when nothing answers.
pub fn read_s() -> Option<u64> {
    const LOOKS: usize = 10_000;
    let is_steady = (0..LOOKS).any(|_| read(STATUS_A) & UPDATE_IN_PROGRESS == 0);
    if !is_steady {
        return None;
    }
    let status = read(STATUS_B);
    let value = |register| decode(read(register), status);
    let (second, minute, day, month) = (value(0), value(2), value(7), value(8));
    let hour = decode_hour(read(4), status);
    let year = 2000 + value(9);
    Some(((days_since_epoch(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

fn decode(raw: u8, status: u8) -> u64 {
    if status & BINARY != 0 {
        return u64::from(raw);
    }
    u64::from(raw >> 4) * 10 + u64::from(raw & 0xf)
}

fn decode_hour(raw: u8, status: u8) -> u64 {
    const AFTERNOON: u8 = 0x80;
    let hour = decode(raw & !AFTERNOON, status);
    if status & HOURS_24 != 0 {
        return hour;
    }
    hour % 12 + if raw & AFTERNOON != 0 { 12 } else { 0 }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar (H. Hinnant, days_from_civil).
fn days_since_epoch(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year / 400;
    let year_of_era = year % 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.max(1) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).saturating_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_count_from_the_epoch() {
        assert_eq!(days_since_epoch(1970, 1, 1), 0);
        assert_eq!(days_since_epoch(2000, 2, 29), 11_016);
        assert_eq!(days_since_epoch(2026, 11, 23), 20_780);
    }

    #[test]
    fn twelve_hour_clocks_are_understood() {
        assert_eq!(decode_hour(0x12, 0), 0);
        assert_eq!(decode_hour(0x92, 0), 12);
        assert_eq!(decode_hour(0x91, 0), 23);
        assert_eq!(decode_hour(0x23, HOURS_24), 23);
    }
}
