//! What importance weights reveal about the estimates made from them.
//!
//! ```text
//! n_eff = (Σ w)² / Σ w²                    effective sample size (Kish, Survey Sampling, 1965)
//! share = max w / Σ w
//! k̂: shape of the generalized Pareto distribution fitted to the ⌈min(n/5, 3√n)⌉ largest weights.
//!     Weights have 1/k finite moments, so their mean has a normal error only if k < 1/2, and a mean at all only if k < 1
//! ```
//!
//! An error from the spread of the weights is trusted if `n_eff ≥ min(30, n/2)` and `k̂ ≤ 0.7`. For log-normal weights, whose
//! logarithm has a standard deviation from 0.3 to 5, estimates of `log Z` that pass lie within 4 errors of the truth in more
//! than 97 % of the cases. The weights cannot reveal a region that no sample reached.
//!
//! References: Vehtari, Simpson, Gelman, Yao & Gabry, "Pareto smoothed importance sampling", JMLR 25:72 (2024),
//! arXiv:1507.02646: section 2.2 for `k̂` and the number of largest weights, section 3.2.4 for 0.7, appendix C for
//! the prior of the fit; Zhang & Stephens, Technometrics 51:316 (2009), doi:10.1198/tech.2009.08017, for the fit.

use crate::{
    Estimate,
    math::{self, log_sum_exp},
};

/// Effective samples from which on a mean of weights is close to normal, if there are at least twice as many samples. With fewer
/// samples half of them: the standard deviation of the weights is then at most their mean.
const EFFECTIVE: f64 = 30.0;

/// Largest `k̂` of a reliable estimate.
const SHAPE: f64 = 0.7;

/// Fewest weights to which a tail is fitted.
const TAIL: usize = 5;

/// How evenly importance weights are spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightSpread {
    /// Number of weights.
    pub samples: usize,
    /// Effective sample size `n_eff`.
    pub effective_samples: f64,
    /// Share of the largest weight in the sum.
    pub largest_weight: f64,
    /// `k̂`; `None` if there are too few different weights for a fit.
    pub tail_shape: Option<f64>,
}

impl WeightSpread {
    /// The spread of the weights with these logarithms.
    ///
    /// ```
    /// use gibbs_core::importance::WeightSpread;
    ///
    /// let spread = WeightSpread::of(&[0.0; 40]);
    /// assert!((spread.effective_samples - 40.0).abs() < 1e-9 && (spread.largest_weight - 0.025).abs() < 1e-12);
    /// assert_eq!(spread.unreliable(), None);
    /// ```
    pub fn of(log_weights: &[f64]) -> Self {
        let largest = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self {
            samples: log_weights.len(),
            effective_samples: math::effective_sample_size(log_weights),
            largest_weight: (largest - log_sum_exp(log_weights)).exp(),
            tail_shape: tail_shape(log_weights),
        }
    }

    /// Why the error of a mean of these weights cannot be trusted; `None` if nothing is known against it.
    pub fn unreliable(&self) -> Option<String> {
        let Self { samples, effective_samples, largest_weight, tail_shape } = self;
        let needed = EFFECTIVE.min(0.5 * *samples as f64);
        if effective_samples.is_nan() || *effective_samples < needed {
            let share = 100.0 * largest_weight;
            return Some(format!(
                "{effective_samples:.1} effective samples of {samples}, fewer than {needed:.0}; the largest weight \
                 is {share:.0} % of the sum"
            ));
        }
        let shape = tail_shape.filter(|shape| *shape > SHAPE)?;
        Some(format!("the largest weights have a heavy tail: Pareto k = {shape:.2}, above {SHAPE}"))
    }

    /// Returns an estimate from these weights with what they reveal about it.
    pub fn describe(&self, estimate: Estimate) -> Estimate {
        Estimate {
            effective_samples: Some(self.effective_samples),
            largest_weight: Some(self.largest_weight),
            ..estimate.if_enough(self.samples).or_unreliable(self.unreliable())
        }
    }
}

/// `k̂` of the weights with these logarithms.
fn tail_shape(log_weights: &[f64]) -> Option<f64> {
    let n = log_weights.len();
    let tail = (0.2 * n as f64).min(3.0 * (n as f64).sqrt()).ceil() as usize;
    if tail < TAIL || log_weights.iter().any(|weight| weight.is_nan()) {
        return None;
    }
    let mut sorted = log_weights.to_vec();
    sorted.sort_by(f64::total_cmp);
    let relative = |log_weight: f64| (log_weight - sorted[n - 1]).exp();
    let threshold = relative(sorted[n - tail - 1]);
    let exceedances: Vec<f64> = sorted[n - tail..].iter().map(|w| relative(*w) - threshold).collect();
    let positive: Vec<f64> = exceedances.into_iter().filter(|x| *x > 0.0).collect();
    (positive.len() >= TAIL).then(|| pareto_shape(&positive))
}

