//! How much signal and noise a diffusion has at each time.
//!
//! ```text
//! x_t = α(t)·x + σ(t)·ε,    λ = ln(α²/σ²) grows from noise (t = 0) to data (t = 1),    s = 1 - t
//! linear    B(s) = ∫ β,  β = β_min + s·(β_max - β_min):    α² = e^-B,  σ² = 1 - e^-B,    from s = s_0 with σ(s_0) = σ_min
//! cosine    α = cos φ,  σ = sin φ,    φ from asin σ_min (s = 0) to acos α_min (s = 1), linear in s
//! straight  α = 1 - (1 - α_min)·s,  σ = σ_min + (1 - σ_min)·s
//! ```
//!
//! The first two preserve the variance: `α² + σ² = 1`. The linear one has the rates of Ho et al. in continuous time, the straight
//! one is the path of flow matching. At `t = 1` a noise `σ_min` remains: the model is the distribution of `α(1)·x + σ_min·ε`.
//!
//! References: Ho et al. 2020, arXiv:2006.11239, and Song et al. 2021, arXiv:2011.13456, appendix C (linear); Nichol & Dhariwal,
//! "Improved denoising diffusion probabilistic models", ICML 2021, arXiv:2102.09672, equation 17 (cosine); Lipman et al., ICLR
//! 2023, arXiv:2210.02747, and Liu, Gong & Liu, "Flow straight and fast", ICLR 2023, arXiv:2209.03003 (straight).
//!
//! Differences from the papers: Nichol & Dhariwal shift the angle by `s = 0.008` and divide by `α(0)`; here its ends follow from
//! `σ_min` and `α_min`, and their shift is `σ_min = 0.0125`. Song et al. stop at `s = 1e-5`, which is `σ_min = 0.001`.

use burn::config::Config;
use gibbs_core::ConfigError;
use serde::{Deserialize, Serialize};

use super::number::Number;
use crate::continuous::{Levels, NoisyLevels};

/// The shape of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleKind {
    /// The rate of noise grows linearly; the variance is preserved.
    Linear,
    /// Signal and noise are cosine and sine of an angle that is linear in time.
    Cosine,
    /// Signal and noise are linear in time: the path of flow matching.
    Straight,
}

/// Signal and noise as functions of time.
#[derive(Config, Copy, Debug, PartialEq)]
pub struct DiffusionSchedule {
    /// The shape.
    pub kind: ScheduleKind,
    /// `β_min` of the linear schedule, at least 0 (0.1 in Song et al., 1000 steps of 1e-4 in Ho et al.).
    #[config(default = 0.1)]
    pub beta_min: f64,
    /// `β_max` of the linear schedule, above `beta_min` (20 in Song et al., 1000 steps of 0.02 in Ho et al.).
    #[config(default = 20.0)]
    pub beta_max: f64,
    /// `σ(1)`, the noise that remains in the data, above 0 and below 0.5. It blurs the learned density.
    #[config(default = 1e-3)]
    pub sigma_min: f64,
    /// `α(0)` of the cosine and the straight schedule, the signal that remains in the noise, above 0 and below 0.5. Noise and score
    /// say nothing about the data where it is 0.
    #[config(default = 1e-2)]
    pub alpha_min: f64,
}

/// Signal and noise at one time, and their derivatives by time.
#[derive(Clone, Debug, PartialEq)]
pub struct Coefficients<T = f64> {
    /// `α`.
    pub alpha: T,
    /// `σ`.
    pub sigma: T,
    /// `dα/dt`, above 0.
    pub alpha_rate: T,
    /// `dσ/dt`, below 0.
    pub sigma_rate: T,
}

