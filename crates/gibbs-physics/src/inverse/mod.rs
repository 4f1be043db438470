//! The inverse Ising problem: couplings from samples.
//!
//! ```text
//! p(s) = exp(Σ_{i<j} J_ij s_i s_j + Σ_i h_i s_i) / Z,   ∂ ⟨ln p⟩_data / ∂J_ij = ⟨s_i s_j⟩_data - ⟨s_i s_j⟩_model
//! ```
//!
//! and likewise for `h_i` with `⟨s_i⟩`. The estimate is a [`Pairwise`] at `β = 1`: its couplings contain the temperature.
//!
//! | method | reads | cost |
//! |---|---|---|
//! | [`MaximumLikelihood`] | moments | some hundred enumerations, up to [`MAX_SPINS`](crate::exact::MAX_SPINS) spins |
//! | [`PersistentChains`] | moments | steps × chains × n², any size |
//! | [`PseudoLikelihood`] | samples | some 10 × n³ × different samples |
//! | [`independent_pairs`] | moments | n² |
//! | [`mean_field`], [`tap`], [`bethe`] | moments | n³ |
//!
//! The likelihoods are concave. [`IterativeEstimator`]s increase them step by step. [`InverseEstimator`] runs any method by its
//! settings. [`Samples`] merges equal configurations and computes [`Moments`]. [`coupling_error`] and [`field_error`] compare
//! with a known truth.
//!
//! Reference: Nguyen, Zecchina & Berg, "Inverse statistical problems: from the inverse Ising problem to data science", Adv.
//! Phys. 66:197 (2017), doi:10.1080/00018732.2017.1341604.

mod centered;
mod chains;
mod closed;
mod deviation;
mod estimator;
mod likelihood;
mod moments;
mod pair;
mod pseudo_likelihood;
mod samples;

#[cfg(test)]
mod tests;

pub use chains::{ChainsConfig, ChainsState, PersistentChains};
pub use closed::{bethe, independent_pairs, mean_field, tap};
pub use deviation::{Deviation, coupling_error, field_error};
pub use estimator::{InverseConfig, InverseEstimator, InverseMethod};
pub use likelihood::MaximumLikelihood;
pub use moments::Moments;
pub use pseudo_likelihood::{PseudoLikelihood, pseudo_log_likelihood};
pub use samples::Samples;

use crate::{Pairwise, PhysicsError};

/// A method that approaches its estimate step by step.
pub trait IterativeEstimator {
    /// Takes one step. Returns a norm of the gradient, in units where 1 is a completely wrong estimate; 0 at the maximum.
    ///
    /// # Errors
    /// If the samples allow no finite estimate.
    fn step(&mut self) -> Result<f64, PhysicsError>;

    /// The current estimate.
    ///
    /// # Errors
    /// If they are not finite.
    fn couplings(&self) -> Result<Pairwise, PhysicsError>;

    /// Steps until the gradient is below `tolerance`, `max_steps` at most.
    ///
    /// # Errors
    /// Those of a step.
    fn run(&mut self, tolerance: f64, max_steps: usize) -> Result<Stopped, PhysicsError> {
        let mut stopped = Stopped { steps: 0, gradient: f64::INFINITY };
        while stopped.steps < max_steps && stopped.gradient > tolerance {
            stopped = Stopped { steps: stopped.steps + 1, gradient: self.step()? };
        }
        Ok(stopped)
    }
}

/// Where a [`IterativeEstimator`] stopped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stopped {
    /// Number of steps.
    pub steps: usize,
    /// Gradient after the last step.
    pub gradient: f64,
}
