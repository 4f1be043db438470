//! Streams of random numbers with names.

mod draws;
mod init;
pub(crate) mod normal;
pub(crate) mod philox;
#[cfg(feature = "rand_core")]
mod rng;

use serde::{Deserialize, Serialize};

pub use init::Init;
use philox::Cursor;

use crate::kernel::draws::{Draw, Normal, Uniform, Word, draw, uniform_f64};

/// A stream of random numbers. A stream has a seed and a name; the same pair gives the same numbers on every device.
///
/// The generator is the counter-based Philox4x32-10. The key is the seed. The upper half of the counter is the FNV-1a hash of
/// the name, the lower half the index of a block of four 32-bit words. The state is the number of words drawn so far.
/// Therefore:
///
/// - The values do not depend on the device, the number of threads or the instruction set.
/// - Drawing `n` and then `m` values gives the same values as drawing `n + m` at once. A uniform or normal value, a Bernoulli
///   bit and a row of a categorical draw cost one word each.
/// - A stream from a checkpoint continues at its position.
///
/// Streams with different names are independent: a new draw from one does not change the others.
///
/// ```
/// use gibbs_backend::Noise;
///
/// let mut noise = Noise::new(0, "chains");
/// let mut copy = noise.clone();
/// let whole = noise.uniform_vec(10);
/// let parts = [copy.uniform_vec(3), copy.uniform_vec(7)].concat();
/// assert_eq!(whole, parts);
/// assert_ne!(whole, Noise::new(0, "init").uniform_vec(10));
/// ```
///
/// References: Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
/// doi:10.1145/2063384.2063405. Fowler, Noll, Vo & Eastlake, "The FNV non-cryptographic hash algorithm".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    seed: u64,
    stream: String,
    position: u64,
}

impl Noise {
    /// The stream with this seed and name, at its start.
    pub fn new(seed: u64, name: impl Into<String>) -> Self {
        Self { seed, stream: name.into(), position: 0 }
    }

    /// The stream `name/child` of the same seed, at its start. It is independent of `self`, whose position does not change.
    ///
    /// ```
    /// # use gibbs_backend::Noise;
    /// assert_eq!(Noise::new(3, "chains").child("7"), Noise::new(3, "chains/7"));
    /// ```
    pub fn child(&self, child: impl AsRef<str>) -> Self {
        Self::new(self.seed, format!("{}/{}", self.stream, child.as_ref()))
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The name of the stream.
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// The number of 32-bit words drawn so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The same stream at another position, counted in 32-bit words.
    #[must_use]
    pub fn at(mut self, position: u64) -> Self {
        self.position = position;
        self
    }

    /// The next 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        self.take(1).word()
    }

    /// The next 64 random bits: two words, the lower half first.
    pub fn next_u64(&mut self) -> u64 {
        let cursor = self.take(2);
        u64::from(cursor.advanced(1).word()) << 32 | u64::from(cursor.word())
    }

    /// The next uniform number in `[0, 1)`, a multiple of 2^-32.
    pub fn next_uniform(&mut self) -> f64 {
        uniform_f64(self.next_u32())
    }

    /// The next standard normal value.
    pub fn next_normal(&mut self) -> f64 {
        normal::quantile(self.next_u32())
    }

    /// A uniform integer below `n`, by multiplication and rejection. It costs one word for `n` up to 2^32 and two above, rarely
    /// more.
    ///
    /// References: Lemire, "Fast random integer generation in an interval", ACM TOMACS 29 (2019),
    /// doi:10.1145/3230636.
    ///
    /// # Panics
    ///
    /// If `n` is zero.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "Noise::below(0): n must be at least 1");
        let n = n as u64;
        let bits = if n <= 1 << 32 { 32 } else { 64 };
        let modulus = 1u128 << bits;
        let rejected = (modulus % u128::from(n)) as u64;
        loop {
            let word = if bits == 32 { u64::from(self.next_u32()) } else { self.next_u64() };
            let product = u128::from(word) * u128::from(n);
            if (product & (modulus - 1)) as u64 >= rejected {
                return (product >> bits) as usize;
            }
        }
    }

    /// A uniform random permutation of `0..n`, by the shuffle of Fisher and Yates.
    ///
    /// ```
    /// # use gibbs_backend::Noise;
    /// let mut order = Noise::new(0, "shuffle").permutation(5);
    /// order.sort();
    /// assert_eq!(order, [0, 1, 2, 3, 4]);
    /// ```
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        self.shuffle(&mut order);
        order
    }

    /// Puts `items` into a uniform random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// Fills `values` with the next values of [`next_u64`](Self::next_u64).
    pub fn fill_u64(&mut self, values: &mut [u64]) {
        self.fill::<Word, u32>(bytemuck::cast_slice_mut(values));
        if cfg!(target_endian = "big") {
            values.iter_mut().for_each(|value| *value = value.rotate_left(32));
        }
    }

    /// Fills `values` with uniform numbers in `[0, 1)`: multiples of 2^-24 from the upper 24 bits of a word each.
    pub fn fill_uniform(&mut self, values: &mut [f32]) {
        self.fill::<Uniform, f32>(values);
    }

    /// Fills `values` with uniform numbers in `[0, 1)`, multiples of 2^-32. Rounded down to multiples of 2^-24 they are the
    /// values of [`fill_uniform`](Self::fill_uniform) from the same position.
    pub fn fill_uniform_f64(&mut self, values: &mut [f64]) {
        self.fill::<Uniform, f64>(values);
    }

    /// Fills `values` with standard normal numbers between -6.34 and 6.34, one word each: the quantile of the middle of a cell
    /// of width 2^-32, by Wichura's algorithm AS 241 (doi:10.2307/2347330) in f64, rounded.
    pub fn fill_normal(&mut self, values: &mut [f32]) {
        self.fill::<Normal, f32>(values);
    }

    /// Fills `values` as [`fill_normal`](Self::fill_normal), without the rounding to f32.
    pub fn fill_normal_f64(&mut self, values: &mut [f64]) {
        self.fill::<Normal, f64>(values);
    }

    /// `n` values of [`fill_uniform`](Self::fill_uniform).
    pub fn uniform_vec(&mut self, n: usize) -> Vec<f32> {
        let mut values = vec![0.0; n];
        self.fill_uniform(&mut values);
        values
    }

    /// `n` values of [`fill_normal`](Self::fill_normal).
    pub fn normal_vec(&mut self, n: usize) -> Vec<f32> {
        let mut values = vec![0.0; n];
        self.fill_normal(&mut values);
        values
    }

    /// The position of the next `words` words of the stream, which are skipped.
    pub(crate) fn take(&mut self, words: usize) -> Cursor {
        let cursor = Cursor { key: self.seed, stream: fnv1a(&self.stream), position: self.position };
        self.position = cursor.advanced(words).position;
        cursor
    }

    fn fill<D: Draw<T>, T: Copy + Send>(&mut self, values: &mut [T]) {
        draw::<D, T>(values, self.take(values.len()));
    }
}

/// The 64-bit FNV-1a hash.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

#[cfg(test)]
mod tests;
