//! Problems that machines with hidden units were made for.

use gibbs_data::ReadConfig;

use crate::prelude::*;

/// Most bits of the problems, and the smallest number of them.
const BITS: std::ops::RangeInclusive<usize> = 2..=16;

/// The words of `n` bits with an even number of ones.
fn parity(n: usize) -> Vec<u8> {
    let words = (0..1u32 << n).filter(|word| word.count_ones().is_multiple_of(2));
    words.flat_map(|word| (0..n).map(move |i| (word >> i & 1) as u8)).collect()
}

/// Pairs of equal groups of `n` bits, of which one is on.
fn encoder(n: usize) -> Vec<u8> {
    (0..n).flat_map(|k| (0..2 * n).map(move |i| u8::from(i % n == k))).collect()
}

/// Words of `n` bits, each three times: shifted to the left, not shifted, and shifted to the right, around a circle. An example is a
/// word, the shifted word, and three bits of which one is on: the shift.
fn shifter(n: usize) -> Vec<u8> {
    let examples = (0..1u32 << n).flat_map(|word| (0..3).map(move |shift| (word, shift)));
    let bits = |(word, shift): (u32, usize)| {
        let bit = move |i: usize| (word >> (i % n) & 1) as u8;
        let shifted = (0..n).map(move |i| bit(i + n + shift - 1));
        (0..n).map(bit).chain(shifted).chain((0..3).map(move |k| u8::from(k == shift)))
    };
    examples.flat_map(bits).collect()
}

/// The bits of each word of a `shifter-N`.
fn shifter_bits(name: &str) -> Option<usize> {
    name.strip_prefix("shifter-")?.parse().ok()
}

/// The bits of a `parity-N`.
fn parity_bits(name: &str) -> Option<usize> {
    name.strip_prefix("parity-")?.parse().ok()
}

/// The bits of each side of an `encoder-N-M-N`.
pub(super) fn encoder_side(name: &str) -> Option<usize> {
    let mut parts = name.strip_prefix("encoder-")?.split('-').map(|part| part.parse::<usize>().ok());
    let (left, _, right) = (parts.next()??, parts.next()??, parts.next()??);
    (left == right && parts.next().is_none()).then_some(left)
}

/// The hidden units that a problem is solved with; `None` for other data.
pub(super) fn hidden_units(name: &str) -> Option<usize> {
    let middle = || name.split('-').nth(2)?.parse().ok();
    parity_bits(name).map(|_| 1).or_else(|| encoder_side(name).and_then(|_| middle()))
}

/// The data of a name. All examples of a problem are in every split.
pub(super) fn load(name: &str, read: &ReadConfig, data_dir: &Path) -> Result<Splits> {
    let (bytes, bits) = match (parity_bits(name), encoder_side(name), shifter_bits(name)) {
        (Some(n), ..) if BITS.contains(&n) => (parity(n), n),
        (_, Some(n), _) if BITS.contains(&n) => (encoder(n), 2 * n),
        (.., Some(n)) if BITS.contains(&n) => (shifter(n), 2 * n + 3),
        (None, None, None) => return gibbs_data::load_as(name, read, data_dir).or_usage(),
        _ => refuse!("--data {name}: the number of bits must be from {} to {}", BITS.start(), BITS.end()),
    };
    Ok(Splits::whole(Dataset::from_bytes(name, bytes, &[bits], None)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_word_of_a_shifter_is_the_first_one_shifted() {
        let examples = shifter(4);
        assert_eq!(examples.len(), 3 * 16 * 11);
        for example in examples.chunks(11) {
            let shift = example[8..].iter().position(|bit| *bit == 1).unwrap();
            assert_eq!(example[8..].iter().sum::<u8>(), 1);
            assert!((0..4).all(|i| example[4 + i] == example[(i + 3 + shift) % 4]), "{example:?}");
        }
        let mut distinct: Vec<&[u8]> = examples.chunks(11).collect();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 48);
    }
}
