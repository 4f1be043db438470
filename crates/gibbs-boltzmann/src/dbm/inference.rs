//! Inference of the hidden layers: mean field, its bound, and exact sums.
//!
//! ```text
//! q(h) = Π_i q(h_i),    I_k = μ_{k-1}·W_k + W_{k+1}·μ_{k+1},    μ_k = σ(b_k + I_k)                       mean field
//! log p(v) ≥ E_q[-E(v, h)] + H(q) - log Z
//!          = -E_v(v) + Σ_k [Γ_k(I_k) - I_k·μ_k] + Σ_k μ_{k-1}·W_k·μ_k - log Z,    μ_0 = v
//! ```
//!
//! Odd and even layers are updated in turn, so that no update lowers the bound.
//!
//! Reference: Salakhutdinov & Hinton, AISTATS 2009, section 3 and equation 6.

use burn::prelude::*;
use gibbs_backend::{sigmoid, sparse_matmul};
use gibbs_core::math::{log_sum_exp_rows, repeat_rows, row_sums};

use super::machine::Dbm;
use crate::{
    rbm::{AnyRbm, require_states},
    units::{AnyUnits, EnumerableUnits, Units},
};

/// Most states of a side of the hidden layers that [`Dbm::exact_log_weights`] sums over: those of 16 binary units.
const MAX_STATES: u64 = 1 << 16;

/// States that are summed at once.
const BLOCK: usize = 1 << 9;

/// A factorial distribution of the hidden layers for each row of `v`: inputs of the units, and their means.
#[derive(Clone, Debug)]
pub struct MeanField {
    /// Inputs of the hidden even layers, and of a label on their side, `[batch, even]`.
    pub even_input: Tensor<2>,
    /// Inputs of the odd layers, `[batch, odd]`.
    pub odd_input: Tensor<2>,
    /// Means of the hidden even layers, `[batch, even]`.
    pub even: Tensor<2>,
    /// Means of the odd layers, `[batch, odd]`.
    pub odd: Tensor<2>,
}

/// Rows of visible units, and the distribution of the hidden ones given these.
pub(super) struct Clamped {
    /// The hidden layers as an RBM.
    pub(super) rbm: AnyRbm,
    /// `v·W_1`, and zeros for the other odd layers, `[batch, odd]`.
    pub(super) input: Tensor<2>,
    /// `-E_v(v)`, `[batch]`.
    pub(super) own: Tensor<1>,
}

impl Clamped {
    /// Rows of the same machine with `copies` of each, next to each other.
    pub(super) fn repeated(&self, copies: usize) -> Self {
        Self {
            rbm: self.rbm.clone(),
            input: repeat_rows(self.input.clone(), copies),
            own: repeat_rows(self.own.clone().unsqueeze_dim(1), copies).squeeze_dim(1),
        }
    }

    /// Input of the odd layers from the even ones and from `v`.
    pub(super) fn odd_input(&self, even: Tensor<2>) -> Tensor<2> {
        self.rbm.hidden_input(even) + self.input.clone()
    }

    /// Mean field from a pass upwards, after `updates` of all layers. A label that is known stays as it is.
    fn mean_field(&self, updates: usize, label: Option<&Tensor<2>>) -> MeanField {
        let Self { rbm, input, .. } = self;
        let fixed = |units: &AnyUnits, means: Tensor<2>| match (label, units) {
            (Some(label), AnyUnits::Labeled(units)) => {
                Tensor::cat(vec![means.narrow(1, 0, units.n_binary()), label.clone()], 1)
            }
            _ => means,
        };
        // The layers above do not give an input yet: that from below is doubled in their place.
        let mut odd_input = input.clone() * 2.0;
        let mut odd = fixed(&rbm.hidden, Units::mean(&rbm.hidden, odd_input.clone()));
        let mut even_input = rbm.visible_input(odd.clone());
        let mut even = fixed(&rbm.visible, Units::mean(&rbm.visible, even_input.clone()));
        for _ in 0..updates {
            odd_input = self.odd_input(even.clone());
            odd = fixed(&rbm.hidden, Units::mean(&rbm.hidden, odd_input.clone()));
            even_input = rbm.visible_input(odd.clone());
            even = fixed(&rbm.visible, Units::mean(&rbm.visible, even_input.clone()));
        }
        MeanField { even_input, odd_input, even, odd }
    }

    /// The bound without `log Z` of each row, `[batch]`, for any inputs of the units.
    pub(super) fn bound(&self, even_input: Tensor<2>, odd_input: Tensor<2>) -> Tensor<1> {
        let Self { rbm, input, own } = self;
        let even = Units::mean(&rbm.visible, even_input.clone());
        let odd = Units::mean(&rbm.hidden, odd_input.clone());
        let couplings = (rbm.hidden_input(even.clone()) + input.clone() - odd_input.clone()) * odd;
        own.clone() + rbm.visible.log_partition(even_input.clone()) + rbm.hidden.log_partition(odd_input)
            - row_sums(even_input * even)
            + row_sums(couplings)
    }
}

impl Dbm {
    /// The distribution of the hidden layers given rows of visible units, which are not checked.
    pub(super) fn clamped(&self, v: Tensor<2>) -> Clamped {
        let (rbm, own) = (self.hidden_rbm(), self.visible().energy(v.clone()).neg());
        let input = sparse_matmul(v, self.layers[0].weight.val());
        let ([batch, width], n) = (input.dims(), rbm.weight.dims()[1]);
        let zeros = || Tensor::zeros([batch, n - width], (&input.device(), input.dtype()));
        let input = if n > width { Tensor::cat(vec![input.clone(), zeros()], 1) } else { input };
        Clamped { rbm, input, own }
    }

