//! How many patterns a network can store.
//!
//! ```text
//! m = (1/n) Σ_i ξ_i s_i      overlap of a stored pattern ξ with the state s that recall from ξ itself ends in
//! α = p/n                    load
//! ```
//!
//! With Hebb's rule and `n → ∞`, `m` is near 1 up to `α_c` and jumps there, from about 0.97 to the remanence of about
//! 0.35: the network forgets everything at once. The mean-field theory has `α_c ≈ 0.138`. A finite network smears the
//! jump, so its critical load is where half of the patterns are still retrieved.
//!
//! Finite networks hold much more, and the excess vanishes slowly with `n`, by a power that is not known beforehand: the
//! limit hangs on it, so it is fitted along ([`extrapolate_over`]).
//!
//! References: Amit, Gutfreund & Sompolinsky, Phys. Rev. Lett. 55:1530 (1985), doi:10.1103/PhysRevLett.55.1530; Ann.
//! Phys. 173:30 (1987), doi:10.1016/0003-4916(87)90092-3.

use gibbs_backend::Noise;
use gibbs_core::{Estimate, Kind};
use rayon::prelude::*;

use super::{Dynamics, overlap, random_patterns, recall};
use crate::PhysicsError;

/// What [`retrieval_curve`] measures.
#[derive(Clone, Debug, PartialEq)]
pub struct RetrievalConfig {
    /// Number of spins `n`.
    pub n_spins: usize,
    /// Loads `α`; the number of patterns is `α n`, rounded, at least 1.
    pub loads: Vec<f64>,
    /// Independent networks for each load, at least 2. In each one pattern is recalled.
    pub instances: usize,
    /// A pattern with an overlap above this counts as retrieved. 0.9 lies in the gap of the jump of Hebb's rule.
    pub threshold: f64,
    /// Steps after which a recall is stopped.
    pub max_steps: usize,
}

/// Retrieval at one load.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadPoint {
    /// Number of patterns `p`.
    pub patterns: usize,
    /// `α = p/n`.
    pub load: f64,
    /// Mean of `m`.
    pub overlap: Estimate,
    /// Fraction of the recalls with `m` above the threshold.
    pub retrieved: Estimate,
}

/// Retrieval at several loads.
#[derive(Clone, Debug, PartialEq)]
pub struct RetrievalCurve {
    /// Number of spins.
    pub n_spins: usize,
    /// In the order of the loads asked for.
    pub points: Vec<LoadPoint>,
}

/// Measures retrieval of random patterns in networks that `store` builds from them, over all threads.
///
/// Instance `k` with `p` patterns draws from the stream `p/k` below that of `noise`, so the result depends neither on
/// the number of threads nor on the other loads. For Hebb's rule, [`DenseMemory`](super::DenseMemory) with
/// `Power(2)` is the same network at the cost of `n p` a step, without the matrix.
///
/// # Errors
/// If there are no spins or fewer than 2 instances, a load is not positive and finite, the threshold is not inside
/// `(-1, 1)`, or `store` fails.
pub fn retrieval_curve<D: Dynamics>(
    config: &RetrievalConfig,
    store: impl Fn(&[Vec<i8>]) -> Result<D, PhysicsError> + Sync,
    noise: &Noise,
) -> Result<RetrievalCurve, PhysicsError> {
    let RetrievalConfig { n_spins, instances, threshold, max_steps, .. } = *config;
    config.validate()?;
    let measure = |p: usize, instance: usize| {
        let mut noise = noise.child(format!("{p}/{instance}"));
        let patterns = random_patterns(n_spins, p, &mut noise);
        let end = recall(&store(&patterns)?, patterns[0].clone(), max_steps, &mut noise);
        Ok(overlap(&patterns[0], end.last()))
    };
    let point = |load: f64| {
        let p = (load * n_spins as f64).round().max(1.0) as usize;
        let overlaps =
            (0..instances).into_par_iter().map(|k| measure(p, k)).collect::<Result<Vec<f64>, _>>()?;
        let retrieved: Vec<f64> = overlaps.iter().map(|m| f64::from(u8::from(*m > threshold))).collect();
        Ok(LoadPoint {
            patterns: p,
            load: p as f64 / n_spins as f64,
            overlap: Estimate::mean(&overlaps),
            retrieved: Estimate::mean(&retrieved),
        })
    };
    Ok(RetrievalCurve {
        n_spins,
        points: config.loads.iter().map(|load| point(*load)).collect::<Result<_, _>>()?,
    })
}

