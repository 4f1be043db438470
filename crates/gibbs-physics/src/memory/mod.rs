//! Associative memory: patterns of ±1 are stored in the couplings of spins, and a corrupted one is completed by the
//! dynamics of the spins.
//!
//! | part | what it is |
//! | --- | --- |
//! | [`hopfield`](crate::hopfield), [`pseudo_inverse`], [`storkey`] | couplings, a [`Pairwise`](crate::Pairwise) |
//! | [`SpinDynamics`] | asynchronous and synchronous recall, at temperature zero and above |
//! | [`DenseMemory`] | energies that grow faster than the square of the overlaps |
//! | [`ContinuousMemory`] | continuous states, whose update is attention |
//! | [`recall`] | runs any dynamics of spins to a fixed point, with the energy along the way |
//! | [`AssociativeMemory`] | any of these by its settings ([`MemoryConfig`]), with its recall |
//! | [`retrieval_curve`], [`crossing`], [`critical_load`], [`extrapolate_over`] | how many patterns can be stored |
//!
//! ```
//! use gibbs_backend::Noise;
//! use gibbs_physics::{hopfield, memory};
//!
//! let mut noise = Noise::new(1, "memory");
//! let patterns = memory::random_patterns(100, 4, &mut noise);
//! let mut start = patterns[0].clone();
//! start[..20].fill(1); // one fifth is lost
//! let dynamics = memory::SpinDynamics::new(hopfield(&patterns)?, memory::Updates::Asynchronous);
//! let recalled = memory::recall(&dynamics, start, 20, &mut noise);
//! assert_eq!(recalled.end, memory::End::FixedPoint);
//! assert_eq!(recalled.last(), patterns[0]);
//! # Ok::<(), gibbs_physics::PhysicsError>(())
//! ```

use gibbs_backend::Noise;

use crate::{error::PhysicsError, spins::fair_spins};

mod associative;
mod capacity;
mod continuous;
mod dense;
mod dynamics;
mod recall;
mod rules;
#[cfg(test)]
mod tests;

pub use associative::{
    AssociativeMemory, MemoryConfig, MemoryKind, MemoryWeights, RecallConfig, RecallPath, flipped,
    random_states, similarity,
};
pub use capacity::{
    CapacityStudy, Extrapolation, LoadPoint, RetrievalConfig, RetrievalCurve, critical_load, crossing,
    extrapolate, extrapolate_over, retrieval_curve,
};
pub use continuous::ContinuousMemory;
pub use dense::{DenseMemory, Interaction};
pub use dynamics::{SpinDynamics, Updates};
pub use recall::{Dynamics, End, Trajectory, recall, recall_in_parts};
pub use rules::{orthonormal_basis, pseudo_inverse, storkey};

/// `p` patterns of `n` independent entries, ±1 with probability 1/2 each.
pub fn random_patterns(n: usize, p: usize, noise: &mut Noise) -> Vec<Vec<i8>> {
    (0..p).map(|_| fair_spins(n, noise)).collect()
}

/// `m = (1/n) Σ_i ξ_i s_i`, in `[-1, 1]`: 1 for equal configurations, 0 on average for unrelated ones.
///
/// # Panics
/// If the sizes differ.
pub fn overlap(xi: &[i8], s: &[i8]) -> f64 {
    assert_eq!(xi.len(), s.len(), "configurations of one size");
    let product: i32 = xi.iter().zip(s).map(|(a, b)| i32::from(a * b)).sum();
    f64::from(product) / s.len() as f64
}

/// The common size of patterns of ±1.
pub(crate) fn pattern_size(patterns: &[Vec<i8>]) -> Result<usize, PhysicsError> {
    let n = patterns.first().ok_or(PhysicsError::NoPatterns)?.len();
    if n == 0 {
        return Err(PhysicsError::NoSpins);
    }
    for (pattern, xi) in patterns.iter().enumerate() {
        if xi.len() != n {
            return Err(PhysicsError::Invalid(format!(
                "pattern {pattern} has {length} entries but pattern 0 has {n}",
                length = xi.len()
            )));
        }
        if let Some(entry) = xi.iter().position(|x| x.abs_diff(0) != 1) {
            return Err(PhysicsError::Invalid(format!(
                "entry {entry} of pattern {pattern} is {value}; patterns are made of -1 and +1",
                value = xi[entry]
            )));
        }
    }
    Ok(n)
}