impl DiffusionSchedule {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let part = |field, value: f64| {
            ConfigError::require(value > 0.0 && value < 0.5, field, value, "must be above 0 and below 0.5")
        };
        part("sigma_min", self.sigma_min)?;
        part("alpha_min", self.alpha_min)?;
        ConfigError::not_negative("beta_min", self.beta_min)?;
        let grows = self.beta_max.is_finite() && self.beta_max > self.beta_min;
        ConfigError::require(grows, "beta_max", self.beta_max, "must be finite and above beta_min")?;
        // Less noise at the end than -2 ln 0.5 would leave more than half of the signal.
        let total = 0.5 * (self.beta_min + self.beta_max);
        let reason = "must leave less than half of the signal: (beta_min + beta_max)/2 above 1.39";
        ConfigError::require(total > -2.0 * 0.5f64.ln(), "beta_max", self.beta_max, reason)
    }

    /// Signal and noise at time `t` in \[0, 1\].
    pub fn at(&self, t: f64) -> Coefficients {
        self.coefficients(t)
    }

    /// Levels with the noise that remains at `t = 1`.
    pub fn noisy(&self, levels: Levels) -> NoisyLevels {
        let at = self.at(1.0);
        levels.with_noise(at.alpha, at.sigma)
    }

    /// The log-SNR `λ = ln(α²/σ²)` at time `t`.
    pub fn log_snr(&self, t: f64) -> f64 {
        self.at(t).log_snr()
    }

    /// The log-SNR at times 0 and 1.
    pub fn log_snr_range(&self) -> [f64; 2] {
        [0.0, 1.0].map(|t| self.log_snr(t))
    }

    /// The time in \[0, 1\] with the log-SNR `λ`: the inverse of [`log_snr`](Self::log_snr), clamped to its range.
    pub fn time_of(&self, log_snr: f64) -> f64 {
        let [noise, data] = self.log_snr_range();
        let log_snr = log_snr.clamp(noise, data);
        let ratio = (-0.5 * log_snr).exp();
        let s = match self.kind {
            ScheduleKind::Linear => {
                let first = self.first();
                (self.inverse_integral((-log_snr).exp().ln_1p()) - first) / (1.0 - first)
            }
            ScheduleKind::Cosine => {
                let [first, last] = self.angles();
                (ratio.atan() - first) / (last - first)
            }
            ScheduleKind::Straight => {
                (ratio - self.sigma_min) / ((1.0 - self.sigma_min) + ratio * (1.0 - self.alpha_min))
            }
        };
        (1.0 - s).clamp(0.0, 1.0)
    }

    /// The time at the fraction `u` of the way from the log-SNR of noise to that of data.
    pub fn time_at(&self, u: f64) -> f64 {
        let [noise, data] = self.log_snr_range();
        self.time_of(noise + u * (data - noise))
    }

    /// Signal and noise at times `t`.
    pub(super) fn coefficients<T: Number>(&self, t: T) -> Coefficients<T> {
        let s = t.clone().neg().plus(1.0);
        match self.kind {
            ScheduleKind::Linear => {
                let (first, slope) = (self.first(), self.beta_max - self.beta_min);
                let s = s.times(1.0 - first).plus(first);
                let integral = s.clone() * s.clone().times(0.5 * slope).plus(self.beta_min);
                // 1 - e^-B = 2h/(1 + h), which loses no digits near the data.
                let h = integral.clone().times(0.5).tanh();
                let alpha = integral.times(-0.5).exp();
                let sigma = (h.clone().times(2.0) / h.plus(1.0)).sqrt();
                let alpha_rate =
                    s.times(slope).plus(self.beta_min).times(0.5 * (1.0 - first)) * alpha.clone();
                let sigma_rate = -(alpha.clone() * alpha_rate.clone() / sigma.clone());
                Coefficients { alpha, sigma, alpha_rate, sigma_rate }
            }
            ScheduleKind::Cosine => {
                let [first, last] = self.angles();
                let angle = s.times(last - first).plus(first);
                let (alpha, sigma) = (angle.clone().cos(), angle.sin());
                Coefficients {
                    alpha_rate: sigma.clone().times(last - first),
                    sigma_rate: alpha.clone().times(first - last),
                    alpha,
                    sigma,
                }
            }
            ScheduleKind::Straight => Coefficients {
                alpha: s.clone().times(self.alpha_min - 1.0).plus(1.0),
                alpha_rate: s.constant(1.0 - self.alpha_min),
                sigma_rate: s.constant(self.sigma_min - 1.0),
                sigma: s.times(1.0 - self.sigma_min).plus(self.sigma_min),
            },
        }
    }

    /// `s_0` of the linear schedule.
    fn first(&self) -> f64 {
        self.inverse_integral(-(-self.sigma_min * self.sigma_min).ln_1p())
    }

    /// The `s` with `B(s) = integral`.
    fn inverse_integral(&self, integral: f64) -> f64 {
        let slope = self.beta_max - self.beta_min;
        2.0 * integral / (self.beta_min + (self.beta_min.powi(2) + 2.0 * slope * integral).sqrt())
    }

    /// The first and the last angle of the cosine schedule.
    fn angles(&self) -> [f64; 2] {
        [self.sigma_min.asin(), self.alpha_min.acos()]
    }
}

/// `λ = ln(α²/σ²)` at times of any type.
pub(super) fn log_snr<T: Number>(at: &Coefficients<T>) -> T {
    (at.alpha.clone().ln() - at.sigma.clone().ln()).times(2.0)
}

impl Coefficients {
    /// The log-SNR `λ = ln(α²/σ²)`.
    pub fn log_snr(&self) -> f64 {
        log_snr(self)
    }
}
