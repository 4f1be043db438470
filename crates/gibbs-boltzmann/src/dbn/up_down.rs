//! Up-down algorithm: contrastive wake-sleep, which fine-tunes all layers together.
//!
//! ```text
//! wake:   v → h_1 → … → h_{L-1} drawn upwards from q;    ∂/∂W_k log p(h_{k-1} | h_k) there
//! top:    contrastive divergence of the top RBM from h_{L-1} (and the label)
//! sleep:  last state of the chain → … → v drawn downwards from p; ∂/∂R_k log q(h_k | h_{k-1}) there
//! ```
//!
//! Each derivative is a delta rule: `h_kᵀ (h_{k-1} - E[h_{k-1} | h_k])` and its mirror image.
//!
//! Reference: Hinton, Osindero & Teh, Neural Computation 18:1527 (2006), section 5 and appendix B.
//!
//! Differences from the paper: the top chains may persist ([`Chains`](crate::Chains)).
//!
//! Cost of a step: two passes up, two down, and a step of the top RBM.

use burn::{config::Config, optim::GradientsParams, prelude::*};
use gibbs_backend::{Noise, sparse_matmul_transposed};
use gibbs_core::{Batch, BoxError, ConfigError, Objective, ObjectiveState, Position, StepOutput};

use super::network::Dbn;
use crate::{
    contrastive::{Contrastive, ContrastiveConfig, of_mean_one},
    rbm::AnyRbm,
    units::{AnyUnits, UnitStatistics, Units},
};

/// Settings of the up-down algorithm.
#[derive(Config, Debug, PartialEq)]
pub struct UpDownConfig {
    /// How the top RBM is trained (CD from the data, 3 to 10 sweeps, in the paper's section 6.1).
    pub top: ContrastiveConfig,
}

impl UpDownConfig {
    /// The objective for an untied network, before its first step. `base` as in [`ContrastiveConfig::init`].
    ///
    /// # Errors
    /// As [`ContrastiveConfig::init`].
    pub fn init(&self, dbn: &Dbn, base: AnyUnits) -> Result<UpDown, ConfigError> {
        Ok(UpDown { top: self.top.init(dbn.top(), base)? })
    }
}

/// The up-down algorithm: an objective of a whole network, whose state is that of its top RBM.
///
/// A batch holds the visible units and, where the network has a label, the one-hot label as its context. Examples count by their
/// weights.
#[derive(Clone, Debug)]
pub struct UpDown {
    /// Training of the top RBM, the only part with a state.
    pub top: Contrastive<AnyUnits>,
}

impl UpDown {
    /// The gradients of a step.
    ///
    /// # Panics
    /// If the network is tied, or the widths of the batch are not those of visible units and label.
    pub fn gradients(&mut self, dbn: &Dbn, batch: Batch, noise: &mut Noise) -> GradientsParams {
        let below = dbn.depth() - 1;
        assert_eq!(dbn.recognition.len(), below, "the up-down algorithm needs an untied network");
        let (label, v, weights) = (batch.context, batch.x, batch.weights);

        let awake = states(v.clone(), dbn.infer(v, noise));
        let top_data = with_label(awake[below].clone(), label);
        let (mut gradients, top_model) =
            self.top.weighted_gradients(dbn.top(), top_data, weights.clone(), noise);
        let awake_weights = weights.map(of_mean_one);
        let asleep_weights = awake_weights.as_ref().filter(|_| self.top.starts_at_data());
        let asleep = dream(dbn, dbn.without_label(top_model), noise);

        for (k, layer) in dbn.layers[..below].iter().enumerate() {
            let (x, h) = (awake[k].clone(), awake[k + 1].clone());
            let mean = Units::mean(&layer.visible, layer.visible_input(h.clone()));
            let states = ([x, mean], h, awake_weights.as_ref());
            delta_rule(&mut gradients, &layer.weight, &layer.visible, states, true);

            let (x, h) = (asleep[k].clone(), asleep[k + 1].clone());
            let mean = Units::mean(&layer.hidden, dbn.recognition_input(k, x.clone()));
            let states = ([h, mean], x, asleep_weights);
            delta_rule(&mut gradients, &dbn.recognition[k], &layer.hidden, states, false);
        }
        gradients
    }
}

impl Objective<Dbn> for UpDown {
    fn step(
        &mut self,
        dbn: &Dbn,
        batch: Batch,
        _: &Position,
        noise: &mut Noise,
    ) -> Result<StepOutput, BoxError> {
        Ok(StepOutput::direct(self.gradients(dbn, batch, noise)))
    }

    fn needs_autodiff(&self) -> bool {
        false
    }

    fn state(&self) -> ObjectiveState {
        Objective::<AnyRbm>::state(&self.top)
    }

    fn restore(&mut self, state: ObjectiveState) {
        Objective::<AnyRbm>::restore(&mut self.top, state);
    }
}

/// Gradient of `-log p(target | source)` of one layer, from the conditional `mean` of the target, where
/// `weight` is `[target, source]` if `downwards`, else `[source, target]`. Rows count by their weights `[batch, 1]` of mean 1.
fn delta_rule(
    gradients: &mut GradientsParams,
    weight: &burn::module::Param<Tensor<2>>,
    units: &AnyUnits,
    ([target, mean], source, weights): ([Tensor<2>; 2], Tensor<2>, Option<&Tensor<2>>),
    downwards: bool,
) {
    let batch = source.dims()[0] as f64;
    let error = (mean.clone() - target.clone()) / batch;
    let error = match weights {
        Some(weights) => error * weights.clone(),
        None => error,
    };
    let correlation = sparse_matmul_transposed(source, error);
    gradients.register(weight.id, if downwards { correlation.transpose() } else { correlation });
    let (data, model) = (units.statistics(target, weights), units.statistics_of_mean(mean, weights));
    for ((parameter, data), model) in units.parameters().into_iter().zip(data).zip(model) {
        gradients.register(parameter.id, model - data);
    }
}

/// `v, h_1, …, h_{L-1}`.
fn states(v: Tensor<2>, hidden: Vec<Tensor<2>>) -> Vec<Tensor<2>> {
    std::iter::once(v).chain(hidden).collect()
}

/// States drawn downwards from `h_{L-1}`, bottom to top.
fn dream(dbn: &Dbn, h: Tensor<2>, noise: &mut Noise) -> Vec<Tensor<2>> {
    let mut states = vec![h];
    for layer in dbn.layers[..dbn.depth() - 1].iter().rev() {
        let above = states[states.len() - 1].clone();
        states.push(AnyRbm::sample_visible(layer, above, noise));
    }
    states.reverse();
    states
}

fn with_label(h: Tensor<2>, label: Option<Tensor<2>>) -> Tensor<2> {
    match label {
        Some(label) => Tensor::cat(vec![h, label], 1),
        None => h,
    }
}