impl RetrievalConfig {
    fn validate(&self) -> Result<(), PhysicsError> {
        let range = |name, value, must| Err(PhysicsError::Range { name, value, must });
        if self.n_spins == 0 {
            return Err(PhysicsError::NoSpins);
        }
        if self.instances < 2 {
            return range("instances", self.instances as f64, "at least 2");
        }
        if !(self.threshold > -1.0 && self.threshold < 1.0) {
            return range("threshold", self.threshold, "above -1 and below 1");
        }
        match self.loads.iter().find(|load| !(load.is_finite() && **load > 0.0)) {
            Some(load) => range("load", *load, "finite and above 0"),
            None => Ok(()),
        }
    }
}

/// The load at which half of the patterns are retrieved, `α_c(n)`, with its standard error.
///
/// Logistic regression of the counts: `k_α ~ Binomial(instances, 1 / (1 + exp(-a - b α)))` by maximum likelihood
/// (Newton), `α_c = -a/b`, and its error from the Fisher information by the delta method. The logistic curve is only a
/// shape: loads should surround the loss closely.
///
/// # Errors
/// If the fitted loss of retrieval is not within the loads measured, or so sharp that no load saw both outcomes.
pub fn critical_load(curve: &RetrievalCurve) -> Result<Estimate, PhysicsError> {
    let none = PhysicsError::NoCrossing { n_spins: curve.n_spins };
    let loads = || curve.points.iter().map(|point| point.load);
    let (lowest, highest) =
        loads().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
    let (center, width) = (0.5 * (lowest + highest), 0.5 * (highest - lowest));
    let counts: Vec<(f64, f64, f64)> = curve
        .points
        .iter()
        .map(|point| {
            let trials = point.retrieved.samples.unwrap_or(0) as f64;
            ((point.load - center) / width, trials, trials * point.retrieved.value)
        })
        .collect();
    if width <= 0.0 || !counts.iter().any(|(_, trials, k)| *k > 0.0 && k < trials) {
        return Err(none);
    }
    let (a, b, covariance) = logistic_fit(&counts).ok_or(none.clone())?;
    let root = -a / b;
    if !(b < 0.0 && root.abs() <= 1.0) {
        return Err(none);
    }
    let [aa, ab, bb] = covariance;
    let variance = (aa + 2.0 * root * ab + root * root * bb) / (b * b);
    let instances = counts.iter().map(|(_, trials, _)| *trials as usize).sum();
    Ok(Estimate::sampled(center + width * root, width * variance.sqrt(), Kind::Asymptotic, instances))
}

/// Maximum-likelihood `a`, `b` of the log-odds `a + b x` given `(x, trials, successes)`, and the covariances `aa`,
/// `ab`, `bb`. `None` if Newton's method does not converge.
fn logistic_fit(counts: &[(f64, f64, f64)]) -> Option<(f64, f64, [f64; 3])> {
    let (mut a, mut b) = (0.0, 0.0);
    for _ in 0..50 {
        let (mut score, mut fisher) = ([0.0; 2], [0.0; 3]);
        for (x, trials, successes) in counts {
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
            return Some((a, b, covariance));
        }
    }
    None
}

/// The limit of critical loads for `n → ∞`.
#[derive(Clone, Debug, PartialEq)]
pub struct Extrapolation {
    /// `α_c`, with the standard error that follows from those of the sizes.
    pub limit: Estimate,
    /// `c`, the coefficient of `n^-x`.
    pub slope: f64,
    /// `x`.
    pub exponent: f64,
    /// Squared deviations from the fit in units of the standard errors. About [`freedom`](Self::freedom) if the
    /// sizes follow the law; much more says that the limit and its error are not to be trusted.
    pub chi_squared: f64,
    /// Number of critical loads less that of fitted numbers.
    pub freedom: usize,
}

