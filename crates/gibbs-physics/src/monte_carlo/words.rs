//! A stream of noise read word by word.

use gibbs_backend::Noise;

/// Most words generated ahead.
const BUFFER: usize = 256;

/// The next 64-bit words of a [`Noise`], generated many at a time. When it is dropped the stream stands behind the last
/// word that was used, so a step costs the stream no more than it needs and results do not depend on the buffer.
pub(super) struct Words<'a> {
    noise: &'a mut Noise,
    buffer: [u64; BUFFER],
    filled: usize,
    used: usize,
}

impl<'a> Words<'a> {
    pub(super) fn new(noise: &'a mut Noise) -> Self {
        Self { noise, buffer: [0; BUFFER], filled: 0, used: 0 }
    }

    /// As [`Noise::next_u64`].
    #[inline(always)]
    pub(super) fn next(&mut self) -> u64 {
        if self.used == self.filled {
            self.refill();
        }
        let word = self.buffer[self.used % BUFFER];
        self.used += 1;
        word
    }

    #[cold]
    fn refill(&mut self) {
        self.filled = (2 * self.filled).clamp(BUFFER / 8, BUFFER);
        self.used = 0;
        self.noise.fill_u64(&mut self.buffer[..self.filled]);
    }
}

impl Drop for Words<'_> {
    fn drop(&mut self) {
        let position = self.noise.position() - 2 * (self.filled - self.used) as u64;
        let noise = std::mem::replace(self.noise, Noise::new(0, String::new()));
        *self.noise = noise.at(position);
    }
}

/// The upper 53 bits of a word as a number in `[0, 1)`.
#[inline(always)]
pub(super) fn uniform(word: u64) -> f64 {
    const SPACING: f64 = 1.0 / (1u64 << 53) as f64;
    (word >> 11) as f64 * SPACING
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_stream_and_none_is_lost() {
        let mut noise = Noise::new(5, "chains").at(3);
        let mut plain = noise.clone();
        for n in [0, 1, 700, 31, 32, 33] {
            let mut words = Words::new(&mut noise);
            assert!((0..n).all(|_| words.next() == plain.next_u64()));
            drop(words);
            assert_eq!(noise, plain);
        }
    }

    #[test]
    fn uniform_numbers_lie_below_one() {
        assert_eq!(uniform(0), 0.0);
        assert_eq!(uniform(1 << 63), 0.5);
        assert_eq!(uniform(u64::MAX), 1.0 - f64::EPSILON / 2.0);
    }
}
