//! Damaged files, for tests of readers.

use gibbs_backend::Noise;

/// Values that break arithmetic on sizes.
const WORDS: [u64; 6] = [0, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX];

/// One to four changes: a bit flipped, a byte or a number replaced, a part left out, doubled or cut off.
pub fn mutated(file: &[u8], noise: &mut Noise) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..1 + noise.below(4) {
        let n = bytes.len();
        if n == 0 {
            break;
        }
        // Half of the changes hit the header or the end.
        let at = match noise.below(4) {
            0 => noise.below(n.min(128)),
            1 => n - 1 - noise.below(n.min(128)),
            _ => noise.below(n),
        };
        let length = 1 + noise.below(8).min(n - at - 1);
        match noise.below(7) {
            0 => bytes[at] ^= 1 << noise.below(8),
            1 => bytes[at] = noise.below(256) as u8,
            2 => {
                let word = WORDS[noise.below(WORDS.len())];
                let word = if noise.below(2) == 0 { word.to_le_bytes() } else { word.to_be_bytes() };
                for (to, from) in bytes[at..at + length].iter_mut().zip(word) {
                    *to = from;
                }
            }
            3 => drop(bytes.drain(at..at + length)),
            4 => {
                let part = bytes[at..at + length].to_vec();
                bytes.splice(at..at, part);
            }
            5 => bytes.insert(at, b"0,;-\"{}'\n"[noise.below(9)]),
            _ => bytes.truncate(at),
        }
    }
    bytes
}