    /// Checks that `v [batch, visible]` are states of the visible units, or means of such states. Waits for the device.
    ///
    /// # Panics
    /// If `v` has another width, a value outside of the range of the units, or a NaN.
    pub fn require_states(&self, v: &Tensor<2>) {
        let visible = self.visible();
        require_states("the visible layer of the deep Boltzmann machine", v, visible.width(), &visible);
    }

    /// Mean field of the hidden layers given `v [batch, visible]`, after `updates` of all layers. The label, one-hot `[batch, classes]`,
    /// is inferred too if it is not given.
    pub fn mean_field(&self, v: Tensor<2>, label: Option<&Tensor<2>>, updates: usize) -> MeanField {
        self.clamped(v).mean_field(updates, label)
    }

    /// Mean-field means of layer `k` given `v`, `[batch, width]`. The layer above the highest one is the label.
    ///
    /// # Panics
    /// If `k` is 0, or there is no such layer.
    pub fn hidden_means(&self, v: Tensor<2>, k: usize, updates: usize) -> Tensor<2> {
        assert!(k > 0, "layer 0 is the visible one");
        let found = self.mean_field(v.clone(), None, updates);
        self.layer_of(k, &Tensor::cat(vec![v, found.even], 1), &found.odd)
    }

    /// `E[v | h_1]` of means of the lowest hidden layer, `[batch, visible]`.
    pub fn visible_mean(&self, h: Tensor<2>) -> Tensor<2> {
        Units::mean(&self.visible(), h.matmul(self.layers[0].weight.val().transpose()))
    }

    /// Means of the data from means `h [batch, width]` of hidden layer `k`, downwards: layers between have doubled inputs from above, as
    /// in pre-training.
    ///
    /// # Panics
    /// If `k` is 0, or there is no such layer.
    pub fn visible_means(&self, h: Tensor<2>, k: usize) -> Tensor<2> {
        assert!(k > 0, "layer 0 is the visible one");
        let down = |h: Tensor<2>, k: usize| {
            let input = h.matmul(self.layers[k].weight.val().transpose()) * 2.0;
            sigmoid(input + self.biases[k].val().unsqueeze())
        };
        self.visible_mean((1..k).rev().fold(h, down))
    }

    /// `log p(v) + log Z ≥` this, by mean field with `updates` of all layers: `[batch]`, nats. A label is summed out.
    ///
    /// # Panics
    /// If `v` are no states of the visible units.
    pub fn log_weight_bound(&self, v: Tensor<2>, updates: usize) -> Tensor<1> {
        self.require_states(&v);
        let clamped = self.clamped(v);
        let MeanField { even_input, odd_input, .. } = clamped.mean_field(updates, None);
        clamped.bound(even_input, odd_input)
    }

    /// `log p(v) + log Z = log Σ_h exp(-E(v, h))`, exactly, `[batch]`, nats: by a sum over the states of the even or of the odd hidden
    /// layers. `None` if both have more than 2^16 states.
    ///
    /// # Panics
    /// If `v` are no states of the visible units.
    pub fn exact_log_weights(&self, v: Tensor<2>) -> Option<Tensor<1>> {
        self.require_states(&v);
        let Clamped { rbm, input, own } = self.clamped(v);
        let few = |units: &AnyUnits| units.n_states().filter(|n| *n <= MAX_STATES);
        let (even, odd) = (few(&rbm.visible), few(&rbm.hidden));
        let by_even = even.is_some_and(|even| odd.is_none_or(|odd| even <= odd));
        let n = if by_even { even? } else { odd? };
        let mut total: Option<Tensor<2>> = None;
        for first in (0..n).step_by(BLOCK) {
            let count = BLOCK.min((n - first) as usize);
            let terms = match by_even {
                true => log_weights_of_even(&rbm, &input, rbm.visible.states(first, count)),
                false => {
                    let states = rbm.hidden.states(first, count);
                    let own = rbm.hidden_free_energy(states.clone()).neg();
                    input.clone().matmul(states.transpose()) + own.unsqueeze_dim::<2>(0)
                }
            };
            let sum = log_sum_exp_rows(terms).unsqueeze_dim(1);
            total = Some(match total {
                Some(total) => log_sum_exp_rows(Tensor::cat(vec![total, sum], 1)).unsqueeze_dim(1),
                None => sum,
            });
        }
        total.map(|total| total.squeeze_dim::<1>(1) + own)
    }
}

/// `-E_even(e) + Γ_odd(input + e·W)` for each row of `input [batch, odd]` and each of the states `e`, `[batch, states]`.
fn log_weights_of_even(rbm: &AnyRbm, input: &Tensor<2>, states: Tensor<2>) -> Tensor<2> {
    let ([batch, odd], n) = (input.dims(), states.dims()[0]);
    let from_states = rbm.hidden_input(states.clone()).unsqueeze_dim::<3>(0);
    let all = input.clone().unsqueeze_dim::<3>(1) + from_states;
    let partition = rbm.hidden.log_partition(all.reshape([batch * n, odd])).reshape([batch, n]);
    partition - rbm.visible.energy(states).unsqueeze_dim::<2>(0)
}
