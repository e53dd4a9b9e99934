//! One record on its way to the host, written as it grows: nothing is held or allocated.
//!
//! Numbers and bytes are in base 16 with the digits `a` to `p`.

use crate::driver::serial::put_event;
use crate::mm::user;

/// `mark` and `value`, without leading zeros.
pub fn number(mark: u8, value: usize) {
    put_event(mark);
    let significant_bits = usize::BITS - value.leading_zeros();
    let mut place = significant_bits.div_ceil(4).max(1);
    while place > 0 {
        place -= 1;
        digit(value >> (4 * place));
    }
}

fn digit(value: usize) {
    put_event(b'a' + (value & 0xf) as u8);
}

/// What is at `address`, up to the first page that is not there: `@ADDRESS:BYTES`.
pub fn memory(address: usize, size_bytes: usize) {
    bytes(address, size_bytes, false);
}

/// The string at `address` with its NUL, or `limit` bytes of it.
pub fn string(address: usize, limit: usize) {
    bytes(address, limit, true);
}

fn bytes(address: usize, size_bytes: usize, ends_at_nul: bool) {
    for index in 0..size_bytes {
        let at = address.wrapping_add(index);
        let Ok(byte) = user::read::<u8>(at) else {
            return;
        };
        if index == 0 {
            number(b'@', address);
            put_event(b':');
        }
        digit(usize::from(byte >> 4));
        digit(usize::from(byte));
        if ends_at_nul && byte == 0 {
            return;
        }
    }
}
