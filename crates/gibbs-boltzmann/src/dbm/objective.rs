//! Training of all layers together: mean field of the data against chains of the machine.
//!
//! ```text
//! ∂/∂W_k [bound of log p(v)] = ⟨μ_{k-1} μ_kᵀ⟩_data - ⟨h_{k-1} h_kᵀ⟩_model
//! ```
//!
//! The first average is over mean field of each example ([`MeanField`](super::MeanField)), the second over chains of the machine as an
//! RBM. So this is contrastive divergence of that RBM with another positive phase: chains, tempering, centering and decay are the same.
//!
//! Reference: Salakhutdinov & Hinton, AISTATS 2009, algorithm 1.

use burn::{optim::GradientsParams, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{Batch, BoxError, ConfigError, Objective, ObjectiveState, Position, StepOutput};

use super::machine::{Dbm, Place};
use crate::{
    contrastive::{Contrastive, ContrastiveConfig, Gradient, Phase, of_mean_one},
    rbm::Rbm,
    units::{Joined, UnitFamily, UnitMoments, Units},
};

/// The objective of a whole machine.
///
/// A batch holds the visible units and, where the machine has a label, the one-hot label as its context. Examples count by their
/// weights. The pull of sparsity acts on the odd layers. Persistent chains start at what mean field infers of the first batch,
/// which after pre-training is nearer to the machine than random states.
#[derive(Clone, Debug)]
pub struct DeepContrastive {
    contrastive: Contrastive<Joined>,
    updates: usize,
}

impl DeepContrastive {
    /// The objective before its first step, with `updates` of mean field in each. Tempered chains start at the independent units
    /// `base` ([`Dbm::annealing_base`]).
    ///
    /// # Errors
    /// As [`ContrastiveConfig::init`].
    pub fn new(
        config: &ContrastiveConfig,
        dbm: &Dbm,
        base: Joined,
        updates: usize,
    ) -> Result<Self, ConfigError> {
        Ok(Self { contrastive: config.init(&dbm.bipartite(), base)?, updates })
    }

    /// The gradients of a step.
    ///
    /// # Panics
    /// If the widths of the batch are not those of visible units and label.
    pub fn gradients(&mut self, dbm: &Dbm, batch: Batch, noise: &mut Noise) -> GradientsParams {
        let found = dbm.mean_field(batch.x.clone(), batch.context.as_ref(), self.updates);
        let rbm = dbm.bipartite();
        let sampled =
            self.contrastive.takes_start().then(|| rbm.hidden.sample(found.odd_input.clone(), noise));
        let data = Phase {
            visible: Tensor::cat(vec![batch.x, found.even], 1),
            hidden: found.odd,
            weights: batch.weights.map(of_mean_one),
        };
        let (gradient, _) = self.contrastive.gradient_of(&rbm, &data, sampled, noise);
        dbm.register(gradient)
    }
}

impl Dbm {
    /// Independent units of the even layers and the label on their side, from which the machine is annealed: fitted to the visible
    /// units `v [batch, visible]` and to their mean field.
    pub fn annealing_base(&self, v: Tensor<2>, updates: usize) -> Joined {
        let even = self.mean_field(v.clone(), None, updates).even;
        self.bipartite().visible.fitted(&UnitMoments::of(Tensor::cat(vec![v, even], 1)))
    }

    /// The gradient of the machine as an RBM, by the parameters of the machine.
    pub(super) fn register(&self, gradient: Gradient) -> GradientsParams {
        let mut gradients = GradientsParams::new();
        let places = self.places();
        let between = |below: Place, above: Place| {
            let (even, odd) = if below.is_even { (below, above) } else { (above, below) };
            let block = gradient.weight.clone().narrow(0, even.start, even.width);
            let block = block.narrow(1, odd.start, odd.width);
            if below.is_even { block } else { block.transpose() }
        };
        for (k, layer) in self.layers.iter().enumerate() {
            gradients.register(layer.weight.id, between(places[k], places[k + 1]));
        }
        // Gaussian visible units have parameters of their own, before those of the other even layers.
        let own = if self.log_var.is_some() { 2 } else { 0 };
        if let Some(log_var) = &self.log_var {
            gradients.register(self.biases[0].id, gradient.visible[0].clone());
            gradients.register(log_var.id, gradient.visible[1].clone());
        }
        let shift = if own > 0 { self.width(0) } else { 0 };
        let bias = |place: Place| match place.is_even {
            true => gradient.visible[own].clone().narrow(0, place.start - shift, place.width),
            false => gradient.hidden[0].clone().narrow(0, place.start, place.width),
        };
        for (k, parameter) in self.biases.iter().enumerate().skip(usize::from(own > 0)) {
            gradients.register(parameter.id, bias(places[k]));
        }
        if let Some(label) = &self.label {
            let [below, place] = [self.depth(), self.depth() + 1].map(|k| places[k]);
            gradients.register(label.weight.id, between(below, place));
            gradients.register(label.bias.id, bias(place));
        }
        gradients
    }
}

impl Objective<Dbm> for DeepContrastive {
    fn step(
        &mut self,
        dbm: &Dbm,
        batch: Batch,
        _: &Position,
        noise: &mut Noise,
    ) -> Result<StepOutput, BoxError> {
        Ok(StepOutput::direct(self.gradients(dbm, batch, noise)))
    }

    fn needs_autodiff(&self) -> bool {
        false
    }

    fn state(&self) -> ObjectiveState {
        Objective::<Rbm<Joined, Joined>>::state(&self.contrastive)
    }

    fn restore(&mut self, state: ObjectiveState) {
        Objective::<Rbm<Joined, Joined>>::restore(&mut self.contrastive, state);
    }
}
