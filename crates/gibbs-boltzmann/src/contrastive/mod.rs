//! Contrastive divergence and its persistent forms: training an RBM by sampled statistics.
//!
//! ```text
//! -∂/∂θ mean log p(v) = ⟨∂F/∂θ⟩_data - ⟨∂F/∂θ⟩_model
//! ∂F/∂W = -v E[h | v],   ∂F/∂θ_v = ∂E_v/∂θ_v,   ∂F/∂θ_h = -∂Γ_h/∂θ_h
//! ```
//!
//! The model average is taken over chains: started at the data for `k` sweeps (CD-k), continued from
//! step to step (PCD), or kept mobile by parallel tempering. All statistics are direct formulas, without
//! autodiff. They are gradients for any Burn optimizer.
//!
//! References: Hinton, Neural Computation 14:1771 (2002), CD; Tieleman, ICML 2008, PCD; Desjardins et
//! al., AISTATS 2010, tempering; Montavon & Müller (2012) and Melchior, Fischer & Wiskott, JMLR 17:99
//! (2016), centering; Hinton's guide, UTML TR 2010-003, sections 3, 10, 11.
//!
//! Differences from the papers: persistent chains store the hidden layer, which saves one product a step.
//!
//! Cost of a step: `3 + 2k` products of `[batch, visible] × [visible, hidden]`.

mod config;
mod gradient;
mod sampler;

use std::collections::HashMap;

