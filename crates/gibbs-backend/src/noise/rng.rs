//! [`Noise`] as a generator of the `rand` crates.

use std::convert::Infallible;

use rand_core::{TryRng, utils::fill_bytes_via_next_word};

use super::Noise;

/// A stream serves wherever an `rand_core::Rng` is asked for. Bytes are filled with words, the lowest byte first; a last word
/// of which only some bytes are needed is used up.
///
/// ```
/// use gibbs_backend::Noise;
/// use rand_core::Rng;
///
/// fn dice(rng: &mut impl Rng) -> u32 {
///     rng.next_u32() % 6 + 1
/// }
/// assert_eq!(dice(&mut Noise::new(0, "dice")), Noise::new(0, "dice").next_u32() % 6 + 1);
/// ```
impl TryRng for Noise {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        fill_bytes_via_next_word(bytes, || self.try_next_u32())
    }
}

#[cfg(test)]
mod tests {
    use rand_core::Rng;

    use super::*;

    #[test]
    fn the_traits_draw_the_words_of_the_stream() {
        let (mut rng, mut noise) = (Noise::new(5, "rng"), Noise::new(5, "rng"));
        assert_eq!(Rng::next_u32(&mut rng), noise.next_u32());
        assert_eq!(Rng::next_u64(&mut rng), noise.next_u64());
        let mut bytes = [0; 6];
        rng.fill_bytes(&mut bytes);
        let words = [noise.next_u32().to_le_bytes(), noise.next_u32().to_le_bytes()].concat();
        assert_eq!(bytes, words[..6]);
        assert_eq!(rng, noise);
    }
}
