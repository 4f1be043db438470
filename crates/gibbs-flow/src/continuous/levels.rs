//! Data that have finitely many values: gray levels without uniform dequantization.
//!
//! ```text
//! x_k = first + k·Δ the levels,    x_1 = α·x_k + σ·ε,  ε ~ N(0, 1)    the data that a flow learns, never quite without noise
//! P(k | x_1) = e^{-(x_1/α - x_k)²/(2s²)} / Σ_j e^{-(x_1/α - x_j)²/(2s²)},    s = σ/α                decoder
//! ln P(k) ≥ E_ε [ln p(x_1) + ln P(k | x_1) - ln q(x_1 | k)],    q(x_1 | k) = N(x_1; α·x_k, σ²)
//! ```
//!
//! Uniform dequantization asks for a density that is constant in each cell, which a Gaussian of the same variance is not: a pixel
//! that is always black costs `½·ln(πe/6) = 0.18` nats. Here such a pixel is a point, its noisy form is Gaussian, and the cost is that of
//! the decoder.
//!
//! References: Kingma et al., "Variational diffusion models", NeurIPS 2021, arXiv:2107.00630, equation 8, for the decoder; Zheng, Lu,
//! Chen & Zhu, "Improved techniques for maximum likelihood estimation for diffusion ODEs", ICML 2023, arXiv:2305.03935, for the bound
//! with Gaussian noise.

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{
    ConfigError,
    math::{LN_SQRT_TAU, row_sums},
    ode::SolveError,
};

use super::{flow::ContinuousFlow, velocity::VelocityField};

/// Standard deviations of the noise beyond which the probability of a level is below the rounding of f32.
const REACH: f64 = 8.0;

/// Equally spaced values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    /// How many, at least 2.
    pub count: usize,
    /// The lowest one.
    pub first: f64,
    /// Their distance `Δ`, above 0.
    pub spacing: f64,
}

impl Levels {
    /// The centers of `count` equal cells of \[-1, 1\].
    ///
    /// # Errors
    /// Fewer than 2 levels.
    pub fn of_signed(count: usize) -> Result<Self, ConfigError> {
        ConfigError::at_least("levels", count, 2)?;
        let spacing = 2.0 / count as f64;
        Ok(Self { count, first: -1.0 + 0.5 * spacing, spacing })
    }

    /// The index `k` of the level nearest to each value of `x [n, D]`.
    pub fn indices(&self, x: Tensor<2>) -> Tensor<2> {
        ((x - self.first) / self.spacing).round().clamp(0.0, (self.count - 1) as f64)
    }

    /// The level nearest to each value of `x [n, D]`.
    pub fn nearest(&self, x: Tensor<2>) -> Tensor<2> {
        self.indices(x) * self.spacing + self.first
    }

    /// These levels with noise: `α·x_k + σ·ε`, both factors above 0.
    pub fn with_noise(self, alpha: f64, sigma: f64) -> NoisyLevels {
        NoisyLevels { levels: self, alpha, sigma }
    }
}

/// Levels with normally distributed noise, as a flow learns them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoisyLevels {
    /// The levels.
    pub levels: Levels,
    alpha: f64,
    sigma: f64,
}

impl NoisyLevels {
    /// The levels nearest to `x [n, D]` with noise: `α·x_k + σ·ε`.
    pub fn draw(&self, x: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        let epsilon = noise.normal(x.dims(), (&x.device(), x.dtype()));
        self.levels.nearest(x) * self.alpha + epsilon * self.sigma
    }

    /// `Σ_d ln P(k_d | x_1)` of levels `x_k [n, D]` in noisy data `x_1 [n, D]`: `[n]`, nats. The sum over levels leaves out those beyond
    /// 8 standard deviations of the noise from `x_k`.
    pub fn log_decoder(&self, noisy: Tensor<2>, levels: &Tensor<2>) -> Tensor<1> {
        let Levels { count, spacing, .. } = self.levels;
        let std = self.sigma / self.alpha;
        let gap = noisy / self.alpha - levels.clone();
        let most = ((REACH * std / spacing).ceil() as i64 + 1).min(count as i64 - 1);
        let index = self.levels.indices(levels.clone());
        let others = (-most..=most).filter(|j| *j != 0).fold(gap.zeros_like(), |sum, j| {
            let j = j as f64;
            let is_level = (index.clone() + j).greater_equal_elem(0.0).float()
                * (index.clone() + j).lower_elem(count as f64).float();
            let exponent = gap.clone() * (j * spacing / (std * std)) - 0.5 * (j * spacing / std).powi(2);
            sum + exponent.exp() * is_level.cast(gap.dtype())
        });
        row_sums(others.log1p()).neg()
    }

    /// A lower bound on `ln P(k | c)` of levels `x_k [n, D]` for contexts `[n, C]` by the density of a flow of noisy levels, with one
    /// draw of the noise: `[n]`, nats; and the number of evaluations of the field.
    ///
    /// # Errors
    /// If the equation cannot be solved.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn try_log_prob<V: VelocityField>(
        &self,
        flow: &ContinuousFlow<V>,
        x: Tensor<2>,
        context: Option<&Tensor<2>>,
        noise: &mut Noise,
    ) -> Result<(Tensor<1>, usize), SolveError> {
        let width = x.dims()[1] as f64;
        let epsilon = noise.normal(x.dims(), (&x.device(), x.dtype()));
        let noisy = x.clone() * self.alpha + epsilon.clone() * self.sigma;
        let of_noise = row_sums(epsilon.powi_scalar(2)) * -0.5 - width * (LN_SQRT_TAU + self.sigma.ln());
        let decoder = self.log_decoder(noisy.clone(), &x);
        let (log_prob, evaluations) = flow.try_log_prob(noisy, context, Some(noise))?;
        Ok((log_prob + decoder - of_noise, evaluations))
    }
}
