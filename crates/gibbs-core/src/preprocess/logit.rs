//! From the interval [0, 1] to the real line.
//!
//! ```text
//! p = λ + (1 - 2λ)·x,    z = ln p - ln(1 - p)
//! ladj = Σ_d [ ln(1 - 2λ) - ln p_d - ln(1 - p_d) ]
//! ```
//!
//! References: Dinh, Sohl-Dickstein & Bengio, "Real NVP", ICLR 2017, arXiv:1605.08803, section 4.1 (λ = 0.05); Papamakarios,
//! Pavlakou & Murray, "Masked autoregressive flow", NeurIPS 2017, arXiv:1705.07057 (λ = 1e-6 for MNIST).
//!
//! Differences from the papers: points outside the interval have the log-determinant -∞ and the density zero.

use burn::{module::Module, prelude::*};
use gibbs_backend::log_sigmoid;

use crate::{Bijection, ConfigError, math::row_sums};

/// The logit of values in [0, 1].
#[derive(Module, Debug)]
pub struct Logit {
    margin: f64,
}

impl Logit {
    /// The transform that keeps a distance `λ = margin` from 0 and 1.
    ///
    /// # Errors
    /// Unless `0 <= margin < 1/2`.
    pub fn new(margin: f64) -> Result<Self, ConfigError> {
        ConfigError::require(
            (0.0..0.5).contains(&margin),
            "margin",
            margin,
            "must be at least 0 and below 0.5",
        )?;
        Ok(Self { margin })
    }

    /// `z` of a single `x` in [0, 1].
    pub(super) fn of_value(&self, x: f64) -> f64 {
        let p = self.margin + self.slope() * x;
        p.ln() - (1.0 - p).ln()
    }

    fn slope(&self) -> f64 {
        1.0 - 2.0 * self.margin
    }
}

impl Bijection for Logit {
    /// A row with a value outside [0, 1] by more than `λ/(1 - 2λ)` has the log-determinant -∞. Its `z` is that of the nearest value
    /// inside.
    fn forward(&self, x: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let width = x.dims()[1] as f64;
        let (p, rest) = (x.clone() * self.slope() + self.margin, (-x + 1.0) * self.slope() + self.margin);
        let outside = p.clone().lower_equal_elem(0.0).bool_or(rest.clone().lower_equal_elem(0.0));
        // The least normal f32: its logarithm is finite in f32 and f64.
        let least = f64::from(f32::MIN_POSITIVE);
        let (log_p, log_rest) = (p.clamp_min(least).log(), rest.clamp_min(least).log());
        let ladj = row_sums((log_p.clone() + log_rest.clone()).mask_fill(outside, f64::INFINITY)).neg();
        (log_p - log_rest, ladj + width * self.slope().ln())
    }

    /// Maps real `z` into [0, 1], or outside of it by at most `λ/(1 - 2λ)`.
    fn inverse(&self, z: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let width = z.dims()[1] as f64;
        let (log_p, log_rest) = (log_sigmoid(z.clone()), log_sigmoid(-z));
        let x = (log_p.clone().exp() - self.margin) / self.slope();
        (x, row_sums(log_p + log_rest) - width * self.slope().ln())
    }
}
