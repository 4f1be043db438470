//! What a network predicts, and what it receives.
//!
//! ```text
//! noise      ε̂                 (p, r) = (0, 1)
//! score      -ε̂/σ              (0, -1/σ)
//! data       x̂                 (1, 0)
//! velocity   α'·x̂ + σ'·ε̂       (α', σ')
//! straight   x̂ - ε̂             (1, -1)       the velocity of the straight path
//! ```
//!
//! Each is `p·x̂ + r·ε̂`, and so is the point itself, `x_t = α·x̂ + σ·ε̂`. A prediction `f` of one kind and the point are two linear
//! equations for `x̂` and `ε̂`, so any other kind is `a·x_t + b·f`:
//!
//! ```text
//! d = α·r_f - σ·p_f,    b = (α·r - σ·p)/d,    a = (p·r_f - r·p_f)/d
//! ```
//!
//! References: Salimans & Ho, "Progressive distillation for fast sampling of diffusion models", ICLR 2022, arXiv:2202.00512, appendix
//! D, for the kinds; Kingma et al. 2021, arXiv:2107.00630, for a network that receives the log-SNR.

use burn::{config::Config, prelude::*};
use gibbs_core::ConfigError;
use serde::{Deserialize, Serialize};

use super::{
    number::Number,
    schedule::{Coefficients, DiffusionSchedule, log_snr},
};

/// What a network predicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prediction {
    /// The noise `ε̂` (Ho et al. 2020).
    Noise,
    /// The score `-ε̂/σ`, the gradient of the log-density of noisy data (Song et al. 2021).
    Score,
    /// The velocity `α'·x̂ + σ'·ε̂` of the schedule. For the cosine schedule it is proportional to `v` of Salimans & Ho.
    Velocity,
    /// The data `x̂`.
    Data,
    /// `x̂ - ε̂`, the velocity of the straight path, for any schedule.
    StraightVelocity,
}

/// What a network receives as point and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coordinates {
    /// The point, and its log-SNR divided by the range of the schedule, from 0 to 1.
    LogSnr,
    /// The point `x/(α + σ)` and time `α/(α + σ)` of the straight path with the same log-SNR.
    Straight,
}

/// Schedule, prediction and coordinates of a network.
#[derive(Config, Copy, Debug, PartialEq)]
pub struct Parametrization {
    /// Signal and noise as functions of time.
    pub schedule: DiffusionSchedule,
    /// What the network predicts.
    pub prediction: Prediction,
    /// What the network receives as point and time.
    pub coordinates: Coordinates,
}

impl Prediction {
    /// `(p, r)` of this kind.
    pub(super) fn parts<T: Number>(self, at: &Coefficients<T>) -> [T; 2] {
        let constant = |value: f64| at.sigma.constant(value);
        match self {
            Self::Noise => [constant(0.0), constant(1.0)],
            Self::Score => [constant(0.0), constant(-1.0) / at.sigma.clone()],
            Self::Velocity => [at.alpha_rate.clone(), at.sigma_rate.clone()],
            Self::Data => [constant(1.0), constant(0.0)],
            Self::StraightVelocity => [constant(1.0), constant(-1.0)],
        }
    }

    /// `(a, b)` of a conversion: a prediction `f` of this kind at the point `x` is `a·x + b·f` of the kind `to`.
    pub fn conversion(self, to: Self, at: &Coefficients) -> [f64; 2] {
        self.factors(to, at)
    }

    /// [`conversion`](Self::conversion) of numbers of any type.
    pub(super) fn factors<T: Number>(self, to: Self, at: &Coefficients<T>) -> [T; 2] {
        if self == to {
            return [at.sigma.constant(0.0), at.sigma.constant(1.0)];
        }
        let ([p, r], [p_f, r_f]) = (to.parts(at), self.parts(at));
        let (alpha, sigma) = (at.alpha.clone(), at.sigma.clone());
        let determinant = alpha.clone() * r_f.clone() - sigma.clone() * p_f.clone();
        let b = (alpha * r.clone() - sigma * p.clone()) / determinant.clone();
        [(p * r_f - r * p_f) / determinant, b]
    }
}

impl Parametrization {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.schedule.validate().map_err(|error| error.within("schedule"))
    }

    /// What the network receives: the factor of the point, and the time.
    pub(super) fn inputs<T: Number>(&self, at: &Coefficients<T>) -> [T; 2] {
        match self.coordinates {
            Coordinates::LogSnr => {
                let [noise, data] = self.schedule.log_snr_range();
                let width = data - noise;
                [at.sigma.constant(1.0), log_snr(at).times(1.0 / width).plus(-noise / width)]
            }
            Coordinates::Straight => {
                let total = at.alpha.clone() + at.sigma.clone();
                [total.constant(1.0) / total.clone(), at.alpha.clone() / total]
            }
        }
    }
}

/// Numbers as a column `[n, 1]` like `x`.
pub(super) fn column(values: impl IntoIterator<Item = f64>, x: &Tensor<2>) -> Tensor<2> {
    let values: Vec<f64> = values.into_iter().collect();
    let n = values.len();
    Tensor::from_data(TensorData::new(values, [n, 1]), (&x.device(), x.dtype()))
}
