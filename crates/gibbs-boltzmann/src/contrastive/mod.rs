//! Contrastive divergence and its persistent forms: training an RBM by sampled statistics.
//!
//! ```text
//! -∂/∂θ mean log p(v) = ⟨∂F/∂θ⟩_data - ⟨∂F/∂θ⟩_model
//! ∂F/∂W = -v E[h | v],   ∂F/∂θ_v = ∂E_v/∂θ_v,   ∂F/∂θ_h = -∂Γ_h/∂θ_h
//! ```
//!
//! The model average is taken over chains: started at the data for `k` sweeps (CD-k), continued from
//! step to step (PCD), or kept mobile by parallel tempering. All statistics are direct formulas, without
//! autodiff, and come out as gradients for any Burn optimizer.
//!
//! References: Hinton, Neural Computation 14:1771 (2002), CD; Tieleman, ICML 2008, PCD; Desjardins et
//! al., AISTATS 2010, tempering; Montavon & Müller (2012) and Melchior, Fischer & Wiskott, JMLR 17:99
//! (2016), centering; Hinton's guide, UTML TR 2010-003, sections 3, 10, 11.
//!
//! Differences from the papers: persistent chains carry the hidden layer, which saves one product a step.
//!
//! Cost of a step: `3 + 2k` products of `[batch, visible] × [visible, hidden]`.

mod config;
mod correlation;

