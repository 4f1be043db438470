//! Damaged files, for tests of readers.

use std::{
    env,
    time::{Duration, Instant},
};

use gibbs_backend::Noise;

/// Mutations of each file.
const MUTATIONS: usize = 2000;

/// Values that break arithmetic on sizes.
const WORDS: [u64; 6] = [0, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX];

/// Damaged copies of a file, 2000 by default, for the test `name`. They depend on the name alone.
///
/// `GIBBS_MUTATION_SECONDS=600` gives copies for that long instead, and `GIBBS_MUTATION_SEED=1` others.
pub fn mutations<'a>(name: &str, file: &'a [u8]) -> impl Iterator<Item = Vec<u8>> + 'a {
    let number = |variable| env::var(variable).ok().and_then(|text| text.parse::<u64>().ok());
    let seconds = number("GIBBS_MUTATION_SECONDS");
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut noise = Noise::new(number("GIBBS_MUTATION_SEED").unwrap_or(0), format!("mutations/{name}"));
    let goes_on = move |i: &usize| end.map_or(*i < MUTATIONS, |end| Instant::now() < end);
    (0..).take_while(goes_on).map(move |_| mutated(file, &mut noise))
}

/// One to four changes: a bit flipped, a byte or a number replaced, a part left out, doubled or cut off.
fn mutated(file: &[u8], noise: &mut Noise) -> Vec<u8> {
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
