//! Where retrieval is lost, from the fraction of patterns that are retrieved at each load.

use gibbs_core::{Estimate, Kind};

use super::RetrievalCurve;
use crate::PhysicsError;

/// The load at which half of the patterns have an overlap above `threshold`, `α_c(n)`, with its standard error.
///
/// Logistic regression of the counts: `k_α ~ Binomial(instances, 1 / (1 + exp(-a - b α)))` by maximum likelihood
/// (Newton), `α_c = -a/b`, and its error from the Fisher information by the delta method. The logistic curve is only a
/// shape: loads should surround the loss closely.
///
/// # Errors
/// If the fitted loss of retrieval is not within the loads measured, or so sharp that no load saw both outcomes.
pub fn critical_load(curve: &RetrievalCurve, threshold: f64) -> Result<Estimate, PhysicsError> {
    let none = not_lost(curve);
    let range = LoadRange::of([curve]);
    let fit = LogOdds::fit(curve, threshold, &range).ok_or(none.clone())?;
    let root = -fit.intercept / fit.slope;
    match fit.slope < 0.0 && root.abs() <= 1.0 {
        true => Ok(range.estimate(root, fit.variance(root) / fit.slope.powi(2), fit.trials)),
        false => Err(none),
    }
}

/// The load above which the larger of two networks retrieves less, with its standard error: where their logistic curves,
/// each fitted as for [`critical_load`], cross. Loads should surround it closely.
///
/// # Errors
/// If a curve has no load that saw both outcomes, the larger network does not lose retrieval faster, or the curves do not
/// cross within the loads measured.
pub fn crossing(
    small: &RetrievalCurve,
    large: &RetrievalCurve,
    threshold: f64,
) -> Result<Estimate, PhysicsError> {
    let none = PhysicsError::NoSolution(format!(
        "no crossing of {} and {} spins: take sizes farther apart, larger ones, or more instances",
        small.n_spins, large.n_spins
    ));
    let range = LoadRange::of([small, large]);
    let fit = |curve| LogOdds::fit(curve, threshold, &range).ok_or(none.clone());
    let (first, second) = (fit(small)?, fit(large)?);
    let slope = second.slope - first.slope;
    let root = (first.intercept - second.intercept) / slope;
    let variance = (first.variance(root) + second.variance(root)) / slope.powi(2);
    match slope < 0.0 && root.abs() <= 1.0 {
        true => Ok(range.estimate(root, variance, first.trials + second.trials)),
        false => Err(none),
    }
}

fn not_lost(curve: &RetrievalCurve) -> PhysicsError {
    PhysicsError::NoSolution(format!(
        "{} spins: retrieval is not lost within the loads measured, or between two of them; measure more loads around \
         the loss",
        curve.n_spins
    ))
}

/// The loads of some curves, as an affine image of `[-1, 1]`: fits in that variable are well conditioned.
struct LoadRange {
    center: f64,
    half_width: f64,
}

impl LoadRange {
    fn of<const N: usize>(curves: [&RetrievalCurve; N]) -> Self {
        let loads = curves.into_iter().flat_map(|curve| curve.points.iter().map(|point| point.load));
        let (lowest, highest) =
            loads.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
        Self { center: 0.5 * (lowest + highest), half_width: 0.5 * (highest - lowest) }
    }

    fn estimate(&self, x: f64, variance: f64, samples: usize) -> Estimate {
        let (value, std_err) = (self.center + self.half_width * x, self.half_width * variance.sqrt());
        Estimate::sampled(value, std_err, Kind::Asymptotic, samples)
    }
}

/// Log-odds of retrieval `intercept + slope · x`, fitted by maximum likelihood.
struct LogOdds {
    intercept: f64,
    slope: f64,
    /// Covariances: intercept with itself, with the slope, slope with itself.
    covariance: [f64; 3],
    trials: usize,
}

impl LogOdds {
    /// `None` if no load saw both outcomes, or Newton's method does not converge.
    fn fit(curve: &RetrievalCurve, threshold: f64, range: &LoadRange) -> Option<Self> {
        let counts: Vec<(f64, f64, f64)> = curve
            .points
            .iter()
            .map(|point| {
                let successes = point.overlaps.iter().filter(|m| **m > threshold).count();
                let x = (point.load - range.center) / range.half_width;
                (x, point.overlaps.len() as f64, successes as f64)
            })
            .collect();
        let is_mixed = |(_, trials, k): &(f64, f64, f64)| *k > 0.0 && k < trials;
        if range.half_width <= 0.0 || !counts.iter().any(is_mixed) {
            return None;
        }
        let (mut a, mut b) = (0.0, 0.0);
        for _ in 0..50 {
            let (mut score, mut fisher) = ([0.0; 2], [0.0; 3]);
            for (x, trials, successes) in &counts {
                let p = 1.0 / (1.0 + f64::exp(-a - b * x));
                let (rest, weight) = (successes - trials * p, trials * p * (1.0 - p));
                score = [score[0] + rest, score[1] + rest * x];
                fisher = [fisher[0] + weight, fisher[1] + weight * x, fisher[2] + weight * x * x];
            }
            let determinant = fisher[0] * fisher[2] - fisher[1] * fisher[1];
            let covariance = [fisher[2], -fisher[1], fisher[0]].map(|entry| entry / determinant);
            let step_a = covariance[0] * score[0] + covariance[1] * score[1];
            let step_b = covariance[1] * score[0] + covariance[2] * score[1];
            (a, b) = (a + step_a, b + step_b);
            if step_a.abs().max(step_b.abs()) < 1e-9 * (1.0 + a.abs().max(b.abs())) {
                let trials = curve.points.iter().map(|point| point.overlaps.len()).sum();
                return Some(Self { intercept: a, slope: b, covariance, trials });
            }
        }
        None
    }

    /// Variance of the log-odds at `x`.
    fn variance(&self, x: f64) -> f64 {
        let [aa, ab, bb] = self.covariance;
        aa + 2.0 * x * ab + x * x * bb
    }
}
