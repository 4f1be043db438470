//! Exact partition function and likelihood by enumeration of the smaller layer.
//!
//! ```text
//! Z = Σ_h exp(-E_h(h) + Γ_v(h·Wᵀ))  or  Σ_v exp(-F(v)),  whichever layer has fewer states
//! ```
//!
//! Cost: `states × visible × hidden` multiplications, in f64 if the device supports it, and the memory of one
//! block of states.

use burn::{prelude::*, tensor::FloatDType};
use gibbs_backend::has_double_precision;
use gibbs_core::{
    Estimate,
    math::{log_add_exp, log_sum_exp, to_host},
    params,
};
use thiserror::Error;

use crate::{rbm::Rbm, units::EnumerableUnits};

/// Most states that are enumerated: those of 20 binary units.
pub const MAX_STATES: u64 = 1 << 20;

/// States handled at once.
const BLOCK: u64 = 1 << 12;

/// Neither layer is small enough to be enumerated.
#[derive(Debug, Error, PartialEq)]
#[error(
    "neither the {visible} visible nor the {hidden} hidden columns have at most {MAX_STATES} states; \
     estimate log Z by annealed importance sampling instead"
)]
pub struct TooManyStates {
    /// Columns of the visible layer.
    pub visible: usize,
    /// Columns of the hidden layer.
    pub hidden: usize,
}

/// Whether one of the layers has at most [`MAX_STATES`] states, so that `log Z` is exact.
pub fn is_enumerable<V: EnumerableUnits, H: EnumerableUnits>(rbm: &Rbm<V, H>) -> bool {
    [rbm.visible.n_states(), rbm.hidden.n_states()].into_iter().flatten().any(|n| n <= MAX_STATES)
}

/// Exact `log Z`, nats.
///
/// # Errors
/// If both layers have more than [`MAX_STATES`] states or are continuous.
pub fn log_z<V: EnumerableUnits, H: EnumerableUnits>(rbm: &Rbm<V, H>) -> Result<Estimate, TooManyStates> {
    let few = |n: Option<u64>| n.filter(|n| *n <= MAX_STATES);
    let rbm = in_best_precision(rbm);
    let value = match (few(rbm.visible.n_states()), few(rbm.hidden.n_states())) {
        (Some(v), Some(h)) if v < h => {
            sum_states(v, |first, n| rbm.free_energy_of_states(rbm.visible.states(first, n)))
        }
        (_, Some(h)) => sum_states(h, |first, n| rbm.hidden_free_energy(rbm.hidden.states(first, n))),
        (Some(v), None) => sum_states(v, |first, n| rbm.free_energy_of_states(rbm.visible.states(first, n))),
        (None, None) => {
            return Err(TooManyStates { visible: rbm.visible.width(), hidden: rbm.hidden.width() });
        }
    };
    Ok(Estimate::exact(value))
}

/// Probabilities of all visible states, in the order of [`EnumerableUnits::states`].
///
/// # Errors
/// If the visible layer has more than [`MAX_STATES`] states or is continuous.
pub fn visible_distribution<V: EnumerableUnits, H: EnumerableUnits>(
    rbm: &Rbm<V, H>,
) -> Result<Vec<f64>, TooManyStates> {
    let n = rbm.visible.n_states().filter(|n| *n <= MAX_STATES);
    let n = n.ok_or(TooManyStates { visible: rbm.visible.width(), hidden: rbm.hidden.width() })?;
    let rbm = in_best_precision(rbm);
    let log_weights: Vec<f64> = blocks(n)
        .flat_map(|(first, n)| to_host(rbm.free_energy_of_states(rbm.visible.states(first, n)).neg()))
        .collect();
    let log_z = log_sum_exp(&log_weights);
    Ok(log_weights.into_iter().map(|w| (w - log_z).exp()).collect())
}

fn in_best_precision<V: EnumerableUnits, H: EnumerableUnits>(rbm: &Rbm<V, H>) -> Rbm<V, H> {
    let rbm = rbm.clone().no_grad();
    if has_double_precision(&rbm.weight.val().device()) { params::cast(rbm, FloatDType::F64) } else { rbm }
}

fn sum_states(n: u64, free_energy: impl Fn(u64, usize) -> Tensor<1>) -> f64 {
    blocks(n)
        .map(|(first, n)| log_sum_exp(&to_host(free_energy(first, n).neg())))
        .fold(f64::NEG_INFINITY, log_add_exp)
}

fn blocks(n: u64) -> impl Iterator<Item = (u64, usize)> {
    (0..n).step_by(BLOCK as usize).map(move |first| (first, BLOCK.min(n - first) as usize))
}
