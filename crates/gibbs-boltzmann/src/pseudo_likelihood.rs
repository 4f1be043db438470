//! Pseudo-likelihood: how well all other units predict each unit.
//!
//! ```text
//! log PL(v) = Σ_i log p(v_i | v_rest),   p(v_i = a | v_rest) = exp(-F(v with a at i)) / Σ_b exp(-F(v with b at i))
//! ```
//!
//! Reference: Besag, The Statistician 24:179 (1975).
//!
//! Cost: two or more log-partitions `[batch, hidden]` for each visible site; no product is larger than a row.

use burn::prelude::*;
use gibbs_core::math::log_sum_exp_rows;

use crate::{
    rbm::Rbm,
    units::{EnumerableUnits, Units},
};

/// Exact `log PL` of each row of `v [batch, visible]`, nats: `[batch]`; `None` for continuous units.
///
/// # Panics
/// If the width of `v` is not that of the visible layer.
pub fn log_pseudo_likelihood<V: EnumerableUnits, H: Units>(
    rbm: &Rbm<V, H>,
    v: Tensor<2>,
) -> Option<Tensor<1>> {
    let alphabet = rbm.visible.alphabet()?;
    let input = rbm.hidden_input(v.clone());
    let actual = rbm.visible.energy(v.clone()) - rbm.hidden.log_partition(input.clone());
    let sites = (0..rbm.visible.n_sites())
        .map(|site| site_log_probability(rbm, &v, &input, &actual, &alphabet, site));
    sites.reduce(|sum, site| sum + site)
}

/// `log p(v_site | v_rest)` of each row, from the hidden input and free energy of the row itself.
fn site_log_probability<V: Units, H: Units>(
    rbm: &Rbm<V, H>,
    v: &Tensor<2>,
    input: &Tensor<2>,
    free_energy: &Tensor<1>,
    alphabet: &[Vec<f64>],
    site: usize,
) -> Tensor<1> {
    let [batch, _] = v.dims();
    let width = alphabet[0].len();
    let columns = site * width..(site + 1) * width;
    let weight = rbm.weight.val().slice([columns.clone()]);
    let now = v.clone().slice([0..batch, columns.clone()]);
    let changed = alphabet.iter().map(|state| {
        let state: Tensor<2> =
            Tensor::from_data(TensorData::new(state.clone(), [1, width]), (&v.device(), v.dtype()));
        let state = state.expand([batch, width]);
        let moved = v.clone().slice_assign([0..batch, columns.clone()], state.clone());
        let shifted = input.clone() + (state - now.clone()).matmul(weight.clone());
        (rbm.hidden.log_partition(shifted) - rbm.visible.energy(moved)).unsqueeze_dim(1)
    });
    log_sum_exp_rows(Tensor::cat(changed.collect(), 1)).neg() - free_energy.clone()
}
