//! Exact sums over the states of hidden and of all units.

use burn::{prelude::*, tensor::FloatDType};
use gibbs_backend::has_double_precision;
use gibbs_core::{
    Estimate,
    math::{log_add_exp, log_sum_exp, log_sum_exp_rows, row_sums, to_host},
    params,
};

use super::machine::BoltzmannMachine;
use crate::units::{EnumerableUnits, Spin};

/// Most units of a machine whose states are enumerated.
pub const MAX_UNITS: usize = 24;

/// Most states handled at once.
const BLOCK: usize = 1 << 16;

/// First and second moments of all units: `⟨s⟩ [n]` and `⟨s sᵀ⟩ [n, n]`.
pub(super) type Moments = (Tensor<1>, Tensor<2>);

/// Spins of `n` units with the numbers `first .. first + count`, `[count, n]`, like `like`.
fn spins(n: usize, first: u64, count: usize, like: &Tensor<2>) -> Tensor<2> {
    Spin::new(n, &like.device()).states(first, count).cast(like.dtype())
}

impl BoltzmannMachine {
    /// Whether all states of the machine can be enumerated.
    pub fn is_enumerable(&self) -> bool {
        self.n_units() <= MAX_UNITS
    }

    /// The same machine in double precision where the device has it.
    pub fn in_best_precision(&self) -> Self {
        match has_double_precision(&self.field.val().device()) {
            true => params::cast(self.clone(), FloatDType::F64),
            false => self.clone(),
        }
    }

    /// Terms of the visible units in `-E(v, h)`, `[batch]`, and the inputs that they give to the hidden units, `[batch, hidden]`,
    /// if there are any.
    fn of_visible(&self, v: Tensor<2>) -> (Tensor<1>, Option<Tensor<2>>) {
        let (visible, hidden) = (self.n_visible(), self.n_hidden());
        let (rows, field) = (self.couplings.val().narrow(0, 0, visible), self.field.val());
        let input = v.clone().matmul(rows.clone().narrow(1, 0, visible)) * 0.5;
        let own = row_sums(v.clone() * (input + field.clone().narrow(0, 0, visible).unsqueeze()));
        let input = (hidden > 0).then(|| {
            v.matmul(rows.narrow(1, visible, hidden)) + field.narrow(0, visible, hidden).unsqueeze()
        });
        (own, input)
    }

    /// All states of the hidden units, `[2^hidden, hidden]`, and their terms in `-E(v, h)` without fields.
    fn of_hidden(&self) -> (Tensor<2>, Tensor<1>) {
        let (visible, hidden) = (self.n_visible(), self.n_hidden());
        let couplings = self.couplings.val();
        let states = spins(hidden, 0, 1 << hidden, &couplings);
        let couplings = couplings.narrow(0, visible, hidden).narrow(1, visible, hidden);
        let own = row_sums(states.clone().matmul(couplings) * states.clone()) * 0.5;
        (states, own)
    }

    /// `log Σ_h exp(-E(v, h)) = log p(v) + log Z`, exactly, `[batch]`, nats.
    ///
    /// # Panics
    /// If there are more than 24 hidden units.
    pub fn exact_log_weights(&self, v: Tensor<2>) -> Tensor<1> {
        assert!(self.n_hidden() <= MAX_UNITS, "{} hidden units are too many to enumerate", self.n_hidden());
        let (own, input) = self.of_visible(v);
        let Some(input) = input else { return own };
        let ((states, hidden), n) = (self.of_hidden(), input.dims()[0]);
        let rows = (BLOCK / states.dims()[0]).max(1);
        let sums = (0..n).step_by(rows).map(|first| {
            let input = input.clone().narrow(0, first, rows.min(n - first));
            log_sum_exp_rows(input.matmul(states.clone().transpose()) + hidden.clone().unsqueeze())
        });
        own + Tensor::cat(sums.collect(), 0)
    }

