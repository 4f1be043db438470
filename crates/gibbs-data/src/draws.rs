//! The random numbers of one generated example: a fixed window of a stream. Example `i` depends only on `i`.

use gibbs_backend::Noise;

/// Uniform draws of one example.
pub(crate) struct Draws(std::vec::IntoIter<f32>);

impl Draws {
    /// The window of example `index` in `noise`, with `count` draws.
    pub(crate) fn new(noise: &Noise, index: usize, count: usize) -> Self {
        Self(noise.clone().at(index as u64 * count as u64).uniform_vec(count).into_iter())
    }

    /// Uniform on `[0, 1)`, a multiple of 2^-24.
    ///
    /// # Panics
    ///
    /// If the generator takes more than `count` draws.
    pub(crate) fn uniform(&mut self) -> f32 {
        self.0.next().expect("a generator takes at most as many draws as its window has")
    }

    /// An integer below `n` (at most 2^12). The probabilities are equal up to a factor 1 ± 2^-12.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (f64::from(self.uniform()) * n as f64) as usize
    }

    /// A sum of three uniform draws with mean 0 and variance 1, between -3 and 3. It has no outliers.
    pub(crate) fn bell(&mut self) -> f32 {
        2.0 * (self.uniform() + self.uniform() + self.uniform()) - 3.0
    }
}
