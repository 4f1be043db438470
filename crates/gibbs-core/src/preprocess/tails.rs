//! Logarithmic tails: values far out come closer, so that a model of nearly normal columns is not ruled by them.
//!
//! ```text
//! z = x                            |x| ≤ c
//! z = sign(x)·c·(1 + ln(|x|/c))    beyond;    ∂z/∂x = min(1, c/|x|)
//! ```
//!
//! The map and its slope are continuous. A tail `p(x) ~ |x|^(-1-α)` becomes `exp(-α|z|/c)`: a power law becomes exponential. A point
//! at `x` costs a standard normal density of `z` only `O(ln² x)` nats.
//!
//! References: Alexanderson & Henter, "Robust model training and generalisation with Studentising flows", INNF+ 2020,
//! arXiv:2006.06599, on why flows need tails; the map is the integral of Huber's weight `min(1, c/|x|)` (Annals of
//! Mathematical Statistics 35:73, 1964).

use burn::{module::Module, prelude::*};

use crate::{Bijection, ConfigError, math::row_sums};

/// The same logarithmic tails for all columns.
#[derive(Module, Debug)]
pub struct Tails {
    start: f64,
}

impl Tails {
    /// Tails that begin at `|x| = start`.
    ///
    /// # Errors
    /// Unless it is finite and above 0.
    pub fn new(start: f64) -> Result<Self, ConfigError> {
        ConfigError::require(start.is_finite() && start > 0.0, "tails", start, "must be finite and above 0")?;
        Ok(Self { start })
    }
}

impl Bijection for Tails {
    fn forward(&self, x: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        // ln max(1, |x|/c) is the logarithm of the slope, and the length of the tail in units of c.
        let log = (x.clone().abs() * self.start.recip()).clamp_min(1.0).log();
        let z = x.clone().clamp(-self.start, self.start) + x.sign() * log.clone() * self.start;
        (z, row_sums(log).neg())
    }

    fn inverse(&self, z: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let log = (z.clone().abs() * self.start.recip()).clamp_min(1.0) - 1.0;
        (z.clamp(-self.start, self.start) * log.clone().exp(), row_sums(log))
    }
}
