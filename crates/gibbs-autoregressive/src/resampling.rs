//! Completions of bits, whichever are known: sampling-importance-resampling.
//!
//! ```text
//! proposal   x_i ~ p(x_i | x_<i)            for each unknown i, in the order of the model
//! weight     w = Π_{i known} p(x_i | x_<i),     E[w] = p(x_known)
//! draw       one of m proposals, with probability w / Σ w
//! ```
//!
//! References: Rubin, Bayesian Statistics 3:395 (1988). The draws follow `p(x_unknown | x_known)` for `m → ∞`; where the known bits
//! come first in the order all weights are equal, and the draws are exact.

use burn::{prelude::*, tensor::activation::log_sigmoid};
use gibbs_backend::Noise;

use crate::{Autoregressive, Evidence, OutputDistribution};

/// `n` completions `[n, D]` of an example of bits: the `known` bits stay, the others are drawn. `x [m, D]` has the example in each of
/// its rows, one for each proposal. The first mask of the model is taken.
///
/// # Panics
/// If the model is not one of bits, is conditioned, or the shapes do not fit.
pub fn complete_by_resampling(
    model: &(impl Autoregressive + ?Sized),
    known: &[bool],
    x: Tensor<2>,
    n: usize,
    noise: &mut Noise,
) -> Tensor<2> {
    let (proposals, log_weights) = propose(model, known, x, noise);
    let chosen = noise.categorical(log_weights.unsqueeze_dim::<2>(0).repeat(&[n, 1]));
    proposals.select(0, chosen)
}

/// Proposals `[m, D]` and the logarithms of their weights `[m]`.
fn propose(
    model: &(impl Autoregressive + ?Sized),
    known: &[bool],
    mut x: Tensor<2>,
    noise: &mut Noise,
) -> (Tensor<2>, Tensor<1>) {
    let [m, width] = x.dims();
    assert!(matches!(model.output(), OutputDistribution::Bernoulli), "{}: a model of bits", model.name());
    assert_eq!(known.len(), width, "{}: known has a flag for each variable", model.name());
    let device = x.device();
    let rows =
        |flags: Vec<f32>| Tensor::<2>::from_data(TensorData::new(flags, [1, width]), &device).repeat(&[m, 1]);
    let order = model.order(0).variables().to_vec();
    let mut at = 0;
    // Runs of unknown variables between known ones, in the order.
    while let Some(first) = (at..width).find(|k| !known[order[*k]]) {
        let end = (first..width).find(|k| known[order[*k]]).unwrap_or(width);
        let drawn = model.complete(0, Evidence { x: x.clone(), prefix: first, context: None }, noise);
        let mut is_new = vec![0.0; width];
        order[first..end].iter().for_each(|variable| is_new[*variable] = 1.0);
        x = x.mask_where(rows(is_new).greater_elem(0.5), drawn);
        at = end;
    }
    let signs = x.clone() * 2.0 - 1.0;
    let log_probs = log_sigmoid(model.parameters(0, x.clone(), None) * signs);
    let is_known = rows(known.iter().map(|known| f32::from(u8::from(*known))).collect());
    (x, (log_probs * is_known).sum_dim(1).squeeze_dim(1))
}

#[cfg(test)]
mod tests {
    use gibbs_core::{ConditionalLogProb, math::to_host};
    use gibbs_testkit::{check_follows, check_mean, perturbed};

    use super::*;
    use crate::NadeConfig;

    const WIDTH: usize = 4;
    /// The last variable but one, and the last: no prefix of the order.
    const KNOWN: [bool; WIDTH] = [false, true, false, true];

    /// A model of four bits, and the probability of each state; bit `i` of a state is variable `i`.
    fn model() -> (crate::Nade, Vec<f64>) {
        let nade = NadeConfig::new(WIDTH, 5).init(&Device::flex(), &mut Noise::new(1, "init")).unwrap();
        let nade = perturbed(nade, 1.0, Noise::new(2, "jitter"));
        let states: Vec<f32> =
            (0..1 << WIDTH).flat_map(|state| (0..WIDTH).map(move |i| (state >> i & 1) as f32)).collect();
        let x = Tensor::from_data(TensorData::new(states, [1 << WIDTH, WIDTH]), &Device::flex());
        let probs = to_host(nade.log_prob_given(x, None)).into_iter().map(f64::exp).collect();
        (nade, probs)
    }

    fn example(m: usize) -> Tensor<2> {
        Tensor::<2>::from_floats([[0.0, 1.0, 0.0, 0.0]], &Device::flex()).repeat(&[m, 1])
    }

    /// States with the known bits of the example.
    fn fits(state: usize) -> bool {
        state & 0b1010 == 0b0010
    }

    #[test]
    fn the_mean_weight_is_the_probability_of_what_is_known() {
        let (nade, probs) = model();
        let expected: f64 = (0..probs.len()).filter(|&state| fits(state)).map(|state| probs[state]).sum();
        let (_, log_weights) = propose(&nade, &KNOWN, example(20_000), &mut Noise::new(3, "proposals"));
        let weights: Vec<f64> = to_host(log_weights).into_iter().map(f64::exp).collect();
        check_mean(&weights, expected);
    }

    /// 3000 independent draws from 500 proposals each: the bias, about 1/500, is below the error of a frequency, 1/√3000.
    #[test]
    fn draws_follow_the_conditional_distribution() {
        let (nade, probs) = model();
        let total: f64 = (0..probs.len()).filter(|&state| fits(state)).map(|state| probs[state]).sum();
        let conditional: Vec<f64> =
            probs.iter().enumerate().map(|(state, p)| if fits(state) { p / total } else { 0.0 }).collect();
        let noise = Noise::new(4, "draws");
        let draws: Vec<usize> = (0..3000)
            .map(|k| {
                let noise = &mut noise.child(k.to_string());
                let bits = to_host(complete_by_resampling(&nade, &KNOWN, example(500), 1, noise));
                bits.iter().enumerate().map(|(i, bit)| usize::from(*bit > 0.5) << i).sum()
            })
            .collect();
        check_follows(&draws, &conditional);
    }
}
