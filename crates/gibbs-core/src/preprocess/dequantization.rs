//! From whole numbers to the interval [0, 1].
//!
//! ```text
//! level k in {0 … q-1}:   x = k + u,  u uniform on (0, 1);    z = x/q,   ladj = -D·ln q
//! ln P(k) = ln ∫ p(k + u) du ≥ E_u ln p(k + u)
//! ```
//!
//! The mean log-density of dequantized data is a lower bound of the log-probability of the levels.
//!
//! References: Uria, Murray & Larochelle, "RNADE", NIPS 2013, arXiv:1306.0186; Theis, van den Oord & Bethge, "A note on the
//! evaluation of generative models", ICLR 2016, arXiv:1511.01844, for the bound.

use burn::{module::Module, prelude::*};
use gibbs_backend::Noise;

use crate::{Bijection, ConfigError, math::row_zeros};

/// Number of distinct values of `u`. With up to 2^8 levels `k + u` has at most 24 bits: it is exact in f32 and is never rounded
/// up to the next level.
const PARTS: f64 = 32_768.0;

/// The scale of dequantized levels.
#[derive(Module, Debug)]
pub struct Dequantization {
    levels: usize,
}

impl Dequantization {
    /// The scale of 2 to 256 levels.
    ///
    /// # Errors
    /// If there are fewer or more.
    pub fn new(levels: usize) -> Result<Self, ConfigError> {
        ConfigError::require((2..=256).contains(&levels), "levels", levels, "must be from 2 to 256")?;
        Ok(Self { levels })
    }

    /// Moves levels `k [n, D]` to points `k + u` strictly inside their cells.
    pub fn spread(&self, levels: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        let u = noise.uniform(levels.dims(), (&levels.device(), levels.dtype()));
        levels + ((u * PARTS).floor() + 0.5) / PARTS
    }

    /// The level of each point `x`. A point outside of all cells has the nearest level.
    pub fn levels(&self, x: Tensor<2>) -> Tensor<2> {
        x.floor().clamp(0.0, (self.levels - 1) as f64)
    }

    fn log_volume(&self, width: usize) -> f64 {
        width as f64 * (self.levels as f64).ln()
    }
}

impl Bijection for Dequantization {
    fn forward(&self, x: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let ladj = row_zeros(&x) - self.log_volume(x.dims()[1]);
        (x / self.levels as f64, ladj)
    }

    fn inverse(&self, z: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let ladj = row_zeros(&z) + self.log_volume(z.dims()[1]);
        (z * self.levels as f64, ladj)
    }
}
