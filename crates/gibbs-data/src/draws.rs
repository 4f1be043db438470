//! The random numbers of one generated example: a fixed window of a stream, so that example `i` depends on `i` alone.

use gibbs_backend::Noise;

/// Uniform draws of one example.
pub(crate) struct Draws(std::vec::IntoIter<f32>);

impl Draws {
    /// The window of example `index` in `noise`, for at most `count` draws.
    pub(crate) fn new(noise: &Noise, index: usize, count: usize) -> Self {
        Self(noise.clone().at(index as u64 * count as u64).uniform_vec(count).into_iter())
    }

    /// Uniform on `[0, 1)`, a multiple of 2^-24.
    ///
    /// # Panics
    ///
    /// If the window is used up, which a generator rules out by its `count`.
    pub(crate) fn uniform(&mut self) -> f32 {
        self.0.next().expect("a generator draws no more than its window holds")
    }

    /// An integer below `n` (at most 2^12), all equally likely to within 2^-12 of their probability.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (f64::from(self.uniform()) * n as f64) as usize
    }

    /// Mean 0, variance 1, between -3 and 3: a sum of three uniform draws. No outliers, unlike a normal law.
    pub(crate) fn bell(&mut self) -> f32 {
        2.0 * (self.uniform() + self.uniform() + self.uniform()) - 3.0
    }
}
