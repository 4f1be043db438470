//! Learning: clamped against free averages, by exact sums, chains or mean field.

use burn::{config::Config, optim::GradientsParams, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{Batch, BoxError, ConfigError, Objective, ObjectiveState, Position, StepOutput};
use serde::{Deserialize, Serialize};

use super::{config::BmConfig, exact::Moments, machine::BoltzmannMachine};

/// Most units for which a step sums over all states.
const MAX_EXACT: usize = 20;

/// How the two averages are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Learning {
    /// Sums over all states.
    Exact,
    /// Chains of the free phase continue from step to step. Hidden units of the clamped phase start at random.
    Persistent,
    /// Chains of both phases start at random in each step and are cooled (Ackley, Hinton & Sejnowski 1985).
    Annealed,
    /// Means instead of draws; those of the free phase start at those of the clamped one (Welling & Hinton 2002).
    MeanField,
}

/// Settings of the objective.
#[derive(Config, Debug, PartialEq)]
pub struct LearningConfig {
    /// How the averages are computed.
    #[config(default = "Learning::Persistent")]
    pub method: Learning,
    /// Chains of the free phase; at least 1.
    #[config(default = 100)]
    pub n_chains: usize,
    /// Sweeps of the free phase in each step, or updates of mean field; at least 1.
    #[config(default = 5)]
    pub free_sweeps: usize,
    /// Sweeps of the hidden units in the clamped phase, or updates of mean field; at least 1.
    #[config(default = 5)]
    pub clamped_sweeps: usize,
    /// Strength of the penalty `λ/2 Σ J²`.
    #[config(default = 0.0)]
    pub l2: f64,
}

impl LearningConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("n_chains", self.n_chains, 1)?;
        ConfigError::at_least("free_sweeps", self.free_sweeps, 1)?;
        ConfigError::at_least("clamped_sweeps", self.clamped_sweeps, 1)?;
        ConfigError::not_negative("l2", self.l2)
    }

    /// The objective for machines of a configuration, before its first step.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails, or exact sums are wanted over more than 20 units.
    pub fn init(&self, machine: &BmConfig, device: &Device) -> Result<BoltzmannLearning, ConfigError> {
        self.validate()?;
        let (n, is_exact) = (machine.n_units(), self.method == Learning::Exact);
        let reason = format!(
            "sums over the states of at most {MAX_EXACT} units, and there are {n}; take \"persistent\""
        );
        ConfigError::require(n <= MAX_EXACT || !is_exact, "method", "\"exact\"", reason)?;
        Ok(BoltzmannLearning { config: self.clone(), pairs: machine.pairs(device), chains: None })
    }

    /// Inverse temperatures of the sweeps of a phase: 1, or growing to 1.
    fn betas(&self, sweeps: usize) -> impl Iterator<Item = f64> + use<> {
        let is_annealed = self.method == Learning::Annealed;
        (1..=sweeps).map(move |k| if is_annealed { k as f64 / sweeps as f64 } else { 1.0 })
    }
}

/// Learning of a general Boltzmann machine; see the [module documentation](crate::bm).
///
/// A batch holds spins of the visible units. Examples count by their weights.
#[derive(Clone, Debug)]
pub struct BoltzmannLearning {
    config: LearningConfig,
    pairs: Tensor<2>,
    /// States of the free phase `[chains, n]`; `None` before the first step.
    chains: Option<Tensor<2>>,
}

impl BoltzmannLearning {
    /// The gradients of a step: of couplings that exist alone, symmetric.
    pub fn gradients(
        &mut self,
        machine: &BoltzmannMachine,
        batch: Batch,
        noise: &mut Noise,
    ) -> GradientsParams {
        let n = batch.x.dims()[0];
        let weights = match batch.weights {
            Some(weights) => weights.clone() / weights.sum().clamp_min(f32::MIN_POSITIVE),
            None => Tensor::full([n], 1.0 / n as f64, (&batch.x.device(), batch.x.dtype())),
        };
        let ((clamped, clamped_pairs), (free, free_pairs)) =
            self.phases(machine, batch.x, weights.unsqueeze_dim(1), noise);
        let difference = free_pairs - clamped_pairs;
        let couplings = (difference.clone() + difference.transpose()) * 0.5;
        let couplings = couplings + machine.couplings.val() * self.config.l2;
        let mut gradients = GradientsParams::new();
        gradients.register(machine.couplings.id, couplings * self.pairs.clone().cast(clamped.dtype()));
        gradients.register(machine.field.id, free - clamped);
        gradients
    }

    fn phases(
        &mut self,
        machine: &BoltzmannMachine,
        v: Tensor<2>,
        weights: Tensor<2>,
        noise: &mut Noise,
    ) -> (Moments, Moments) {
        let (config, visible) = (self.config.clone(), machine.n_visible());
        if config.method == Learning::Exact {
            return (machine.clamped_moments(v, weights), machine.free_moments());
        }
        let n = v.dims()[0];
        if config.method == Learning::MeanField {
            let start = machine.with_visible(v.clone(), &machine.random_states(n, noise).zeros_like());
            let clamped = machine.mean_field(start, visible, config.clamped_sweeps);
            let free = machine.mean_field(clamped.clone(), 0, config.free_sweeps);
            return (moments(clamped, weights.clone()), moments(free, weights));
        }
        let start = machine.with_visible(v, &machine.random_states(n, noise));
        let clamped =
            config.betas(config.clamped_sweeps).fold(start, |s, beta| machine.sweep(s, visible, beta, noise));
        let start = match (config.method, self.chains.take()) {
            (Learning::Persistent, Some(chains)) => chains,
            _ => machine.random_states(config.n_chains, noise),
        };
        let free = config.betas(config.free_sweeps).fold(start, |s, beta| machine.sweep(s, 0, beta, noise));
        if config.method == Learning::Persistent {
            self.chains = Some(free.clone());
        }
        let equal = 1.0 / config.n_chains as f64;
        let equal = Tensor::full([config.n_chains, 1], equal, (&free.device(), free.dtype()));
        (moments(clamped, weights), moments(free, equal))
    }
}

/// Moments of rows that `weights [rows, 1]` weigh, which sum to one.
fn moments(s: Tensor<2>, weights: Tensor<2>) -> Moments {
    let weighted = s.clone() * weights;
    (weighted.clone().sum_dim(0).squeeze_dim(0), weighted.transpose().matmul(s))
}

impl Objective<BoltzmannMachine> for BoltzmannLearning {
    fn step(
        &mut self,
        machine: &BoltzmannMachine,
        batch: Batch,
        _: &Position,
        noise: &mut Noise,
    ) -> Result<StepOutput, BoxError> {
        Ok(StepOutput::direct(self.gradients(machine, batch, noise)))
    }

    fn needs_autodiff(&self) -> bool {
        false
    }

    fn state(&self) -> ObjectiveState {
        let tensors = self.chains.iter().map(|chains| ("chains".to_string(), chains.clone())).collect();
        ObjectiveState { tensors, ..ObjectiveState::default() }
    }

    fn restore(&mut self, state: ObjectiveState) {
        self.chains = state.tensors.into_iter().next().map(|(_, chains)| chains);
    }
}
