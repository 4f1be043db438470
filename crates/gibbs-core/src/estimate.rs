//! A number with its error and its kind: exact, estimate, or bound.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a reported value is, in relation to the quantity it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The quantity itself, up to floating-point rounding.
    Exact,
    /// An estimate whose expectation is the quantity.
    Unbiased,
    /// The quantity is at least this (in expectation, where the bound is itself estimated).
    LowerBound,
    /// The quantity is at most this (in expectation, where the bound is itself estimated).
    UpperBound,
    /// An estimate that converges to the quantity, with a bias that vanishes faster than its error.
    Asymptotic,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "exact",
            Self::Unbiased => "unbiased",
            Self::LowerBound => "lower bound",
            Self::UpperBound => "upper bound",
            Self::Asymptotic => "asymptotic",
        })
    }
}

/// A value with its standard error, its [`Kind`], and what it was made from.
///
/// A value that could not be computed is NaN and stays NaN; no method hides it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// One standard error of `value`; 0 for exact values.
    pub std_err: f64,
    /// What the value is.
    pub kind: Kind,
    /// Number of independent samples (chains, draws) behind the value, if it was sampled.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub samples: Option<usize>,
    /// Number of intermediate temperatures behind the value, if it was annealed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub temperatures: Option<usize>,
}

impl Estimate {
    /// A value known exactly.
    pub fn exact(value: f64) -> Self {
        Self { value, std_err: 0.0, kind: Kind::Exact, samples: None, temperatures: None }
    }

    /// A value of the given kind with its standard error, made from `samples` independent samples.
    pub fn sampled(value: f64, std_err: f64, kind: Kind, samples: usize) -> Self {
        Self { value, std_err, kind, samples: Some(samples), temperatures: None }
    }

    /// Mean of independent samples with its standard error `s/√n`: unbiased.
    ///
    /// The error of fewer than two samples is unknown, hence NaN.
    pub fn mean(samples: &[f64]) -> Self {
        let (mean, variance) = crate::math::mean_and_variance(samples);
        let std_err = (variance / samples.len() as f64).sqrt();
        Self::sampled(mean, std_err, Kind::Unbiased, samples.len())
    }

    /// The same estimate with the number of annealing temperatures noted.
    pub fn with_temperatures(mut self, temperatures: usize) -> Self {
        self.temperatures = Some(temperatures);
        self
    }

    /// The same value, declared to be of another kind.
    pub fn with_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// `scale · value + shift` for known `scale` and `shift`; a negative scale turns a bound around.
    pub fn affine(mut self, scale: f64, shift: f64) -> Self {
        self.value = scale * self.value + shift;
        self.std_err *= scale.abs();
        self.kind = match self.kind {
            Kind::LowerBound if scale < 0.0 => Kind::UpperBound,
            Kind::UpperBound if scale < 0.0 => Kind::LowerBound,
            kind => kind,
        };
        self
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Exact => write!(f, "{} (exact)", self.value),
            kind => write!(f, "{:.4} ± {:.4} ({kind})", self.value, self.std_err),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_of_samples_has_the_textbook_error() {
        let estimate = Estimate::mean(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(estimate.value, 2.5);
        assert!((estimate.std_err - (5.0_f64 / 3.0 / 4.0).sqrt()).abs() < 1e-15);
        assert_eq!(estimate.kind, Kind::Unbiased);
    }

    #[test]
    fn the_error_of_a_single_sample_is_unknown() {
        assert!(Estimate::mean(&[1.0]).std_err.is_nan());
    }

    #[test]
    fn nan_stays_nan() {
        assert!(Estimate::mean(&[1.0, f64::NAN]).value.is_nan());
    }

    #[test]
    fn negation_turns_a_bound_around() {
        let bound = Estimate::sampled(2.0, 0.5, Kind::LowerBound, 10).affine(-2.0, 1.0);
        assert_eq!((bound.value, bound.std_err, bound.kind), (-3.0, 1.0, Kind::UpperBound));
    }

    #[test]
    fn kinds_are_written_as_the_run_format_names_them() {
        let json = serde_json::to_string(&Kind::LowerBound).unwrap();
        assert_eq!(json, "\"lower_bound\"");
    }
}
