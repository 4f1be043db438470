//! Markov chains of spins, and measurements along them.
//!
//! | chain | system | a step |
//! |---|---|---|
//! | [`Sweep`] | any [`Pairwise`](crate::Pairwise) | heat-bath or Metropolis update of every spin, color by color |
//! | [`HeatBath64`] | couplings `±J`, few neighbors, any field | the same heat bath of 64 replicas in the bits of words |
//! | [`Wolff`] | ferromagnets without field | one cluster flipped |
//! | [`ParallelTempering`] | any [`Pairwise`](crate::Pairwise) | a sweep at every temperature, then exchanges |
//!
//! All are a [`Chain`]: `init`, `step(state, noise) -> state`, and `observe`. [`measure`] runs independent chains in parallel
//! and gives [`Measurements`], whose energies, magnetizations and Binder cumulants are [`Estimate`](gibbs_core::Estimate)s
//! with error bars from the integrated autocorrelation time ([`TimeAverage`]).

mod chain;
mod measurements;
mod method;
mod multispin;
mod statistics;
mod sweep;
mod tempering;
mod wolff;
mod words;

#[cfg(test)]
mod tests;

pub use chain::{Chain, McmcSchedule, Observation, measure};
pub use measurements::Measurements;
pub use method::{DrawSchedule, Measured, MonteCarloMethod, draw_spins};
pub use multispin::{HeatBath64, MAX_NEIGHBORS, REPLICAS};
pub use statistics::TimeAverage;
pub use sweep::{Rule, Sweep};
pub use tempering::{Ladder, ParallelTempering};
pub use wolff::Wolff;
