//! Properties of the parts that need no machine, tried with many cases (only in tests). The numbers
//! are the same at every run; FUZZ_CASES says how many cases there are.

mod models;
mod parsers;

use alloc::vec::Vec;

const USUAL_CASES: usize = 3000;

/// How many cases a property is tried with.
pub fn cases() -> core::ops::Range<usize> {
    let given = std::env::var("FUZZ_CASES").ok();
    0..given
        .and_then(|text| text.parse().ok())
        .unwrap_or(USUAL_CASES)
}

/// Numbers that look random (SplitMix64).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// A number at which arithmetic goes wrong, or any.
    pub fn hostile(&mut self) -> u64 {
        match self.below(6) {
            0 => self.next(),
            1 => u64::MAX - self.next() % 4096,
            2 => 1 << self.below(64),
            3 => i64::MAX as u64,
            4 => u64::from(u32::MAX),
            _ => self.next() % 9000,
        }
    }

    /// `good` with some bytes or words changed, or cut.
    pub fn spoil(&mut self, good: &[u8]) -> Vec<u8> {
        let mut bytes = good.to_vec();
        for _ in 0..self.below(4) {
            let at = self.below(bytes.len());
            let value = self.hostile().to_le_bytes();
            let size = [1, 2, 4, 8][self.below(4)];
            for (to, from) in bytes.iter_mut().skip(at).zip(value.iter().take(size)) {
                *to = *from;
            }
        }
        if self.below(4) == 0 {
            bytes.truncate(self.below(good.len() + 1));
        }
        bytes
    }
}
