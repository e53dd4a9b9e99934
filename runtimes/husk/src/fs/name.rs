//! File names and link targets: borrowed from the root archive or owned; and their hash.

use alloc::sync::Arc;
use core::ops::Deref;

use super::random;
use crate::sync::Once;

/// A byte string that is cheap to clone.
#[derive(Clone, Debug)]
pub enum Name {
    Archive(&'static [u8]),
    Owned(Arc<[u8]>),
}

impl Name {
    pub fn new(bytes: &[u8]) -> Name {
        Name::Owned(Arc::from(bytes))
    }
}

impl Deref for Name {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Name::Archive(bytes) => bytes,
            Name::Owned(bytes) => bytes,
        }
    }
}

/// A hash for looking names up: eight bytes at a time, folded by multiplication. Keyed at boot, so
/// that nobody outside can choose names that collide.
pub fn hash(bytes: &[u8]) -> u64 {
    /// Odd and without pattern: the fractional part of the golden ratio.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let fold = |state: u64, word: u64| {
        let product = u128::from(state ^ word) * u128::from(FACTOR);
        product as u64 ^ (product >> 64) as u64
    };
    let mut state = key() ^ bytes.len() as u64;
    let (words, tail) = bytes.as_chunks::<8>();
    for word in words {
        state = fold(state, u64::from_le_bytes(*word));
    }
    let last = tail
        .iter()
        .fold(0, |word, &byte| word << 8 | u64::from(byte));
    fold(state, last)
}

fn key() -> u64 {
    static KEY: Once<u64> = Once::new();
    if let Some(key) = KEY.get() {
        return *key;
    }
    KEY.set(random::number());
    KEY.get().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn similar_names_hash_apart() {
        let names = (0..1000).map(|index| alloc::format!("name-{index}-of-a-file"));
        let short = (0..=255u8).map(|byte| alloc::string::String::from(byte as char));
        let hashes: BTreeSet<u64> = names
            .chain(short)
            .map(|name| hash(name.as_bytes()))
            .collect();
        assert_eq!(hashes.len(), 1256);
        assert_eq!(hash(b"same"), hash(b"same"));
        assert_ne!(hash(b"a"), hash(b"a\0"));
    }
}
