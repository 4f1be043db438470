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
pub(crate) const BLOCK: usize = 4;
const ROUNDS: usize = 10;
const M0: u64 = 0xD251_1F53;
const M1: u64 = 0xCD9E_8D57;
const W0: u32 = 0x9E37_79B9;
const W1: u32 = 0xBB67_AE85;

/// A window into a stream: which stream, and the word at which it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The seed.
    pub(crate) key: u64,
    /// The high half of the counter.
    pub(crate) stream: u64,
    /// The number of words before this one.
    pub(crate) position: u64,
}

impl Cursor {
    /// The same stream `words` further on. Positions wrap around after 2^64 words.
    pub(crate) fn advanced(self, words: usize) -> Self {
        Self { position: self.position.wrapping_add(words as u64), ..self }
    }

    /// The word at the cursor.
    pub(crate) fn word(self) -> u32 {
        let mut words = [0];
        self.fill(&mut words);
        words[0]
    }

    /// The words from the cursor on.
    #[inline(always)]
    pub(crate) fn fill(self, words: &mut [u32]) {
        let mut block = self.position / BLOCK as u64;
        let skip = (self.position % BLOCK as u64) as usize;
        let head = words.len().min((BLOCK - skip) % BLOCK);
        let (head, body) = words.split_at_mut(head);
        if !head.is_empty() {
            head.copy_from_slice(&self.lanes::<1>(block)[0][skip..skip + head.len()]);
            block = block.wrapping_add(1);
        }
        let mut groups = body.chunks_exact_mut(LANES * BLOCK);
        for group in &mut groups {
            group.copy_from_slice(self.lanes::<LANES>(block).as_flattened());
            block = block.wrapping_add(LANES as u64);
        }
        let tail = groups.into_remainder();
        if !tail.is_empty() {
            tail.copy_from_slice(&self.lanes::<LANES>(block).as_flattened()[..tail.len()]);
        }
    }

    /// `N` consecutive blocks.
    ///
    /// The words are kept in the low halves of 64-bit lanes, the high halves being garbage that no step reads:
    /// a round is then two widening products, two shifts and four xors for all lanes, without a shuffle.
    #[inline(always)]
    fn lanes<const N: usize>(self, block: u64) -> [[u32; BLOCK]; N] {
        const LOW: u64 = 0xFFFF_FFFF;
        let (mut k0, mut k1) = (self.key as u32, (self.key >> 32) as u32);
        let mut c0 = [0u64; N];
        let mut c1 = [0u64; N];
        for lane in 0..N {
            let index = block.wrapping_add(lane as u64);
            c0[lane] = index;
            c1[lane] = index >> 32;
        }
        let mut c2 = [self.stream; N];
        let mut c3 = [self.stream >> 32; N];
        for _ in 0..ROUNDS {
            for lane in 0..N {
                let p0 = (c0[lane] & LOW) * M0;
                let p1 = (c2[lane] & LOW) * M1;
                c0[lane] = (p1 >> 32) ^ c1[lane] ^ u64::from(k0);
                c1[lane] = p1;
                c2[lane] = (p0 >> 32) ^ c3[lane] ^ u64::from(k1);
                c3[lane] = p0;
            }
            k0 = k0.wrapping_add(W0);
            k1 = k1.wrapping_add(W1);
        }
        let mut blocks = [[0; BLOCK]; N];
        for lane in 0..N {
            blocks[lane] = [c0[lane] as u32, c1[lane] as u32, c2[lane] as u32, c3[lane] as u32];
        }
        blocks
    }
}

/// Blocks computed side by side: 8 lanes of 64 bits are one AVX-512 or two AVX2 registers.
const LANES: usize = 8;

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
            let cursor =
                Cursor { key: join(key[0], key[1]), stream: join(counter[2], counter[3]), position: 0 };
            let block = join(counter[0], counter[1]);
            assert_eq!(cursor.lanes::<1>(block)[0], output);
            assert_eq!(cursor.lanes::<LANES>(block)[0], output);
            assert_eq!(cursor.lanes::<LANES>(block.wrapping_sub(5))[5], output);
        }
    }

    #[test]
    fn any_window_is_a_slice_of_the_stream() {
        let start = Cursor { key: 7, stream: 11, position: 0 };
        let mut all = vec![0; 300];
        start.fill(&mut all);
        for skip in 0..70 {
            for length in [0, 1, 2, 3, 4, 5, 31, 32, 33, 64, 100, 129] {
                let mut part = vec![0; length];
                start.advanced(skip).fill(&mut part);
                assert_eq!(part, all[skip..skip + length], "{skip} {length}");
            }
        }
        assert_eq!(start.advanced(77).word(), all[77]);
    }

    #[test]
    fn the_block_index_carries_into_its_high_word() {
        let cursor = |position| Cursor { key: 1, stream: 2, position };
        let mut across = [0; 8];
        cursor((1 << 34) - 4).fill(&mut across);
        assert_eq!(across[4..], cursor(0).lanes::<1>(1 << 32)[0]);
        assert_ne!(across[4..], cursor(0).lanes::<1>(0)[0]);
    }
}