/// The shape `k` of the generalized Pareto distribution `1 - (1 + k x/σ)^(-1/k)` of `x > 0`, ascending: the posterior mean of
/// Zhang & Stephens for `θ = -k/σ`, and a prior on `k` as of 10 observations with the shape 1/2 (Vehtari et al.).
fn pareto_shape(x: &[f64]) -> f64 {
    const PRIOR: f64 = 10.0;
    let n = x.len() as f64;
    let grid = 30 + n.sqrt() as usize;
    let (largest, quartile) = (x[x.len() - 1], x[((0.25 * n + 0.5) as usize).max(1) - 1]);
    let theta = |j: usize| 1.0 / largest + (1.0 - (grid as f64 / (j as f64 + 0.5)).sqrt()) / (3.0 * quartile);
    let shape = |theta: f64| x.iter().map(|x| (-theta * x).ln_1p()).sum::<f64>() / n;
    let thetas: Vec<f64> = (0..grid).map(theta).collect();
    let likelihood = |theta: &f64| {
        let k = shape(*theta);
        n * ((-theta / k).ln() - k - 1.0)
    };
    let log_posterior: Vec<f64> = thetas.iter().map(likelihood).collect();
    let total = log_sum_exp(&log_posterior);
    let mean: f64 = thetas.iter().zip(&log_posterior).map(|(theta, log)| theta * (log - total).exp()).sum();
    (n * shape(mean) + 0.5 * PRIOR) / (n + PRIOR)
}

#[cfg(test)]
mod tests {
    use gibbs_backend::Noise;

    use super::*;
    use crate::math::log_mean_exp_estimate;

    /// `n` values of the generalized Pareto distribution with the scale 1, by inversion at the midpoints of `n` equal parts.
    fn pareto(k: f64, n: usize) -> Vec<f64> {
        let quantile = |p: f64| if k == 0.0 { -(1.0 - p).ln() } else { ((1.0 - p).powf(-k) - 1.0) / k };
        (0..n).map(|i| quantile((i as f64 + 0.5) / n as f64)).collect()
    }

    #[test]
    fn the_shape_of_known_tails_is_found() {
        for k in [-0.5, 0.0, 0.3, 0.7, 1.0] {
            let found = pareto_shape(&pareto(k, 4000));
            // The prior moves it by 10/4010 (1/2 - k); the midpoints cut the tail beyond the last of them.
            assert!((found - k).abs() < 0.03, "{found} for {k}");
        }
    }

    #[test]
    fn weights_with_a_power_law_have_its_shape() {
        let (noise, n, k) = (&mut Noise::new(1, "weights"), 10_000, 0.8);
        let log_weights: Vec<f64> = (0..n).map(|_| -k * noise.next_uniform().ln()).collect();
        let shape = tail_shape(&log_weights).unwrap();
        // 300 of the largest: the error of the shape is (1 + k)/√300 (Smith 1987).
        assert!((shape - k).abs() < 4.0 * (1.0 + k) / 300f64.sqrt(), "{shape}");
        assert!(WeightSpread::of(&log_weights).unreliable().is_some());
    }

    #[test]
    fn equal_weights_and_few_different_ones_have_no_tail() {
        assert_eq!(tail_shape(&[2.0; 1000]), None);
        let two: Vec<f64> = (0..1000).map(|i| f64::from(i % 2)).collect();
        assert_eq!(tail_shape(&two), None);
        assert_eq!(WeightSpread::of(&two).unreliable(), None);
        assert_eq!(tail_shape(&[0.0, 1.0, 2.0, 3.0]), None);
    }

    #[test]
    fn one_weight_that_counts_is_no_mean() {
        let mut log_weights = vec![0.0; 200];
        log_weights[7] = 9.0;
        let spread = WeightSpread::of(&log_weights);
        assert!(spread.largest_weight > 0.97 && spread.effective_samples < 1.1, "{spread:?}");
        assert!(spread.unreliable().unwrap().contains("1.0 effective samples of 200"));
        assert!(WeightSpread::of(&[0.0, f64::NAN]).unreliable().is_some());
    }

    /// Log-normal weights `exp(σ z - σ²/2)` have the mean 1. Estimates of its logarithm that are not marked lie within 4 errors
    /// of 0, for all numbers of samples that programs use; hardly any is marked for narrow weights, and nearly all are for
    /// wide ones.
    #[test]
    fn estimates_that_are_not_marked_keep_their_error() {
        let (noise, runs) = (&mut Noise::new(2, "weights"), 400);
        for n in [20, 100, 2000] {
            let (mut kept, mut covered) = (0, 0);
            for sigma in [0.3, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0] {
                let mut kept_here = 0;
                for _ in 0..runs {
                    let mut normal = vec![0.0; n];
                    noise.fill_normal_f64(&mut normal);
                    let weights: Vec<f64> = normal.iter().map(|z| sigma * (z - 0.5 * sigma)).collect();
                    let estimate = log_mean_exp_estimate(&weights);
                    if estimate.unreliable.is_none() {
                        kept_here += 1;
                        covered += usize::from(estimate.value.abs() < 4.0 * estimate.std_err);
                    }
                }
                let part = f64::from(kept_here) / f64::from(runs);
                assert!(part > 0.9 || sigma > 0.5, "{part} of {n} weights with σ = {sigma} are kept");
                assert!(part < 0.05 || sigma < 3.0, "{part} of {n} weights with σ = {sigma} are kept");
                kept += kept_here;
            }
            assert!(covered as f64 > 0.97 * f64::from(kept), "{n}: {covered} of {kept}");
        }
    }
}
