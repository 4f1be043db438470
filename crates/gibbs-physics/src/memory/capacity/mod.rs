//! How many patterns a network can store.
//!
//! ```text
//! m = (1/n) Σ_i ξ_i s_i      overlap of a stored pattern ξ with the state s that recall from ξ itself ends in
//! α = p/n                    load
//! ```
//!
//! With Hebb's rule and `n → ∞`, `m` is near 1 up to `α_c` and jumps there, from about 0.97 to the remanence of about
//! 0.35: the network forgets all patterns at once. The mean-field theory has `α_c ≈ 0.138`. A finite network smears the
//! jump: a pattern with `m` above a threshold inside the gap counts as retrieved, and the fraction retrieved falls from 1
//! to 0, the steeper the larger the network.
//!
//! - Curves of two sizes [cross](crossing) near `α_c`: below it the fraction rises with `n`, and above it the fraction falls.
//! - The load at which [half](critical_load) of the patterns are retrieved lies far above `α_c` in networks of any size
//!   that can be computed. The excess vanishes as a power of `n`. The limit depends on this unknown power, so
//!   both are fitted together ([`extrapolate_over`]).
//!
//! References: Amit, Gutfreund & Sompolinsky, Phys. Rev. Lett. 55:1530 (1985), doi:10.1103/PhysRevLett.55.1530; Ann.
//! Phys. 173:30 (1987), doi:10.1016/0003-4916(87)90092-3. Crossings of finite systems: Binder, Z. Phys. B 43:119 (1981),
//! doi:10.1007/BF01293604.

mod extrapolation;
mod loss;
mod study;

use gibbs_backend::Noise;
use gibbs_backend::parallel::*;
use gibbs_core::{ConfigError, Estimate};

pub use extrapolation::{Extrapolation, extrapolate, extrapolate_over};
pub use loss::{critical_load, crossing};
pub use study::CapacityStudy;

use super::{Dynamics, overlap, random_patterns, recall};
use crate::error::{PhysicsError, positive};

/// Settings of [`retrieval_curve`].
#[derive(Clone, Debug, PartialEq)]
pub struct RetrievalConfig {
    /// Number of spins `n`.
    pub n_spins: usize,
    /// Loads `α`; the number of patterns is `α n`, rounded, at least 1.
    pub loads: Vec<f64>,
    /// Independent networks for each load, at least 2. In each one pattern is recalled.
    pub instances: usize,
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
    /// `m` of each recall.
    pub overlaps: Vec<f64>,
}

impl LoadPoint {
    /// Mean of `m`.
    pub fn overlap(&self) -> Estimate {
        Estimate::mean(&self.overlaps)
    }

    /// Fraction of the recalls with `m` above `threshold`.
    pub fn retrieved(&self, threshold: f64) -> Estimate {
        let retrieved: Vec<f64> = self.overlaps.iter().map(|m| f64::from(u8::from(*m > threshold))).collect();
        Estimate::mean(&retrieved)
    }
}

/// Retrieval at several loads.
#[derive(Clone, Debug, PartialEq)]
pub struct RetrievalCurve {
    /// Number of spins.
    pub n_spins: usize,
    /// In the order of the loads.
    pub points: Vec<LoadPoint>,
}

/// Measures retrieval of random patterns in networks that `store` builds from them, over all threads.
///
/// Instance `k` with `p` patterns uses the child `p/k` of `noise`, so the result depends neither on the number of threads nor on
/// the other loads. For Hebb's rule, [`DenseMemory`](super::DenseMemory) with
/// `Power(2)` is the same network at the cost of `n p` a step, without the matrix.
///
/// # Errors
/// If there are no spins or fewer than 2 instances, a load is not positive and finite, or `store` fails.
pub fn retrieval_curve<D: Dynamics>(
    config: &RetrievalConfig,
    store: impl Fn(&[Vec<i8>]) -> Result<D, PhysicsError> + Sync,
    noise: &Noise,
) -> Result<RetrievalCurve, PhysicsError> {
    let RetrievalConfig { n_spins, instances, max_steps, .. } = *config;
    config.validate()?;
    let measure = |p: usize, instance: usize| {
        let mut noise = noise.child(format!("{p}/{instance}"));
        let patterns = random_patterns(n_spins, p, &mut noise);
        let end = recall(&store(&patterns)?, patterns[0].clone(), max_steps, &mut noise);
        Ok::<_, PhysicsError>(overlap(&patterns[0], end.last()))
    };
    let point = |load: f64| {
        let p = (load * n_spins as f64).round().max(1.0) as usize;
        let overlaps = (0..instances).into_par_iter().map(|k| measure(p, k)).collect::<Result<_, _>>()?;
        Ok::<_, PhysicsError>(LoadPoint { patterns: p, load: p as f64 / n_spins as f64, overlaps })
    };
    Ok(RetrievalCurve {
        n_spins,
        points: config.loads.iter().map(|load| point(*load)).collect::<Result<_, _>>()?,
    })
}

impl RetrievalConfig {
    fn validate(&self) -> Result<(), PhysicsError> {
        if self.n_spins == 0 {
            return Err(PhysicsError::NoSpins);
        }
        ConfigError::at_least("instances", self.instances, 2)?;
        self.loads.iter().try_for_each(|load| positive("load", *load).map(|_| ()))?;
        Ok(())
    }
}
