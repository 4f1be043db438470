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

/// Fewest samples whose spread is a standard error: Student's t with 4 degrees of freedom exceeds 3 in 4 % of the cases,
/// with fewer degrees in more.
const FEWEST_SAMPLES: usize = 5;

/// Standard errors between an estimate and an exact value from which on one of them is wrong: a normal variable exceeds
/// them once in two million.
const MOST_ERRORS: f64 = 5.0;

/// Relative error of sums of single-precision numbers, which no standard error includes.
const ROUNDING: f64 = 1e-5;

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
    /// For a mean over the examples of a set, the standard deviation of the examples divided by `√n`: how far the mean is from
    /// that over all examples of the same kind. `std_err` is the error for the given examples.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub std_err_examples: Option<f64>,
    /// Effective sample size of an estimate from weighted samples.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub effective_samples: Option<f64>,
    /// Share of the largest weight in the sum of all weights, for an estimate from weighted samples.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub largest_weight: Option<f64>,
    /// Why the standard error cannot be trusted; `None` if nothing is known against it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unreliable: Option<String>,
}

impl Estimate {
    /// An exact value.
    pub fn exact(value: f64) -> Self {
        Self {
            value,
            std_err: 0.0,
            kind: Kind::Exact,
            samples: None,
            temperatures: None,
            std_err_examples: None,
            effective_samples: None,
            largest_weight: None,
            unreliable: None,
        }
    }

    /// The mean of exact values of the examples of a set, with its `std_err_examples`.
    pub fn exact_mean(examples: &[f64]) -> Self {
        Self::exact(examples.iter().sum::<f64>() / examples.len() as f64).over_examples(examples)
    }

    /// The mean over examples of independent estimates, one for each example, with the error for these examples and its
    /// `std_err_examples`. It is unreliable if one of them is.
    ///
    /// # Panics
    /// If there are no estimates.
    pub fn mean_of(estimates: &[Self]) -> Self {
        let values: Vec<f64> = estimates.iter().map(|estimate| estimate.value).collect();
        let squares: f64 = estimates.iter().map(|estimate| estimate.std_err.powi(2)).sum();
        let (n, first) = (estimates.len() as f64, estimates[0].clone());
        let unreliable: Vec<&String> = estimates.iter().filter_map(|each| each.unreliable.as_ref()).collect();
        let reason = unreliable.first().map(|reason| match estimates.len() {
            1 => (*reason).clone(),
            n => format!("{} of {n} examples, such as: {reason}", unreliable.len()),
        });
        Self {
            value: values.iter().sum::<f64>() / n,
            std_err: squares.sqrt() / n,
            effective_samples: None,
            largest_weight: None,
            unreliable: reason,
            ..first
        }
        .over_examples(&values)
    }

    /// A value from `samples` independent samples, with its standard error and its kind.
    pub fn sampled(value: f64, std_err: f64, kind: Kind, samples: usize) -> Self {
        Self { std_err, kind, samples: Some(samples), ..Self::exact(value) }
    }

    /// The mean of independent samples with its standard error `s/√n`. The kind is unbiased.
    ///
    /// The standard error of fewer than two samples is unknown: NaN. That of fewer than five is unreliable.
    pub fn mean(samples: &[f64]) -> Self {
        let n = samples.len();
        let (mean, variance) = crate::math::mean_and_variance(samples);
        Self::sampled(mean, (variance / n as f64).sqrt(), Kind::Unbiased, n).if_enough(n)
    }

    /// A statistic of independent groups of samples, with the jackknife error of its values when each group in turn is left out. The
    /// kind is asymptotic.
    ///
    /// ```text
    /// s² = (G - 1)/G Σ_g (f_g - f̄)²      f_g without group g
    /// ```
    ///
    /// References: Quenouille, Biometrika 43:353 (1956), doi:10.1093/biomet/43.3-4.353; Efron & Stein, Ann. Stat. 9:586 (1981),
    /// doi:10.1214/aos/1176345462.
    ///
    /// The error of fewer than two groups is unknown: NaN. That of fewer than five is unreliable.
    pub fn jackknife(value: f64, left_out: &[f64]) -> Self {
        let groups = left_out.len();
        let (_, variance) = crate::math::mean_and_variance(left_out);
        let n = groups as f64;
        let std_err = ((n - 1.0) * (n - 1.0) / n * variance).sqrt();
        Self::sampled(value, std_err, Kind::Asymptotic, groups).if_enough(groups)
    }

    /// The fraction of independent trials that succeed. The standard error is that of the posterior distribution for a uniform
    /// prior, `√(p (1-p) / (n+3))` with `p = (k+1)/(n+2)`: it is not 0 if all of them succeed, or none. The kind is unbiased.
    pub fn fraction(trials: &[bool]) -> Self {
        let (n, k) = (trials.len() as f64, trials.iter().filter(|success| **success).count() as f64);
        let p = (k + 1.0) / (n + 2.0);
        Self::sampled(k / n, (p * (1.0 - p) / (n + 3.0)).sqrt(), Kind::Unbiased, trials.len())
    }

    /// Marks an estimate from fewer independent samples than a standard error needs.
    pub(crate) fn if_enough(self, samples: usize) -> Self {
        let is_few = samples < FEWEST_SAMPLES;
        self.or_unreliable(
            is_few.then(|| format!("{samples} independent samples, fewer than {FEWEST_SAMPLES}")),
        )
    }

    /// Returns the estimate with the spread of the examples over which it is a mean.
    pub fn over_examples(mut self, examples: &[f64]) -> Self {
        let (_, variance) = crate::math::mean_and_variance(examples);
        self.std_err_examples = Some((variance / examples.len() as f64).sqrt());
        self
    }