    /// `log p(v) + log Z` of all visible states in blocks: the states, and a number for each.
    fn visible_blocks(&self) -> impl Iterator<Item = (Tensor<2>, Vec<f64>)> {
        let n = 1u64 << self.n_visible();
        let count = BLOCK.min(n as usize);
        (0..n).step_by(count).map(move |first| {
            let v = spins(self.n_visible(), first, count, &self.couplings.val());
            let weights = to_host(self.exact_log_weights(v.clone()));
            (v, weights)
        })
    }

    /// Exact `log Z`, nats.
    ///
    /// # Panics
    /// If there are more than 24 units.
    pub fn exact_log_z(&self) -> Estimate {
        assert!(self.is_enumerable(), "{} units are too many to enumerate", self.n_units());
        let sums = self
            .in_best_precision()
            .visible_blocks()
            .map(|(_, weights)| log_sum_exp(&weights))
            .collect::<Vec<_>>();
        Estimate::exact(sums.into_iter().fold(f64::NEG_INFINITY, log_add_exp))
    }

    /// Probabilities of all visible states, the first unit changing fastest.
    ///
    /// # Panics
    /// If there are more than 24 units.
    pub fn visible_distribution(&self) -> Vec<f64> {
        assert!(self.is_enumerable(), "{} units are too many to enumerate", self.n_units());
        let weights: Vec<f64> =
            self.in_best_precision().visible_blocks().flat_map(|(_, weights)| weights).collect();
        let log_z = log_sum_exp(&weights);
        weights.into_iter().map(|weight| (weight - log_z).exp()).collect()
    }

    /// Exact moments over the hidden units given `v [batch, visible]`, and the mean over rows by `weights [batch, 1]` that sum to one.
    pub(super) fn clamped_moments(&self, v: Tensor<2>, weights: Tensor<2>) -> Moments {
        let weighted = v.clone() * weights.clone();
        let visible_mean = weighted.clone().sum_dim(0);
        let pairs = weighted.clone().transpose().matmul(v.clone());
        let Some(input) = self.of_visible(v).1 else { return (visible_mean.squeeze_dim(0), pairs) };
        let (states, hidden) = self.of_hidden();
        let logits = input.matmul(states.clone().transpose()) + hidden.unsqueeze();
        let probs = burn::tensor::activation::softmax(logits, 1);
        let of_states = (probs.clone() * weights).sum_dim(0).transpose();
        let means = probs.matmul(states.clone());
        let hidden_mean = (states.clone() * of_states.clone()).sum_dim(0);
        let across = weighted.transpose().matmul(means);
        let hidden_pairs = (states.clone() * of_states).transpose().matmul(states);
        let upper = Tensor::cat(vec![pairs, across.clone()], 1);
        let lower = Tensor::cat(vec![across.transpose(), hidden_pairs], 1);
        let mean = Tensor::cat(vec![visible_mean, hidden_mean], 1).squeeze_dim(0);
        (mean, Tensor::cat(vec![upper, lower], 0))
    }

    /// Exact moments over all units.
    pub(super) fn free_moments(&self) -> Moments {
        let blocks: Vec<(Tensor<2>, Vec<f64>)> = self.visible_blocks().collect();
        let log_z = blocks.iter().fold(f64::NEG_INFINITY, |sum, (_, w)| log_add_exp(sum, log_sum_exp(w)));
        let moments = blocks.into_iter().map(|(v, log_weights)| {
            let probs: Vec<f64> = log_weights.iter().map(|weight| (weight - log_z).exp()).collect();
            let probs = Tensor::<1>::from_data(&probs[..], (&v.device(), v.dtype()));
            self.clamped_moments(v, probs.unsqueeze_dim(1))
        });
        let sum = |(m, c): Moments, (n, d): Moments| (m + n, c + d);
        moments.reduce(sum).unwrap_or_else(|| unreachable!("there is a visible unit"))
    }
}
