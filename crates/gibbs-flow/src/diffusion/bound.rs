//! The variational lower bound on the log-density of a diffusion model.
//!
//! ```text
//! ln p(x) ≥ E ln p(x | x_1) - KL[q(x_0 | x) | N(0, 1)] - L
//! T steps      L = ½ Σ_i (e^{λ_{i+1} - λ_i} - 1)·E|ε - ε̂(x_i, t_i)|²,    λ_0 … λ_T in equal distances
//! continuous   L = ½ ∫ E|ε - ε̂(x_λ, λ)|² dλ                              T = ∞
//! KL           Σ_d ½·(α_0²·x_d² + σ_0² - 1 - ln σ_0²)
//! decoder      p(x | x_1) = N(x; x_1/α_1, (σ_1/α_1)²):    E ln p(x | x_1) = -D·(½·ln 2πe + ln(σ_1/α_1)),    or that of levels
//! ```
//!
//! The bound of `T` steps belongs to the Markov chain of [`DiffusionSampler`](super::DiffusionSampler) with `T` ancestral steps. It
//! grows with `T`. With the exact `ε̂` and without noise in the data it is `ln p(x)` for `T = ∞`.
//!
//! References: Ho et al. 2020, arXiv:2006.11239, equation 5; Kingma et al. 2021, arXiv:2107.00630, equations 11 to 17.
//!
//! Differences from the papers: `(|ε|² - D)·α²/(α² + σ²)`, whose mean is 0, is subtracted from the squared error. It cancels most of
//! the noise of the estimate, all of it near the data. The decoder is a density of real data, with the variance that is best for
//! smooth densities.
//!
//! Cost: `evaluations` passes of the network for each example.

use burn::{config::Config, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{
    ConfigError,
    math::{LN_SQRT_TAU, row_sums, row_zeros},
};

use super::{
    denoiser::Denoiser,
    parametrization::column,
    schedule::{Coefficients, DiffusionSchedule},
};
use crate::continuous::Levels;

/// How a bound is estimated.
#[derive(Config, Copy, Debug, PartialEq)]
pub struct Bound {
    /// Number of steps `T`, at least 1; `None` is the limit of infinitely many.
    #[config(default = "None")]
    pub steps: Option<usize>,
    /// Evaluations of the network for each example, at least 1: one at a random time in each of as many equal parts of the range
    /// of `λ`. With as many as there are steps, each step has one.
    #[config(default = 32)]
    pub evaluations: usize,
}

impl Bound {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("steps", self.steps.unwrap_or(1), 1)?;
        ConfigError::at_least("evaluations", self.evaluations, 1)
    }

    /// An unbiased estimate of the bound on the log-density of each example of `x [n, D]`: `[n]`, nats; on the log-probability where
    /// the examples are levels.
    pub fn estimate(
        &self,
        denoiser: &impl Denoiser,
        x: Tensor<2>,
        levels: Option<&Levels>,
        noise: &mut Noise,
    ) -> Tensor<1> {
        let [n, width] = x.dims();
        let (schedule, options) = (denoiser.schedule(), (&x.device(), x.dtype()));
        let [at_noise, at_data] = schedule.log_snr_range();
        let range = at_data - at_noise;
        let weight = match self.steps {
            Some(steps) => 0.5 * steps as f64 * (range / steps as f64).exp_m1(),
            None => 0.5 * range,
        };
        let mut errors = row_zeros(&x);
        for part in 0..self.evaluations {
            let times: Vec<f64> = (0..n)
                .map(|_| {
                    let u = (part as f64 + noise.next_uniform()) / self.evaluations as f64;
                    schedule.time_at(match self.steps {
                        // The noisy end of a step.
                        Some(steps) => (u * steps as f64).floor() / steps as f64,
                        None => u,
                    })
                })
                .collect();
            let at: Vec<Coefficients> = times.iter().map(|t| schedule.at(*t)).collect();
            let epsilon = noise.normal([n, width], options);
            let alpha = column(at.iter().map(|at| at.alpha), &x);
            let sigma = column(at.iter().map(|at| at.sigma), &x);
            let noisy = x.clone() * alpha + epsilon.clone() * sigma;
            // What a standard normal distribution of the data leaves of |ε|², whose mean is known.
            let share =
                column(at.iter().map(|at| at.alpha.powi(2) / (at.alpha.powi(2) + at.sigma.powi(2))), &x);
            let error = (denoiser.denoise(&times, &noisy).noise - epsilon.clone()).powi_scalar(2);
            errors = errors + row_sums(error - (epsilon.powi_scalar(2) - 1.0) * share);
        }
        let prior = self.prior(schedule, &x);
        let decoder = match levels {
            None => {
                let at = schedule.at(1.0);
                row_zeros(&x) - width as f64 * (LN_SQRT_TAU + 0.5 + (at.sigma / at.alpha).ln())
            }
            Some(levels) => {
                let noisy = schedule.noisy(*levels);
                noisy.log_decoder(noisy.draw(x.clone(), noise), &x)
            }
        };
        decoder - prior - errors * (weight / self.evaluations as f64)
    }

    /// `KL[q(x_0 | x) | N(0, 1)]`, `[n]`.
    fn prior(&self, schedule: &DiffusionSchedule, x: &Tensor<2>) -> Tensor<1> {
        let (at, width) = (schedule.at(0.0), x.dims()[1] as f64);
        let variance = at.sigma * at.sigma;
        row_sums(x.clone().powi_scalar(2)) * (0.5 * at.alpha * at.alpha)
            + 0.5 * width * (variance - 1.0 - variance.ln())
    }
}