use burn::{optim::GradientsParams, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{Batch, BoxError, Objective, ObjectiveState, Position, StepOutput};

use crate::{
    rbm::Rbm,
    tempering::ParallelTempering,
    units::{Moments, Units},
};
use correlation::{Phase, correlation_difference, differences, matvec};

pub use config::{Chains, ContrastiveConfig, Statistics};

/// CD-k, PCD or tempered PCD; see the [module documentation](self).
#[derive(Debug)]
pub struct Contrastive<V: Units> {
    config: ContrastiveConfig,
    base: V,
    hidden: Option<Tensor<2>>,
    tempering: Option<ParallelTempering>,
    centers: Option<[Tensor<1>; 2]>,
    activity: Option<Tensor<1>>,
}

impl<V: Units> Contrastive<V> {
    fn new(config: ContrastiveConfig, base: V) -> Self {
        Self { config, base, hidden: None, tempering: None, centers: None, activity: None }
    }

    /// Chains, centers and moving averages, by name.
    fn tensors(&self) -> Vec<(String, Tensor<2>)> {
        let row = |x: &Tensor<1>| x.clone().unsqueeze();
        let hidden = self.hidden.iter().map(|h| ("chains".to_string(), h.clone()));
        let replicas = self.tempering.iter().flat_map(|tempering| {
            let replicas = tempering.replicas().iter().enumerate();
            replicas.map(|(i, v)| (format!("replica.{i}"), v.clone()))
        });
        let centers = self.centers.iter().flat_map(|[visible, hidden]| {
            [("center.visible".to_string(), row(visible)), ("center.hidden".to_string(), row(hidden))]
        });
        let activity = self.activity.iter().map(|activity| ("activity".to_string(), row(activity)));
        hidden.chain(replicas).chain(centers).chain(activity).collect()
    }

    /// What a checkpoint must hold.
    pub fn state(&self) -> ObjectiveState {
        let steps = self.tempering.as_ref().map_or(0, ParallelTempering::steps);
        ObjectiveState { tensors: self.tensors(), steps, ..ObjectiveState::default() }
    }

    /// Continues from a [`state`](Self::state).
    pub fn restore(&mut self, ObjectiveState { tensors, steps, .. }: ObjectiveState) {
        let mut state: std::collections::HashMap<_, _> = tensors.into_iter().collect();
        let row = |x: Tensor<2>| x.squeeze_dim::<1>(0);
        self.hidden = state.remove("chains");
        self.activity = state.remove("activity").map(row);
        let centers = (state.remove("center.visible"), state.remove("center.hidden"));
        self.centers = match centers {
            (Some(visible), Some(hidden)) => Some([row(visible), row(hidden)]),
            _ => None,
        };
        let replicas: Vec<_> = (0..).map_while(|i| state.remove(&format!("replica.{i}"))).collect();
        if !replicas.is_empty() {
            self.tempering = Some(ParallelTempering::restore(self.betas(), replicas, steps));
        }
    }

    /// Visible states of the chains of the negative phase, if any persist: draws from the model, up to
    /// the chains' memory.
    pub fn chains<H: Units>(&self, rbm: &Rbm<V, H>, noise: &mut Noise) -> Option<Tensor<2>> {
        match (&self.tempering, &self.hidden) {
            (Some(tempering), _) => Some(tempering.cold()),
            (None, Some(h)) => Some(rbm.sample_visible(h.clone(), noise)),
            (None, None) => None,
        }
    }

    /// The gradients of a step, and the visible states `[chains, visible]` of its negative phase.
    pub fn gradients<H: Units>(
        &mut self,
        rbm: &Rbm<V, H>,
        batch: Tensor<2>,
        noise: &mut Noise,
    ) -> (GradientsParams, Tensor<2>) {
        let (data, sampled) = self.positive(rbm, batch, noise);
        let model = self.negative(rbm, sampled, noise);
        let pull = self.sparsity_pull(&data);
        let centers = self.config.centered.then(|| self.update_centers(&data));

        let mut weight = correlation_difference(&data, &model, centers.as_ref());
        let mut visible = differences(
            rbm.visible.statistics(data.visible.clone()),
            rbm.visible.statistics(model.visible.clone()),
        );
        let mut hidden =
            differences(hidden_statistics(self, rbm, &data), hidden_statistics(self, rbm, &model));
        if let Some([visible_center, hidden_center]) = centers {
            visible[0] = visible[0].clone() - matvec(weight.clone(), hidden_center);
            hidden[0] = hidden[0].clone() - matvec(weight.clone().transpose(), visible_center);
        }
        if let Some(pull) = pull {
            let [mean] = Moments::means([data.visible]);
            weight = weight + mean.unsqueeze_dim::<2>(1) * pull.clone().unsqueeze_dim::<2>(0);
            hidden[0] = hidden[0].clone() + pull;
        }
        if self.config.l2 > 0.0 {
            weight = weight + rbm.weight.val() * self.config.l2;
        }
        if self.config.l1 > 0.0 {
            weight = weight + rbm.weight.val().sign() * self.config.l1;
        }

        let mut gradients = GradientsParams::new();
        gradients.register(rbm.weight.id, weight);
        let parameters = rbm.visible.parameters().into_iter().zip(visible);
        for (parameter, gradient) in parameters.chain(rbm.hidden.parameters().into_iter().zip(hidden)) {
            gradients.register(parameter.id, gradient);
        }
        (gradients, model.visible)
    }

    fn betas(&self) -> Vec<f64> {
        let last = (self.config.temperatures - 1) as f64;
        (0..self.config.temperatures).map(|i| i as f64 / last).collect()
    }

    /// The data with the hidden units that they cause, and the states from which CD starts.
    fn positive<H: Units>(
        &self,
        rbm: &Rbm<V, H>,
        v: Tensor<2>,
        noise: &mut Noise,
    ) -> (Phase, Option<Tensor<2>>) {
        let input = rbm.hidden_input(v.clone());
        let from_data = self.config.chains == Chains::Data;
        let sampled = (from_data || self.config.statistics == Statistics::Sampled)
            .then(|| rbm.hidden.sample(input.clone(), noise));
        let hidden = self.choose(rbm, input, sampled.clone());
        (Phase { visible: v, hidden }, sampled)
    }

    fn choose<H: Units>(&self, rbm: &Rbm<V, H>, input: Tensor<2>, sampled: Option<Tensor<2>>) -> Tensor<2> {
        match (self.config.statistics, sampled) {
            (Statistics::Sampled, Some(sampled)) => sampled,
            _ => Units::mean(&rbm.hidden, input),
        }
    }

    fn negative<H: Units>(
        &mut self,
        rbm: &Rbm<V, H>,
        from_data: Option<Tensor<2>>,
        noise: &mut Noise,
    ) -> Phase {
        match self.config.chains {
            Chains::Tempered => self.tempered(rbm, noise),
            Chains::Data => {
                let start = from_data.unwrap_or_else(|| self.initial_chains(rbm, noise));
                self.sweep(rbm, start, noise).0
            }
            Chains::Persistent => {
                let start = self.hidden.take().unwrap_or_else(|| self.initial_chains(rbm, noise));
                let (phase, end) = self.sweep(rbm, start, noise);
                self.hidden = Some(end);
                phase
            }
        }
    }

    /// Chains of hidden states from units without preference.
    fn initial_chains<H: Units>(&self, rbm: &Rbm<V, H>, noise: &mut Noise) -> Tensor<2> {
        let weight = rbm.weight.val();
        let shape = [self.config.n_chains, rbm.hidden.width()];
        let input = Tensor::zeros(shape, (&weight.device(), weight.dtype()));
        rbm.hidden.neutral().sample(input, noise)
    }

    /// `k` sweeps from hidden states; also the hidden states where the chains end.
    fn sweep<H: Units>(&self, rbm: &Rbm<V, H>, mut h: Tensor<2>, noise: &mut Noise) -> (Phase, Tensor<2>) {
        let mut last = None;
        for _ in 0..self.config.sweeps {
            let input = rbm.visible_input(h);
            let v = if self.config.sample_visible {
                rbm.visible.sample(input, noise)
            } else {
                Units::mean(&rbm.visible, input)
            };
            let input = rbm.hidden_input(v.clone());
            h = rbm.hidden.sample(input.clone(), noise);
            last = Some((v, input));
        }
        let Some((visible, input)) = last else { unreachable!("validate() demands a sweep") };
        let hidden = self.choose(rbm, input, Some(h.clone()));
        (Phase { visible, hidden }, h)
    }

    fn tempered<H: Units>(&mut self, rbm: &Rbm<V, H>, noise: &mut Noise) -> Phase {
        let mut tempering = self
            .tempering
            .take()
            .unwrap_or_else(|| ParallelTempering::init(rbm, self.betas(), self.config.n_chains, noise));
        for _ in 0..self.config.sweeps {
            tempering.step(rbm, &self.base, noise);
        }
        let visible = tempering.cold();
        self.tempering = Some(tempering);
        let input = rbm.hidden_input(visible.clone());
        let sampled =
            (self.config.statistics == Statistics::Sampled).then(|| rbm.hidden.sample(input.clone(), noise));
        let hidden = self.choose(rbm, input, sampled);
        Phase { visible, hidden }
    }

    /// Moving averages of the data's states of both layers.
    fn update_centers(&mut self, data: &Phase) -> [Tensor<1>; 2] {
        let means = Moments::means([data.visible.clone(), data.hidden.clone()]);
        let rate = self.config.centering_rate;
        let [visible, hidden] = match self.centers.take() {
            None => means,
            Some([visible, hidden]) => {
                let [v, h] = means;
                [visible * (1.0 - rate) + v * rate, hidden * (1.0 - rate) + h * rate]
            }
        };
        self.centers = Some([visible.clone(), hidden.clone()]);
        [visible, hidden]
    }

    /// Pull of each hidden unit's mean activity `q` towards the target: `strength · (q - target)`,
    /// the gradient of the cross-entropy between both with respect to the unit's input.
    fn sparsity_pull(&mut self, data: &Phase) -> Option<Tensor<1>> {
        if self.config.sparsity == 0.0 {
            return None;
        }
        let [now] = Moments::means([data.hidden.clone()]);
        let decay = self.config.sparsity_decay;
        let activity = match self.activity.take() {
            None => now,
            Some(before) => before * decay + now * (1.0 - decay),
        };
        self.activity = Some(activity.clone());
        Some((activity - self.config.sparsity_target) * self.config.sparsity)
    }
}

impl<V: Units, H: Units> Objective<Rbm<V, H>> for Contrastive<V> {
    fn step(
        &mut self,
        rbm: &Rbm<V, H>,
        batch: Batch,
        _: &Position,
        noise: &mut Noise,
    ) -> Result<StepOutput, BoxError> {
        Ok(StepOutput::direct(self.gradients(rbm, batch.x, noise).0))
    }

    fn needs_autodiff(&self) -> bool {
        false
    }

    fn state(&self) -> ObjectiveState {
        self.state()
    }

    fn restore(&mut self, state: ObjectiveState) {
        self.restore(state);
    }
}

fn hidden_statistics<V: Units, H: Units>(
    objective: &Contrastive<V>,
    rbm: &Rbm<V, H>,
    phase: &Phase,
) -> Vec<Tensor<1>> {
    match objective.config.statistics {
        Statistics::Mean => rbm.hidden.statistics_of_mean(phase.hidden.clone()),
        Statistics::Sampled => rbm.hidden.statistics(phase.hidden.clone()),
    }
}