use burn::{optim::GradientsParams, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{Batch, BoxError, ConfigError, Objective, ObjectiveState, Position, StepOutput};

use crate::{
    rbm::Rbm,
    tempering::ParallelTempering,
    units::{UnitFamily, UnitStatistics, Units},
};
use gradient::{Centering, Sparsity};
pub(crate) use gradient::{Gradient, Phase};
use sampler::{NegativeSampler, positive_phase};

pub use config::{Chains, ContrastiveConfig, Statistics};

impl ContrastiveConfig {
    /// The objective for an RBM with these units, before its first step.
    ///
    /// Tempered chains start at the independent units `base`; fit it to the data ([`UnitFamily::fitted`](crate::units::UnitFamily::fitted)).
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails, or the units have no linear bias and the gradients are to be centered.
    pub fn init<V: UnitStatistics, H: UnitStatistics>(
        &self,
        rbm: &Rbm<V, H>,
        base: V,
    ) -> Result<Contrastive<V>, ConfigError> {
        self.validate()?;
        let is_linear = rbm.visible.has_linear_bias() && rbm.hidden.has_linear_bias();
        let reason = "needs units with a linear bias; Gaussian units have none";
        ConfigError::require(is_linear || !self.centered, "centered", true, reason)?;
        Ok(Contrastive {
            config: self.clone(),
            base,
            sampler: NegativeSampler::new(self.chains),
            centering: Centering::default(),
            sparsity: Sparsity::default(),
        })
    }
}

/// CD-k, PCD or tempered PCD; see the [module documentation](self).
#[derive(Clone, Debug)]
pub struct Contrastive<V: Units> {
    config: ContrastiveConfig,
    base: V,
    sampler: NegativeSampler,
    centering: Centering,
    sparsity: Sparsity,
}

impl<V: Units> Contrastive<V> {
    /// Independent visible units at which tempered chains start.
    pub fn base(&self) -> &V {
        &self.base
    }

    /// Whether each chain starts at an example of the batch, and then weighs as much as this.
    pub(crate) fn starts_at_data(&self) -> bool {
        self.config.chains == Chains::Data
    }

    /// Whether the next step may start its chains at draws of the hidden units given the data.
    pub(crate) fn takes_start(&self) -> bool {
        self.starts_at_data() || self.sampler.is_fresh()
    }

    /// Visible states of the chains of the negative phase, if any persist: draws from the model, up to
    /// the chains' memory.
    pub fn chains<H: Units>(&self, rbm: &Rbm<V, H>, noise: &mut Noise) -> Option<Tensor<2>> {
        self.sampler.visible(rbm, noise)
    }
}

impl<V: UnitFamily + UnitStatistics> Contrastive<V> {
    /// The gradients of a step, and the visible states `[chains, visible]` of its negative phase.
    pub fn gradients<H: UnitFamily + UnitStatistics>(
        &mut self,
        rbm: &Rbm<V, H>,
        batch: Tensor<2>,
        noise: &mut Noise,
    ) -> (GradientsParams, Tensor<2>) {
        self.weighted_gradients(rbm, batch, None, noise)
    }

    /// [`gradients`](Self::gradients) of the likelihood `Σ_i w_i log p(v_i) / Σ_i w_i` of examples with `weights [batch]`. A weight
    /// of 2 counts as much as a repetition of the row.
    pub fn weighted_gradients<H: UnitFamily + UnitStatistics>(
        &mut self,
        rbm: &Rbm<V, H>,
        batch: Tensor<2>,
        weights: Option<Tensor<1>>,
        noise: &mut Noise,
    ) -> (GradientsParams, Tensor<2>) {
        let (mut data, sampled) = positive_phase(&self.config, rbm, batch, noise);
        data.weights = weights.map(of_mean_one);
        let (gradient, visible) = self.gradient_of(rbm, &data, sampled, noise);
        (gradient.register(rbm), visible)
    }

    /// The gradient of a step whose positive phase is `data`, and the visible states of its negative phase. Chains that start at the
    /// data take `sampled`, draws of the hidden units, and so do persistent chains in their first step if it is there.
    pub(crate) fn gradient_of<H: UnitFamily + UnitStatistics>(
        &mut self,
        rbm: &Rbm<V, H>,
        data: &Phase,
        sampled: Option<Tensor<2>>,
        noise: &mut Noise,
    ) -> (Gradient, Tensor<2>) {
        let config = &self.config;
        let mut model = self.sampler.sample(config, rbm, &self.base, sampled, noise);
        if self.starts_at_data() {
            // A chain weighs as much as the example at which it starts.
            model.weights = data.weights.clone();
        }
        let mut gradient = Gradient::new(rbm, data, &model, config.statistics);
        if config.centered {
            self.centering.apply(&mut gradient, data, &model, config.centering_rate);
        }
        if config.sparsity != 0.0 {
            self.sparsity.apply(&mut gradient, data, config);
        }
        gradient.decay(config, &rbm.weight.val());
        (gradient, model.visible)
    }
}

/// Weights `[batch]` as a column `[batch, 1]` with mean 1.
pub(crate) fn of_mean_one(weights: Tensor<1>) -> Tensor<2> {
    let mean = weights.clone().mean().clamp_min(f32::MIN_POSITIVE);
    (weights / mean).unsqueeze_dim(1)
}

impl<V: UnitFamily + UnitStatistics, H: UnitFamily + UnitStatistics> Objective<Rbm<V, H>> for Contrastive<V> {
    fn step(
        &mut self,
        rbm: &Rbm<V, H>,
        batch: Batch,
        _: &Position,
        noise: &mut Noise,
    ) -> Result<StepOutput, BoxError> {
        Ok(StepOutput::direct(self.weighted_gradients(rbm, batch.x, batch.weights, noise).0))
    }

    fn needs_autodiff(&self) -> bool {
        false
    }

    /// Chains, centers and moving averages.
    fn state(&self) -> ObjectiveState {
        let row = |x: &Tensor<1>| x.clone().unsqueeze();
        let (mut tensors, mut steps) = (Vec::new(), 0);
        match &self.sampler {
            NegativeSampler::Data => {}
            NegativeSampler::Persistent(chains) => {
                tensors.extend(chains.iter().map(|h| ("chains".to_string(), h.clone())));
            }
            NegativeSampler::Tempered(tempering) => {
                steps = tempering.as_ref().map_or(0, ParallelTempering::steps);
                let replicas = tempering.iter().flat_map(ParallelTempering::replicas).enumerate();
                tensors.extend(replicas.map(|(i, v)| (format!("replica.{i}"), v.clone())));
            }
        }
        if let Some([visible, hidden]) = &self.centering.centers {
            tensors.push(("center.visible".into(), row(visible)));
            tensors.push(("center.hidden".into(), row(hidden)));
        }
        tensors.extend(self.sparsity.activity.iter().map(|q| ("activity".into(), row(q))));
        ObjectiveState { tensors, steps, ..ObjectiveState::default() }
    }

    fn restore(&mut self, ObjectiveState { tensors, steps, .. }: ObjectiveState) {
        let mut state: HashMap<_, _> = tensors.into_iter().collect();
        let row = |x: Tensor<2>| x.squeeze_dim::<1>(0);
        self.sparsity.activity = state.remove("activity").map(row);
        let centers = state.remove("center.visible").zip(state.remove("center.hidden"));
        self.centering.centers = centers.map(|(visible, hidden)| [row(visible), row(hidden)]);
        match &mut self.sampler {
            NegativeSampler::Data => {}
            NegativeSampler::Persistent(chains) => *chains = state.remove("chains"),
            NegativeSampler::Tempered(tempering) => {
                let replicas: Vec<_> = (0..).map_while(|i| state.remove(&format!("replica.{i}"))).collect();
                *tempering = (!replicas.is_empty())
                    .then(|| ParallelTempering::restore(self.config.betas(), replicas, steps));
            }
        }
    }
}
