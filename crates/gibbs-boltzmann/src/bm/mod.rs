//! General Boltzmann machine: visible and hidden spins, all coupled to each other.
//!
//! ```text
//! E(s) = -½ s·J·s - f·s,    s = (v, h) ∈ {-1, +1}^n,    J symmetric, J_ii = 0
//! p(v) = Σ_h exp(-E(v, h)) / Z
//! ∂ log p(v) / ∂J_ij = ⟨s_i s_j⟩_clamped - ⟨s_i s_j⟩_free,    ∂ log p(v) / ∂f_i = ⟨s_i⟩_clamped - ⟨s_i⟩_free
//! ```
//!
//! The clamped average is over the hidden units given `v`, the free one over all units.
//!
//! Without hidden units it is the inverse Ising problem by maximum likelihood. Without couplings inside of the visible and of the
//! hidden units it is an RBM of spins. A Hopfield network is a machine without hidden units ([`hopfield`](crate::hopfield)).
//!
//! References: Ackley, Hinton & Sejnowski, Cognitive Science 9:147 (1985), doi:10.1207/s15516709cog0901_7; Tieleman, ICML 2008, for
//! persistent chains; Peterson & Anderson, Complex Systems 1:995 (1987), and Welling & Hinton, ICANN 2002,
//! doi:10.1007/3-540-46084-5_57, for mean field.
//!
//! Differences from the paper: the temperature of learning is 1; it scales the couplings.
//!
//! Cost: a sweep of `n` units is `n` products `[batch, n]`; exact sums take `2^n` states.

mod annealing;
mod config;
mod exact;
mod learning;
mod machine;
#[cfg(test)]
mod tests;

pub use annealing::{Anneal, log_weights, log_z};
pub use config::BmConfig;
pub use exact::MAX_UNITS;
pub use learning::{BoltzmannLearning, Learning, LearningConfig};
pub use machine::BoltzmannMachine;
