//! Philox4x32-10, a counter-based generator: each block of four words is a pure function of key and counter.
//!
//! ```text
//! (c0, c1, c2, c3) -> (hi(M1·c2) ^ c1 ^ k0,  lo(M1·c2),  hi(M0·c0) ^ c3 ^ k1,  lo(M0·c0))      ten times,
//! (k0, k1)         -> (k0 + W0, k1 + W1)                                                     between rounds
//! ```
//!
//! References: Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
//! doi:10.1145/2063384.2063405.

/// Words in a block.
pub(crate) const WORDS: usize = 4;
const ROUNDS: usize = 10;
const M0: u64 = 0xD251_1F53;
const M1: u64 = 0xCD9E_8D57;
const W0: u32 = 0x9E37_79B9;
const W1: u32 = 0xBB67_AE85;
/// The lower half of a number.
const LOW: u64 = 0xFFFF_FFFF;

/// A block as two pairs of words, the first word of a pair in its lower half.
pub(crate) type Block = [u64; WORDS / 2];

/// A position in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The seed.
    pub(crate) key: u64,
    /// The high half of the counter.
    pub(crate) stream: u64,
    /// The number of words before the position.
    pub(crate) position: u64,
}

impl Cursor {
    /// The position `words` words later. Positions wrap around after 2^64 words.
    pub(crate) fn advanced(self, words: usize) -> Self {
        Self { position: self.position.wrapping_add(words as u64), ..self }
    }

    /// The block of the word at the cursor, and the place of the word in it.
    #[inline(always)]
    pub(crate) fn block(self) -> (u64, usize) {
        (self.position / WORDS as u64, (self.position % WORDS as u64) as usize)
    }

    /// The word at the cursor.
    pub(crate) fn word(self) -> u32 {
        let (block, place) = self.block();
        let [low, high] = self.philox().block(block);
        [low as u32, (low >> 32) as u32, high as u32, (high >> 32) as u32][place]
    }

    /// The generator of this stream.
    #[inline(always)]
    pub(crate) fn philox(self) -> Philox {
        let (mut k0, mut k1) = (self.key as u32, (self.key >> 32) as u32);
        let mut keys = [(0, 0); ROUNDS];
        for key in &mut keys {
            *key = (u64::from(k0), u64::from(k1));
            (k0, k1) = (k0.wrapping_add(W0), k1.wrapping_add(W1));
        }
        Philox { keys, stream: self.stream }
    }
}

/// A stream with the keys of all rounds.
pub(crate) struct Philox {
    keys: [(u64, u64); ROUNDS],
    stream: u64,
}

impl Philox {
    /// One block. The compiler vectorizes a loop over consecutive blocks.
    ///
    /// The words are in the low halves of 64-bit numbers. No step reads the high halves. A round is then two widening products,
    /// two shifts and four xors, without a shuffle.
    #[inline(always)]
    pub(crate) fn block(&self, index: u64) -> Block {
        let (mut c0, mut c1) = (index, index >> 32);
        let (mut c2, mut c3) = (self.stream, self.stream >> 32);
        for (k0, k1) in self.keys {
            let p0 = (c0 & LOW) * M0;
            let p1 = (c2 & LOW) * M1;
            (c0, c1) = ((p1 >> 32) ^ (c1 ^ k0), p1);
            (c2, c3) = ((p0 >> 32) ^ (c3 ^ k1), p0);
        }
        [(c0 & LOW) | (c1 << 32), (c2 & LOW) | (c3 << 32)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `philox 4x32 10` in the file `kat_vectors` of Random123 1.14: counter, key, output.
    const KNOWN: [([u32; 4], [u32; 2], [u32; 4]); 3] = [
        ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
        ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
        (
            [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
            [0xa409_3822, 0x299f_31d0],
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
        ),
    ];

    fn join(low: u32, high: u32) -> u64 {
        u64::from(high) << 32 | u64::from(low)
    }

    #[test]
    fn known_answers() {
        for (counter, key, output) in KNOWN {
            let (key, stream) = (join(key[0], key[1]), join(counter[2], counter[3]));
            let philox = Cursor { key, stream, position: 0 }.philox();
            let first = join(counter[0], counter[1]);
            let expected = [join(output[0], output[1]), join(output[2], output[3])];
            assert_eq!(philox.block(first), expected);
        }
    }

    #[test]
    fn a_word_is_found_at_its_position() {
        let (counter, key, output) = KNOWN[2];
        // The lower half of the counter counts blocks; the low bits of the position choose among four words.
        let stream = join(counter[2], counter[3]);
        let first = join(counter[0], counter[1]) & (u64::MAX >> 2);
        let cursor = Cursor { key: join(key[0], key[1]), stream, position: first << 2 };
        let [low, high] = cursor.philox().block(first);
        let words: Vec<u32> = (0..4).map(|place| cursor.advanced(place).word()).collect();
        assert_eq!(words, [low as u32, (low >> 32) as u32, high as u32, (high >> 32) as u32]);
        assert_ne!(words, output);
    }

    #[test]
    fn the_block_index_carries_into_its_high_word() {
        let philox = Cursor { key: 1, stream: 2, position: 0 }.philox();
        assert_ne!(philox.block(1 << 32), philox.block(0));
        let far = Cursor { key: 1, stream: 2, position: 1 << 34 };
        assert_eq!(u64::from(far.word()), philox.block(1 << 32)[0] & LOW);
    }
}
