//! Random bytes: the ChaCha20 block function (RFC 8439 § 2.3) as a generator with fast key erasure.
//!
//! Honest about its seed: RDSEED or RDRAND where the processor has them (32 bytes, again every
//! mebibyte), mixed with the time stamp counter and the wall clock at the moment of first use. On a
//! processor without these instructions (QEMU's qemu64) only the clocks are left, some tens of bits
//! to somebody who knows when the machine was started: not enough for long-lived keys. The
//! processor is trusted. virtio-rng is not used yet.

use crate::arch::cpu;
use crate::sync::SpinLock;
use crate::time;

const KEY_WORDS: usize = 8;
const BLOCK_WORDS: usize = 16;
const BLOCK_BYTES: usize = 64;
/// Numbers in a block.
const READY: usize = BLOCK_BYTES / size_of::<u64>();
/// Output after which the processor is asked for more entropy.
const RESEED_BYTES: usize = 1 << 20;

struct Generator {
    key: [u32; KEY_WORDS],
    /// Bytes given out since the last seeding; None before the first.
    since_seed: Option<usize>,
    /// For `number`: the first `ready_count` have not been given out.
    ready: [u64; READY],
    ready_count: usize,
}

static GENERATOR: SpinLock<Generator> = SpinLock::new(Generator {
    key: [0; KEY_WORDS],
    since_seed: None,
    ready: [0; READY],
    ready_count: 0,
});

/// Fills `bytes` with random ones.
pub fn fill(bytes: &mut [u8]) {
    GENERATOR.lock().fill(bytes);
}

/// A random number, for address space layout and the like.
pub fn number() -> u64 {
    GENERATOR.lock().number()
}

impl Generator {
    fn fill(&mut self, bytes: &mut [u8]) {
        if self.since_seed.is_none_or(|given| given >= RESEED_BYTES) {
            self.reseed();
        }
        self.generate(bytes);
    }

    /// Several are made at once, and each is forgotten when it is given out.
    fn number(&mut self) -> u64 {
        if self.ready_count == 0 {
            let mut bytes = [0; BLOCK_BYTES];
            self.fill(&mut bytes);
            let (words, _) = bytes.as_chunks();
            let numbers = words.iter().map(|word| u64::from_le_bytes(*word));
            self.ready
                .iter_mut()
                .zip(numbers)
                .for_each(|(to, from)| *to = from);
            self.ready_count = READY;
        }
        self.ready_count -= 1;
        core::mem::take(&mut self.ready[self.ready_count])
    }

    fn reseed(&mut self) {
        for (index, word) in self.key.iter_mut().enumerate() {
            let hardware = cpu::random_u64().unwrap_or(0);
            let clocks = cpu::tsc() ^ time::realtime_ns().rotate_left(32);
            let mixed = hardware ^ clocks.rotate_left(7 * index as u32);
            *word ^= (mixed ^ (mixed >> 32)) as u32;
        }
        self.since_seed = Some(0);
        self.generate(&mut []); // mixes the words and leaves no trace of the seed
    }

    /// The first half of the first block becomes the next key, so that what was given out cannot
    /// be computed again from what is kept.
    fn generate(&mut self, bytes: &mut [u8]) {
        let first = block(&self.key, 0);
        for (counter, chunk) in bytes.chunks_mut(BLOCK_BYTES).enumerate() {
            let words = block(&self.key, counter as u32 + 1);
            for (piece, word) in chunk.chunks_mut(4).zip(words) {
                piece
                    .iter_mut()
                    .zip(word.to_le_bytes())
                    .for_each(|(to, from)| *to = from);
            }
        }
        self.key
            .iter_mut()
            .zip(first)
            .for_each(|(to, from)| *to = from);
        self.since_seed = self.since_seed.map(|given| given + bytes.len());
    }
}

/// ChaCha20 with a zero nonce: every key is used for one request only.
fn block(key: &[u32; KEY_WORDS], counter: u32) -> [u32; BLOCK_WORDS] {
    let [k0, k1, k2, k3, k4, k5, k6, k7] = *key;
    // "expand 32-byte k"
    let initial = [
        0x6170_7865,
        0x3320_646e,
        0x7962_2d32,
        0x6b20_6574,
        k0,
        k1,
        k2,
        k3,
        k4,
        k5,
        k6,
        k7,
        counter,
        0,
        0,
        0,
    ];
    permute(initial)
}

fn permute(initial: [u32; BLOCK_WORDS]) -> [u32; BLOCK_WORDS] {
    const DOUBLE_ROUNDS: usize = 10;
    const QUARTERS: [[usize; 4]; 8] = [
        [0, 4, 8, 12],
        [1, 5, 9, 13],
        [2, 6, 10, 14],
        [3, 7, 11, 15],
        [0, 5, 10, 15],
        [1, 6, 11, 12],
        [2, 7, 8, 13],
        [3, 4, 9, 14],
    ];
    let mut state = initial;
    for _ in 0..DOUBLE_ROUNDS {
        QUARTERS
            .iter()
            .for_each(|places| quarter_round(&mut state, places));
    }
    let mut sums = initial;
    sums.iter_mut()
        .zip(state)
        .for_each(|(sum, word)| *sum = sum.wrapping_add(word));
    sums
}

fn quarter_round(state: &mut [u32; BLOCK_WORDS], &[a, b, c, d]: &[usize; 4]) {
    for (sum, add, mix, shift) in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)] {
        state[sum] = state[sum].wrapping_add(state[add]);
        state[mix] = (state[mix] ^ state[sum]).rotate_left(shift);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8439 § 2.3.2.
    #[test]
    fn the_permutation_is_chacha20() {
        let mut state = [0; BLOCK_WORDS];
        state[..4].copy_from_slice(&[0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]);
        for (index, word) in state[4..12].iter_mut().enumerate() {
            let at = index as u32 * 4;
            *word = u32::from_le_bytes([at as u8, at as u8 + 1, at as u8 + 2, at as u8 + 3]);
        }
        state[12..].copy_from_slice(&[1, 0x0900_0000, 0x4a00_0000, 0]);
        let output = permute(state);
        assert_eq!(output[0], 0xe4e7_f110);
        assert_eq!(output[1], 0x1559_3bd1);
        assert_eq!(output[15], 0x4e3c_50a2);
    }

    #[test]
    fn output_never_repeats_and_fills_every_length() {
        let mut generator = Generator {
            key: [7; KEY_WORDS],
            since_seed: Some(0),
            ready: [0; READY],
            ready_count: 0,
        };
        let numbers = core::array::from_fn::<_, 20, _>(|_| generator.number());
        assert!((1..20).all(|at| !numbers[..at].contains(&numbers[at])));
        assert_eq!(generator.ready[generator.ready_count..], [0; 4]);
        let mut first = [0; 100];
        let mut second = [0; 100];
        generator.generate(&mut first);
        generator.generate(&mut second);
        assert_ne!(first, second);
        assert_ne!(first[96..], [0; 4]);
        assert_eq!(generator.since_seed, Some(200 + 3 * BLOCK_BYTES));
    }
}