/// `α_c` for `n → ∞` from critical loads of finite networks `(n, α_c(n))`: the weighted least-squares fit of
/// `α_c(n) = α_c + c n^-x` for a given `exponent` `x`; `x = 1` is the extrapolation in `1/n`.
///
/// The error knows nothing of further terms, nor of what separates a dynamics from the equilibrium theory.
///
/// # Errors
/// If there are fewer than two different sizes, or a standard error or the exponent is not positive and finite.
pub fn extrapolate(critical: &[(usize, Estimate)], exponent: f64) -> Result<Extrapolation, PhysicsError> {
    let mut sizes: Vec<usize> = critical.iter().map(|(n, _)| *n).collect();
    sizes.sort_unstable();
    sizes.dedup();
    if sizes.len() < 2 {
        return Err(PhysicsError::TooFewSizes { sizes: sizes.len() });
    }
    let errors = critical.iter().map(|(_, estimate)| ("standard error", estimate.std_err));
    for (name, value) in errors.chain([("exponent", exponent)]) {
        if !(value.is_finite() && value > 0.0) {
            return Err(PhysicsError::Range { name, value, must: "finite and above 0" });
        }
    }
    let rows: Vec<[f64; 3]> = critical
        .iter()
        .map(|(n, estimate)| [estimate.std_err.powi(-2), (*n as f64).powf(-exponent), estimate.value])
        .collect();
    let sum = |term: fn(f64, f64) -> f64| rows.iter().map(|[w, x, y]| w * term(*x, *y)).sum::<f64>();
    let [w, x, xx, y, xy] =
        [sum(|_, _| 1.0), sum(|x, _| x), sum(|x, _| x * x), sum(|_, y| y), sum(|x, y| x * y)];
    let determinant = w * xx - x * x;
    let (value, slope) = ((xx * y - x * xy) / determinant, (w * xy - x * y) / determinant);
    let samples = critical.iter().filter_map(|(_, estimate)| estimate.samples).sum();
    Ok(Extrapolation {
        limit: Estimate::sampled(value, (xx / determinant).sqrt(), Kind::Asymptotic, samples),
        slope,
        exponent,
        chi_squared: rows.iter().map(|[w, x, y]| w * (y - value - slope * x).powi(2)).sum(),
        freedom: critical.len() - 2,
    })
}

/// [`extrapolate`] when the exponent is not known: the best of `exponents`, with an error that covers those that fit
/// nearly as well.
///
/// The error is the farther end of the interval of limits, over all exponents, whose `χ²` is at most that of the best
/// fit plus `s = max(1, χ²/(sizes - 3))`, the profile likelihood with standard errors scaled to the misfit. It is a
/// lower bound if the best exponent is the first or last.
///
/// # Errors
/// If there are no exponents or fewer than four critical loads, and as [`extrapolate`].
pub fn extrapolate_over(
    critical: &[(usize, Estimate)],
    exponents: &[f64],
) -> Result<Extrapolation, PhysicsError> {
    let fits = exponents.iter().map(|x| extrapolate(critical, *x)).collect::<Result<Vec<_>, _>>()?;
    let freedom = critical.len().saturating_sub(3);
    let best = fits.iter().min_by(|a, b| a.chi_squared.total_cmp(&b.chi_squared));
    let (Some(best), 1..) = (best, freedom) else {
        return Err(PhysicsError::TooFewPoints { loads: critical.len(), exponents: exponents.len() });
    };
    let allowed = best.chi_squared + f64::max(1.0, best.chi_squared / freedom as f64);
    let reach = |fit: &Extrapolation| {
        let own = fit.limit.std_err * (allowed - fit.chi_squared).sqrt();
        (fit.limit.value - best.limit.value).abs() + own
    };
    let std_err = fits.iter().filter(|fit| fit.chi_squared <= allowed).map(reach).fold(0.0, f64::max);
    Ok(Extrapolation { limit: Estimate { std_err, ..best.limit.clone() }, freedom, ..best.clone() })
}
