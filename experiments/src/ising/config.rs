//! Settings of an Ising run, and the presets.

use anyhow::Result;
use gibbs_data::Splits;
use gibbs_physics::inverse::ChainsConfig;
use gibbs_train::training::LoopConfig;
use serde::{Deserialize, Serialize};

use super::{IsingRun, Method};
use crate::{boltzmann::check_counts, cli::Preset, experiment::Length, fault::Fault, system::System};

/// Spins of a system without a lattice when none are given: as many as the examples of the field have, and few
/// enough for exact sums at every step.
pub(super) const SPINS: usize = 16;

/// What is learned, and from which truth.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IsingModel {
    /// Method that learns the couplings.
    pub kind: Method,
    /// Spins of the model; `null` takes those of the data.
    pub n_spins: Option<usize>,
    /// The system that samples are drawn from, where no data are given.
    pub system: System,
}

/// How chains of spins run where states are too many to sum over.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Walk {
    /// Independent heat-bath chains.
    pub chains: usize,
    /// Sweeps of each before its first draw.
    pub burn_in: usize,
    /// Sweeps between two draws of a chain.
    pub every: usize,
}

/// Learning.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IsingTrain {
    /// Logs and checkpoints.
    #[serde(flatten)]
    pub run: LoopConfig,
    /// Samples to learn from, where no data are given; a tenth as many are drawn for each of valid and test.
    pub samples: usize,
    /// Most steps of `exact` and `pseudo_likelihood`, which stop by themselves.
    pub max_steps: usize,
    /// Gradient at which these stop, in units of the spins' standard deviations.
    pub tolerance: f64,
    /// Quadratic penalty `λ Σ J²` of `pseudo_likelihood`, nats per sample.
    pub penalty: f64,
    /// Chains of `monte_carlo`.
    pub chains: usize,
    /// Heat-bath sweeps of these before each step.
    pub sweeps: usize,
    /// Steps of `monte_carlo`.
    pub steps: usize,
    /// First rate of `monte_carlo`, in Newton steps of free spins.
    pub learning_rate: f64,
    /// Chains that draw samples from systems of more than 20 spins.
    pub walk: Walk,
}

impl Length for IsingTrain {
    fn run(&self) -> LoopConfig {
        self.run.clone()
    }
}

impl IsingTrain {
    /// The configuration of `monte_carlo`.
    pub(super) fn chains_config(&self) -> ChainsConfig {
        ChainsConfig { chains: self.chains, sweeps: self.sweeps, steps: self.steps, rate: self.learning_rate }
    }
}

/// Settings to start from.
pub(super) fn preset(preset: Preset) -> (IsingModel, IsingTrain) {
    let system = System { kind: crate::system::SystemKind::Sk, beta: 0.3, ..System::new() };
    let model = IsingModel { kind: Method::PseudoLikelihood, n_spins: None, system };
    let ChainsConfig { chains, sweeps, steps, rate } = ChainsConfig::default();
    let (samples, chains, steps) = match preset {
        Preset::Tiny => (2_000, 100, 100),
        Preset::Default => (100_000, chains, steps),
        Preset::Paper => (1_000_000, chains, 10 * steps),
    };
    let train = IsingTrain {
        run: LoopConfig { validate_every_epochs: 0, log_every_steps: 10, ..LoopConfig::default() },
        samples,
        max_steps: 300,
        tolerance: 1e-9,
        penalty: 0.0,
        chains,
        sweeps,
        steps,
        learning_rate: rate,
        walk: Walk { chains: 100, burn_in: 1000, every: 10 },
    };
    (model, train)
}

/// Takes the number of spins from the data, and checks what can be checked before learning.
pub(super) fn settle(config: &mut IsingRun, data: &Splits) -> Result<()> {
    config.data.shape.get_or_insert_with(|| data.train.shape().to_vec());
    let n_spins = *config.model.n_spins.get_or_insert(data.width());
    data.train.require_width(n_spins)?;
    let train = &config.train;
    if train.run.epochs != 1 {
        return Err(Fault::usage(format!(
            "train.epochs = {}: every step sees all samples, so there is 1 epoch; train.steps and train.max_steps tell how long",
            train.run.epochs
        )));
    }
    check_counts(&[("train.max_steps", train.max_steps)])?;
    for (name, value) in [("train.tolerance", train.tolerance), ("train.penalty", train.penalty)] {
        if !(value.is_finite() && value >= 0.0) {
            return Err(Fault::usage(format!("{name} = {value}: must be finite and at least 0")));
        }
    }
    if !(train.learning_rate.is_finite() && train.learning_rate > 0.0) {
        return Err(Fault::usage(format!(
            "train.learning_rate = {}: must be finite and above 0",
            train.learning_rate
        )));
    }
    let walk = &train.walk;
    check_counts(&[
        ("train.chains", train.chains),
        ("train.sweeps", train.sweeps),
        ("train.steps", train.steps),
        ("train.walk.chains", walk.chains),
        ("train.walk.every", walk.every),
    ])
}