    /// Returns the estimate with a reason why its error cannot be trusted, if there is one and it has none.
    pub fn or_unreliable(mut self, reason: Option<String>) -> Self {
        self.unreliable = self.unreliable.or(reason);
        self
    }

    /// By how many standard errors of both this estimate lies above another one. The rounding of single precision counts as
    /// an error.
    pub fn errors_above(&self, other: &Self) -> f64 {
        let rounding = ROUNDING * self.value.abs().max(other.value.abs());
        (self.value - other.value) / self.std_err.hypot(other.std_err).hypot(rounding)
    }

    /// Returns the estimate, marked if it is more than 5 standard errors away from the exact value of the same quantity.
    pub fn compared_with(self, exact: f64) -> Self {
        let errors = self.errors_above(&Self::exact(exact)).abs();
        let is_far = errors > MOST_ERRORS;
        self.or_unreliable(
            is_far.then(|| format!("{errors:.0} standard errors from the exact value {exact:.6}")),
        )
    }

    /// The difference of two independent estimates. It is exact if both are, else asymptotic.
    pub fn minus(self, other: &Self) -> Self {
        let both = |a: Option<f64>, b: Option<f64>| a.map(|a| a.hypot(b.unwrap_or(0.0))).or(b);
        Self {
            value: self.value - other.value,
            std_err: self.std_err.hypot(other.std_err),
            kind: if [self.kind, other.kind] == [Kind::Exact; 2] { Kind::Exact } else { Kind::Asymptotic },
            std_err_examples: both(self.std_err_examples, other.std_err_examples),
            ..self
        }
        .or_unreliable(other.unreliable.clone())
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
        self.std_err_examples = self.std_err_examples.map(|error| error * scale.abs());
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
        }?;
        self.unreliable.iter().try_for_each(|reason| write!(f, ", unreliable: {reason}"))
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

    /// The jackknife of a mean is its standard error.
    #[test]
    fn the_jackknife_of_a_mean_is_the_textbook_error() {
        let samples = [0.3, -1.0, 2.5, 4.0, 0.2, 1.1];
        let sum: f64 = samples.iter().sum();
        let left_out: Vec<f64> = samples.iter().map(|x| (sum - x) / 5.0).collect();
        let (mean, jackknife) = (Estimate::mean(&samples), Estimate::jackknife(sum / 6.0, &left_out));
        assert!((jackknife.std_err - mean.std_err).abs() < 1e-15);
        assert_eq!(
            (jackknife.kind, jackknife.samples, jackknife.unreliable),
            (Kind::Asymptotic, Some(6), None)
        );
        assert!(Estimate::jackknife(1.0, &[1.0]).std_err.is_nan());
    }

    #[test]
    fn a_fraction_of_all_trials_is_not_certain() {
        let all = Estimate::fraction(&[true; 98]);
        // A beta distribution with the parameters 99 and 1.
        assert_eq!((all.value, all.kind), (1.0, Kind::Unbiased));
        assert!((all.std_err - (0.99_f64 * 0.01 / 101.0).sqrt()).abs() < 1e-15);
        let half: Vec<bool> = (0..1000).map(|i| i % 2 == 0).collect();
        assert!((Estimate::fraction(&half).std_err - 0.5 / 1000f64.sqrt()).abs() < 1e-4);
    }

    #[test]
    fn few_samples_have_an_unreliable_error() {
        assert!(Estimate::mean(&[1.0, 2.0, 3.0, 4.0]).unreliable.is_some());
        assert_eq!(Estimate::mean(&[1.0, 2.0, 3.0, 4.0, 5.0]).unreliable, None);
    }

    #[test]
    fn a_mean_over_examples_is_exact_and_has_their_spread() {
        let estimate = Estimate::exact_mean(&[1.0, 2.0, 3.0, 4.0]).affine(-2.0, 1.0);
        assert_eq!((estimate.value, estimate.std_err, estimate.kind), (-4.0, 0.0, Kind::Exact));
        let spread = estimate.std_err_examples.unwrap();
        assert!((spread - 2.0 * (5.0_f64 / 3.0 / 4.0).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn a_difference_has_the_errors_of_both() {
        let a = Estimate { std_err_examples: Some(3.0), ..Estimate::exact(5.0) };
        let b = Estimate { std_err_examples: Some(4.0), ..Estimate::exact(1.0) };
        let gap = a.clone().minus(&b);
        assert_eq!(
            (gap.value, gap.std_err, gap.kind, gap.std_err_examples),
            (4.0, 0.0, Kind::Exact, Some(5.0))
        );
        let sampled = Estimate::sampled(1.0, 2.0, Kind::Unbiased, 9).or_unreliable(Some("doubt".into()));
        let gap = a.minus(&sampled);
        assert_eq!(
            (gap.std_err, gap.kind, gap.unreliable.as_deref()),
            (2.0, Kind::Asymptotic, Some("doubt"))
        );
    }

    #[test]
    fn an_estimate_far_from_the_exact_value_is_marked() {
        let estimate = Estimate::sampled(1.0, 0.1, Kind::Asymptotic, 100);
        assert_eq!(estimate.clone().compared_with(1.4).unreliable, None);
        assert!(estimate.compared_with(1.6).unreliable.unwrap().starts_with("6 standard errors"));
    }

    #[test]
    fn the_first_reason_stays() {
        let estimate = Estimate::exact(1.0).or_unreliable(None).or_unreliable(Some("first".into()));
        assert_eq!(estimate.or_unreliable(Some("second".into())).unreliable.as_deref(), Some("first"));
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
