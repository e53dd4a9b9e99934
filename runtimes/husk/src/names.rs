//! Names as `converter/link/packed_names.py` packs them, which says how.
//!
//! Only what is said about something that died or is missing needs them, so each is unpacked from
//! the first on.

/// Codes below it begin a name, and say how many parts of the one before it keeps.
const MARKS: usize = 12;
/// Longer names are cut by the converter.
const NAME_LIMIT: usize = 255;

pub struct Name {
    bytes: [u8; NAME_LIMIT],
    size: usize,
}

impl Name {
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.size).unwrap_or_default()
    }

    /// All of it, where it has not as many parts.
    fn keep(&mut self, parts: usize) {
        let is_end = |(_, byte): &(usize, &u8)| matches!(byte, b':' | b'_');
        self.size = match parts.checked_sub(1) {
            None => 0,
            Some(last) => {
                let end = self.bytes().iter().enumerate().filter(is_end).nth(last);
                end.map_or(self.size, |(index, _)| index + 1)
            }
        };
    }

    fn push(&mut self, byte: u8) -> Option<()> {
        *self.bytes.get_mut(self.size)? = byte;
        self.size += 1;
        Some(())
    }
}

/// The name of that index, if there are as many. What is damaged ends where that shows.
pub fn nth(packed: &[u8], index: usize) -> Option<Name> {
    let (plain, rest) = counted(packed, 1)?;
    let (pairs, codes) = counted(rest, 2)?;
    let mut unpacker = Unpacker {
        plain,
        pairs,
        marks_left: index + 1,
        name: Name {
            bytes: [0; NAME_LIMIT],
            size: 0,
        },
    };
    let _ = codes.iter().try_for_each(|&code| unpacker.take(code));
    (unpacker.marks_left == 0).then_some(unpacker.name)
}

/// A count of items, the items, and what follows.
fn counted(bytes: &[u8], item_bytes: usize) -> Option<(&[u8], &[u8])> {
    let (&count, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(count) * item_bytes)
}

struct Unpacker<'a> {
    plain: &'a [u8],
    pairs: &'a [u8],
    /// How many names still begin, with the one that is looked for.
    marks_left: usize,
    name: Name,
}

impl Unpacker<'_> {
    /// Nothing, where the name ends.
    fn take(&mut self, code: u8) -> Option<()> {
        let Some(index) = usize::from(code).checked_sub(MARKS) else {
            return self.begin(usize::from(code));
        };
        if let Some(&byte) = self.plain.get(index) {
            return self.name.push(byte);
        }
        let at = 2 * (index - self.plain.len());
        let &[first, second] = self.pairs.get(at..)?.first_chunk()?;
        // Of codes before its own: this ends.
        if first.max(second) >= code {
            return None;
        }
        self.take(first)?;
        self.take(second)
    }

    fn begin(&mut self, kept_parts: usize) -> Option<()> {
        self.marks_left = self.marks_left.checked_sub(1)?;
        self.name.keep(kept_parts);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `tests/unit/test_packed_names.py` has the converter make of these names.
    const PACKED: &[u8] = include_bytes!("../tests/names.packed");
    const NAMES: &str = include_str!("../tests/names.txt");

    fn unpacked(packed: &[u8], index: usize) -> Option<Vec<u8>> {
        nth(packed, index).map(|name| name.bytes().to_vec())
    }

    #[test]
    fn names_are_what_the_converter_packed() {
        let names: Vec<&[u8]> = NAMES.lines().map(str::as_bytes).collect();
        for (index, name) in names.iter().enumerate() {
            assert_eq!(unpacked(PACKED, index).as_deref(), Some(*name));
        }
        assert_eq!(unpacked(PACKED, names.len()), None);
    }

    #[test]
    fn codes_stand_for_bytes_marks_and_pairs_of_pairs() {
        // 12: `a`, 13: `:`, 14: `a:`, 15: `a:a:`.
        let packed = b"\x02a:\x02\x0c\x0d\x0e\x0e\x00\x0f\x01\x0c\x0b\x02";
        let names: Vec<_> = (0..5).map(|index| unpacked(packed, index)).collect();
        let expected = [&b"a:a:"[..], b"a:a", b"a:a", b"a:a"].map(|name| Some(name.to_vec()));
        assert_eq!(names.get(..4), Some(&expected[..]));
        assert_eq!(names.last(), Some(&None));
    }

    #[test]
    fn what_is_damaged_ends_where_that_shows() {
        let long = [&b"\x01a\x00\x00"[..], &[12; NAME_LIMIT + 1]].concat();
        let damaged: [(&[u8], Option<Vec<u8>>); 6] = [
            (b"", None),
            (b"\x02a", None),        // fewer bytes than it says
            (b"\x00\x01\x0c", None), // fewer pairs than it says
            (b"\x01a\x01\x0c\x0d\x00\x0c\x0d", Some(b"a".to_vec())), // a pair of itself
            (b"\x00\x00\x00\x0c", Some(vec![])), // a code for nothing
            (&long, Some(vec![b'a'; NAME_LIMIT])),
        ];
        for (packed, name) in damaged {
            assert_eq!(unpacked(packed, 0), name, "{packed:?}");
        }
    }
}
