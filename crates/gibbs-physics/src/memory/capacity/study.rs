//! The critical load of Hebb's rule from crossings of networks of several sizes.

use gibbs_backend::Noise;
use gibbs_core::{Estimate, Kind};

use super::{
    Extrapolation, RetrievalConfig, RetrievalCurve, critical_load, crossing, extrapolate_over,
    retrieval_curve,
};
use crate::{
    PhysicsError,
    memory::{DenseMemory, Interaction},
};

/// Loads around the crossing. Its fits use these alone, as a logistic curve is a good shape only there.
const NEAR: [f64; 7] = [0.120, 0.126, 0.132, 0.138, 0.144, 0.150, 0.156];
/// Loads that show the rest of the curves.
const BELOW: [f64; 2] = [0.06, 0.09];
const ABOVE: [f64; 5] = [0.165, 0.18, 0.2, 0.225, 0.25];

/// Number of networks near the crossing for one network elsewhere; recalls that fail take ten times as long.
const FEWER: usize = 5;

/// Exponents of `n` that are tried for the excess of the half-retrieved loads, in hundredths: 0.2 to 1.5.
const EXPONENTS: std::ops::RangeInclusive<usize> = 20..=150;

/// Steps after which a recall is stopped; Hebb's rule needs at most about a hundred at these sizes.
const MAX_STEPS: usize = 1000;

/// How many random patterns Hebb's rule stores, measured in networks of several sizes.
#[derive(Clone, Debug)]
pub struct CapacityStudy {
    /// Retrieval in networks of ascending sizes.
    pub curves: Vec<RetrievalCurve>,
    /// Crossing of each two neighboring sizes, for each of [`THRESHOLDS`](Self::THRESHOLDS).
    pub crossings: Vec<Vec<Estimate>>,
    /// The load at which half of the patterns are retrieved, for each size.
    pub half: Vec<Estimate>,
    /// The limit of these loads, if there are enough of them.
    pub limit: Option<Extrapolation>,
}

impl CapacityStudy {
    /// The critical load of the replica-symmetric theory (Amit, Gutfreund & Sompolinsky 1985).
    pub const THEORY: f64 = 0.138;

    /// Overlaps above which a pattern counts as retrieved. They lie inside the gap of the jump, from 0.35 to 0.97, where the
    /// choice does not matter in the limit. Its effect in a finite network is the systematic error.
    pub const THRESHOLDS: [f64; 3] = [0.7, 0.8, 0.9];
    /// The threshold of the half-retrieved loads.
    pub const THRESHOLD: f64 = 0.8;

    /// The range of loads around the crossing.
    pub const NEAR: [f64; 2] = [NEAR[0], NEAR[NEAR.len() - 1]];

    /// Number of loads of a curve.
    pub const N_LOADS: usize = NEAR.len() + BELOW.len() + ABOVE.len();

    /// Retrieval in `instances` networks of `n_spins` at each load, in ascending order; a fifth of them away from the crossing.
    /// The quadratic dense memory is Hebb's rule without its matrix.
    ///
    /// # Errors
    /// If there are no spins or fewer than 2 instances.
    pub fn curve(n_spins: usize, instances: usize, noise: &Noise) -> Result<RetrievalCurve, PhysicsError> {
        let hebb = |patterns: &[Vec<i8>]| DenseMemory::new(patterns, Interaction::Power(2));
        let measure = |loads: &[f64], instances: usize| {
            let config = RetrievalConfig { n_spins, loads: loads.to_vec(), instances, max_steps: MAX_STEPS };
            retrieval_curve(&config, hebb, noise)
        };
        let few = (instances / FEWER).max(2);
        let parts = [measure(&BELOW, few)?, measure(&NEAR, instances)?, measure(&ABOVE, few)?];
        Ok(RetrievalCurve { n_spins, points: parts.into_iter().flat_map(|part| part.points).collect() })
    }

    /// The part of a curve around the crossing.
    pub fn near(curve: &RetrievalCurve) -> RetrievalCurve {
        let points = &curve.points[BELOW.len()..BELOW.len() + NEAR.len()];
        RetrievalCurve { n_spins: curve.n_spins, points: points.to_vec() }
    }

    /// Fits curves of at least two sizes, each from [`curve`](Self::curve).
    ///
    /// # Errors
    /// If neighboring sizes do not cross, or retrieval is not lost within the loads.
    pub fn new(curves: Vec<RetrievalCurve>) -> Result<Self, PhysicsError> {
        let cross = |pair: &[RetrievalCurve]| {
            let [small, large] = [0, 1].map(|k| Self::near(&pair[k]));
            Self::THRESHOLDS.iter().map(|threshold| crossing(&small, &large, *threshold)).collect()
        };
        let crossings = curves.windows(2).map(cross).collect::<Result<_, PhysicsError>>()?;
        let half: Vec<Estimate> =
            curves.iter().map(|curve| critical_load(curve, Self::THRESHOLD)).collect::<Result<_, _>>()?;
        let sizes = curves.iter().map(|curve| curve.n_spins);
        let points: Vec<(usize, Estimate)> = sizes.zip(half.iter().cloned()).collect();
        let exponents: Vec<f64> = EXPONENTS.map(|x| 0.01 * x as f64).collect();
        let limit = extrapolate_over(&points, &exponents).ok();
        Ok(Self { curves, crossings, half, limit })
    }

    /// The critical load, with its statistical and its systematic error: the middle of the crossings of the two largest sizes
    /// over the thresholds, the largest of their errors, and half of their range.
    pub fn critical(&self) -> (Estimate, f64, f64) {
        let last = &self.crossings[self.crossings.len() - 1];
        let fold = |f: fn(f64, f64) -> f64, start: f64| last.iter().map(|c| c.value).fold(start, f);
        let (low, high) = (fold(f64::min, f64::INFINITY), fold(f64::max, f64::NEG_INFINITY));
        let statistical = last.iter().map(|c| c.std_err).fold(0.0, f64::max);
        let systematic = 0.5 * (high - low);
        let (samples, std_err) = (last[0].samples.unwrap_or(0), statistical.hypot(systematic));
        let critical = Estimate::sampled(0.5 * (low + high), std_err, Kind::Asymptotic, samples);
        (critical, statistical, systematic)
    }
}
