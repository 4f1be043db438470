//! A number with its standard error and its kind: exact, estimate or bound.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The relation of a reported value to the true quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The quantity itself, up to rounding errors.
    Exact,
    /// An estimate whose expectation is the quantity.
    Unbiased,
    /// The value is at most the quantity. An estimated bound is so in expectation.
    LowerBound,
    /// The value is at least the quantity. An estimated bound is so in expectation.
    UpperBound,
    /// An estimate that converges to the quantity. Its bias vanishes faster than its standard error.
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

/// A value with its standard error, its [`Kind`], and the sizes of the computation.
///
/// A value that cannot be computed is NaN and stays NaN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// One standard error of `value`; 0 for exact values.
    pub std_err: f64,
    /// The relation of the value to the true quantity.
    pub kind: Kind,
    /// Number of independent samples (chains or draws); `None` if the value does not come from samples.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub samples: Option<usize>,
    /// Number of intermediate temperatures; `None` if the value does not come from annealing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub temperatures: Option<usize>,
}

impl Estimate {
    /// An exact value.
    pub fn exact(value: f64) -> Self {
        Self { value, std_err: 0.0, kind: Kind::Exact, samples: None, temperatures: None }
    }

    /// A value from `samples` independent samples, with its standard error and its kind.
    pub fn sampled(value: f64, std_err: f64, kind: Kind, samples: usize) -> Self {
        Self { value, std_err, kind, samples: Some(samples), temperatures: None }
    }

    /// The mean of independent samples with its standard error `s/√n`. The kind is unbiased.
    ///
    /// The standard error of fewer than two samples is unknown: NaN.
    pub fn mean(samples: &[f64]) -> Self {
        let (mean, variance) = crate::math::mean_and_variance(samples);
        let std_err = (variance / samples.len() as f64).sqrt();
        Self::sampled(mean, std_err, Kind::Unbiased, samples.len())
    }

    /// Returns the estimate with its number of annealing temperatures.
    pub fn with_temperatures(mut self, temperatures: usize) -> Self {
        self.temperatures = Some(temperatures);
        self
    }

    /// Returns the estimate with another kind.
    pub fn with_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Returns `scale · value + shift` for exact `scale` and `shift`. A negative scale changes a lower bound into an upper
    /// bound, and the reverse.
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
