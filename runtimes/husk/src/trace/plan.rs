//! Which system calls the host wants to see, and which of the memory their arguments lead to: the
//! `strace` option. The host makes it from signatures.tbl (converter/strace/plan.py), ready to be
//! used as it is: the kernel has no table of its own, and hardly a parser.
//!
//! Characters from `0` on stand for numbers. First the limit of buffers, then for each call the
//! place of its captures, two characters each, high before low; then the captures, five characters
//! each, those of a call ended by a character below `0`. Place 0 is a call that is not wanted.

/// Calls beyond share the last place.
pub const CALLS: usize = 480;
pub const CAPTURE_CHARACTERS: usize = 5;
const BASE: usize = 64;

pub struct Plan<'a>(pub &'a [u8]);

/// The memory that one argument leads to.
#[derive(Debug, PartialEq, Eq)]
pub struct Capture {
    /// Which of `super::registers` is the address, and which says how many units.
    pub address: usize,
    pub count: usize,
    /// What is there: a letter that `super::record` knows.
    pub kind: u8,
    /// It is there after the call rather than before: the letter was in upper case.
    pub is_at_exit: bool,
    pub unit_bytes: usize,
}

impl Plan<'_> {
    /// Nothing is to be traced.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Of a buffer no more bytes than these are wanted.
    pub fn text_limit(&self) -> usize {
        self.number(0)
    }

    /// Where the captures of a call begin; 0 when it is not wanted.
    pub fn place(&self, call: usize) -> usize {
        self.number(2 + 2 * call.min(CALLS - 1))
    }

    /// The capture at `place`; None at the end of a call's.
    pub fn capture(&self, place: usize) -> Option<Capture> {
        let &[address, kind, count, high, low] = self.0.get(place..)?.first_chunk()?;
        (address >= b'0').then(|| Capture {
            address: value(address),
            count: value(count),
            kind: kind.to_ascii_lowercase(),
            is_at_exit: kind.is_ascii_uppercase(),
            unit_bytes: value(high) * BASE + value(low),
        })
    }

    fn number(&self, at: usize) -> usize {
        let digits = self.0.get(at..).and_then(|rest| rest.first_chunk());
        digits.map_or(0, |&[high, low]| value(high) * BASE + value(low))
    }
}

fn value(digit: u8) -> usize {
    usize::from(digit.wrapping_sub(b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// Call 1 is wanted with one capture, the last with none, the others are not.
    fn text() -> Vec<u8> {
        let mut text = alloc::vec![b'0'; 2 + 2 * CALLS];
        text[1] = b'0' + 33;
        let place = text.len();
        for (call, place) in [(1, place), (CALLS - 1, place + 5)] {
            text[2 + 2 * call] = b'0' + (place / BASE) as u8;
            text[3 + 2 * call] = b'0' + (place % BASE) as u8;
        }
        text.extend_from_slice(b"1T712.....");
        text
    }

    #[test]
    fn a_call_has_the_captures_at_its_place() {
        let text = text();
        let plan = Plan(&text);
        let wanted = Capture {
            address: 1,
            count: 7,
            kind: b't',
            is_at_exit: true,
            unit_bytes: 66,
        };
        assert_eq!(plan.text_limit(), 33);
        assert_eq!(plan.capture(plan.place(1)), Some(wanted));
        assert_eq!(plan.capture(plan.place(1) + CAPTURE_CHARACTERS), None);
        assert_eq!(plan.place(2), 0);
    }

    #[test]
    fn numbers_beyond_share_the_last_place() {
        let text = text();
        let plan = Plan(&text);
        for call in [CALLS - 1, CALLS, usize::MAX] {
            assert_ne!(plan.place(call), 0);
            assert_eq!(plan.capture(plan.place(call)), None);
        }
    }

    #[test]
    fn nonsense_wants_nothing() {
        for text in [&b""[..], b"0", b"zzzzzz"] {
            assert_eq!(Plan(text).place(3), 0);
            assert_eq!(Plan(text).capture(4000), None);
        }
    }
}
