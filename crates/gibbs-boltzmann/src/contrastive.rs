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

use burn::{config::Config, optim::GradientsParams, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{Objective, StepOutput};
use serde::{Deserialize, Serialize};

use crate::{
    rbm::{ConfigError, Rbm},
    tempering::ParallelTempering,
    units::{Moments, Units},
};

/// Where the chains of the negative phase start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chains {
    /// At the data, anew in each step: CD-k.
    Data,
    /// Where they ended in the step before: PCD.
    Persistent,
    /// As persistent ones, with replicas at higher temperatures: PCD with parallel tempering.
    Tempered,
}

/// Whether the hidden units enter the statistics as conditional means or as samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistics {
    /// Conditional means: less noise (Hinton's guide, section 3.3).
    Mean,
    /// Samples, as in the maximum-likelihood formula before the hidden units are summed out.
    Sampled,
}

/// Settings of the objective.
#[derive(Config, Debug, PartialEq)]
pub struct ContrastiveConfig {
    /// Where the chains start.
    #[config(default = "Chains::Persistent")]
    pub chains: Chains,
    /// Gibbs sweeps in each step; at least 1 (25 in Salakhutdinov & Murray 2008).
    #[config(default = 1)]
    pub sweeps: usize,
    /// Number of persistent or tempered chains; at least 1 (100 in Tieleman 2008).
    #[config(default = 100)]
    pub n_chains: usize,
    /// Inverse temperatures of the ladder of tempered chains, evenly spaced from 0 to 1; at least 2.
    #[config(default = 10)]
    pub temperatures: usize,
    /// How hidden units enter the statistics.
    #[config(default = "Statistics::Mean")]
    pub statistics: Statistics,
    /// Sample the reconstructions (true), or use their means (false, mean-field CD).
    #[config(default = true)]
    pub sample_visible: bool,
    /// Subtract moving averages from both layers' states before they are correlated.
    #[config(default = false)]
    pub centered: bool,
    /// Weight of a new batch in the moving averages of centering; in (0, 1] (0.01 in Melchior et al. 2016).
    #[config(default = 0.01)]
    pub centering_rate: f64,
    /// Strength of the penalty `λ Σ |W|`.
    #[config(default = 0.0)]
    pub l1: f64,
    /// Strength of the penalty `λ/2 Σ W²`.
    #[config(default = 0.0)]
    pub l2: f64,
    /// Strength of the pull of the mean hidden activity towards `sparsity_target`.
    #[config(default = 0.0)]
    pub sparsity: f64,
    /// Wanted mean activity (0.01 to 0.1 in Hinton's guide, section 11).
    #[config(default = 0.1)]
    pub sparsity_target: f64,
    /// Decay of the moving average of hidden activity (0.9 to 0.99 in Hinton's guide).
    #[config(default = 0.95)]
    pub sparsity_decay: f64,
}

impl ContrastiveConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let counts = [("sweeps", self.sweeps, 1), ("n_chains", self.n_chains, 1)];
        for (field, value, least) in counts.into_iter().chain([("temperatures", self.temperatures, 2)]) {
            if value < least {
                return Err(ConfigError::new(field, value, format!("must be at least {least}")));
            }
        }
        for (field, value) in [("l1", self.l1), ("l2", self.l2), ("sparsity", self.sparsity)] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(ConfigError::new(field, value, "must be finite and not negative"));
            }
        }
        if !(self.centering_rate > 0.0 && self.centering_rate <= 1.0) {
            return Err(ConfigError::new("centering_rate", self.centering_rate, "must lie in (0, 1]"));
        }
        if !(0.0..1.0).contains(&self.sparsity_decay) {
            return Err(ConfigError::new("sparsity_decay", self.sparsity_decay, "must lie in [0, 1)"));
        }
        if !self.sparsity_target.is_finite() {
            return Err(ConfigError::new("sparsity_target", self.sparsity_target, "must be finite"));
        }
        Ok(())
    }

    /// The objective for machines with these units, before its first step.
    ///
    /// `base` is where tempered chains come from; fit it to the data ([`Units::fitted`]).
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails, or centering is asked of units without a linear bias.
    pub fn init<V: Units, H: Units>(&self, rbm: &Rbm<V, H>, base: V) -> Result<Contrastive<V>, ConfigError> {
        self.validate()?;
        if self.centered && !(rbm.visible.has_linear_bias() && rbm.hidden.has_linear_bias()) {
            return Err(ConfigError::new("centered", true, "needs units with a linear bias; Gaussian units have none"));
        }
        Ok(Contrastive {
            config: self.clone(),
            base,
            hidden: None,
            tempering: None,
            centers: None,
            activity: None,
        })
    }
}

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

/// States of both layers, or means, over which statistics are taken.
struct Phase {
    visible: Tensor<2>,
    hidden: Tensor<2>,
}

impl<V: Units> Contrastive<V> {
    /// What a checkpoint must hold: chains, centers and moving averages, by name.
    pub fn state(&self) -> Vec<(String, Tensor<2>)> {
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

    /// Number of steps whose parity the tempering needs, for the checkpoint.
    pub fn steps(&self) -> u64 {
        self.tempering.as_ref().map_or(0, ParallelTempering::steps)
    }

    /// Continues from a [`state`](Self::state) taken after [`steps`](Self::steps).
    pub fn restore(&mut self, state: Vec<(String, Tensor<2>)>, steps: u64) {
        let mut state: std::collections::HashMap<_, _> = state.into_iter().collect();
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
        let mut tempering = self.tempering.take().unwrap_or_else(|| {
            ParallelTempering::init(rbm, self.betas(), self.config.n_chains, noise)
        });
        for _ in 0..self.config.sweeps {
            tempering.step(rbm, &self.base, noise);
        }
        let visible = tempering.cold();
        self.tempering = Some(tempering);
        let input = rbm.hidden_input(visible.clone());
        let sampled = (self.config.statistics == Statistics::Sampled)
            .then(|| rbm.hidden.sample(input.clone(), noise));
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
    fn step(&mut self, rbm: &Rbm<V, H>, batch: Tensor<2>, noise: &mut Noise) -> StepOutput {
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
        StepOutput { gradients, figures: Vec::new() }
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

/// `⟨v h⟩_model - ⟨v h⟩_data`, both centered, as one product over the joined batches.
fn correlation_difference(data: &Phase, model: &Phase, centers: Option<&[Tensor<1>; 2]>) -> Tensor<2> {
    let (n, m) = (data.visible.dims()[0] as f64, model.visible.dims()[0] as f64);
    let mut data_hidden = data.hidden.clone();
    let mut model_hidden = model.hidden.clone();
    let mut visible = Tensor::cat(vec![data.visible.clone(), model.visible.clone()], 0);
    if let Some([visible_center, hidden_center]) = centers {
        visible = visible - visible_center.clone().unsqueeze();
        data_hidden = data_hidden - hidden_center.clone().unsqueeze();
        model_hidden = model_hidden - hidden_center.clone().unsqueeze();
    }
    let hidden = Tensor::cat(vec![data_hidden * (-1.0 / n), model_hidden * (1.0 / m)], 0);
    visible.transpose().matmul(hidden)
}

/// Model minus data, parameter by parameter: the descent direction of the negative log-likelihood.
fn differences(data: Vec<Tensor<1>>, model: Vec<Tensor<1>>) -> Vec<Tensor<1>> {
    data.into_iter().zip(model).map(|(data, model)| model - data).collect()
}

fn matvec(matrix: Tensor<2>, vector: Tensor<1>) -> Tensor<1> {
    matrix.matmul(vector.unsqueeze_dim(1)).squeeze_dim(1)
}
