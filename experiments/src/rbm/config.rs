//! Settings of an RBM run, and the presets.

use anyhow::{Context, Result};
use gibbs_boltzmann::{Chains, ContrastiveConfig, RbmConfig, units::UnitKind};
use gibbs_data::{Binarization, Splits};
use gibbs_train::{schedule::Schedule, training::LoopConfig};
use serde::{Deserialize, Serialize};

use super::RbmRun;
use crate::{cli::Preset, fault::Fault};

/// The machine; see [`RbmConfig`] for the fields.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RbmModel {
    /// Kind of the visible units.
    pub visible: UnitKind,
    /// Kind of the hidden units.
    pub hidden: UnitKind,
    /// Columns of the visible layer; `null` takes what the data need.
    pub n_visible: Option<usize>,
    /// Hidden units.
    pub n_hidden: usize,
    /// States of each softmax unit.
    pub states: usize,
    /// Standard deviation of the initial weights.
    pub weight_std: f64,
    /// Initial bias of the hidden units.
    pub hidden_bias: f64,
}

impl RbmModel {
    /// The configuration of the model crate.
    ///
    /// # Errors
    /// If the width is still open, or a field is out of range.
    pub(super) fn rbm_config(&self) -> Result<RbmConfig> {
        let n_visible = self
            .n_visible
            .ok_or_else(|| Fault::usage("model.n_visible is not set: give the width of the weights"))?;
        let config = RbmConfig::new(n_visible, self.n_hidden)
            .with_visible(self.visible)
            .with_hidden(self.hidden)
            .with_states(self.states)
            .with_weight_std(self.weight_std)
            .with_hidden_bias(self.hidden_bias);
        config.validate().context("model")?;
        Ok(config)
    }
}

/// Which update turns gradients into steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Optimizer {
    /// Stochastic gradient descent, with `momentum`.
    Sgd,
    /// Adam (Kingma & Ba, ICLR 2015, arXiv:1412.6980) with its published moments.
    Adam,
}

/// Running average of the weights, which is what is measured and saved.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Average {
    /// Decay at each update; 0 switches averaging off.
    pub decay: f64,
    /// Steps between updates.
    pub every: usize,
}

/// How `log Z` is estimated.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Annealing {
    /// Annealed chains, in each direction.
    pub chains: usize,
    /// Intervals between inverse temperatures.
    pub temperatures: usize,
    /// Gibbs sweeps at inverse temperature 1 before the reverse direction starts.
    pub burn_in: usize,
}

/// Training and measuring.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RbmTrain {
    /// Length, logs, validation, checkpoints.
    #[serde(flatten)]
    pub run: LoopConfig,
    /// Examples in a batch.
    pub batch_size: usize,
    /// Learning rate, for gradients averaged over the batch.
    pub learning_rate: Schedule,
    /// Update rule.
    pub optimizer: Optimizer,
    /// Momentum of `sgd`, read at the start of each epoch.
    pub momentum: Schedule,
    /// Whether the visible biases start at the data's means.
    pub fit_visible: bool,
    /// Contrastive divergence.
    pub contrastive: ContrastiveConfig,
    /// Average of the weights.
    pub average: Average,
    /// `log Z` at each validation; the reverse direction is left out there.
    pub validation: Annealing,
    /// `log Z` of the final figures.
    pub evaluation: Annealing,
}

impl AsRef<LoopConfig> for RbmTrain {
    fn as_ref(&self) -> &LoopConfig {
        &self.run
    }
}

/// Settings to start from; small sets that are not images get a small machine.
pub(super) fn preset(preset: Preset, data: &str) -> (RbmModel, RbmTrain) {
    let model = |n_hidden| RbmModel {
        visible: UnitKind::Binary,
        hidden: UnitKind::Binary,
        n_visible: None,
        n_hidden,
        states: 4,
        weight_std: 0.01,
        hidden_bias: -2.0,
    };
    let train = |epochs| RbmTrain {
        run: LoopConfig { epochs, log_every_steps: 100, validate_every_epochs: 1, ..LoopConfig::default() },
        batch_size: 100,
        learning_rate: Schedule::linear(0.1, 0.0),
        optimizer: Optimizer::Sgd,
        momentum: Schedule::constant(0.0),
        fit_visible: true,
        contrastive: ContrastiveConfig::new().with_centered(true),
        average: Average { decay: 0.998, every: 5 },
        validation: Annealing { chains: 100, temperatures: 500, burn_in: 0 },
        evaluation: Annealing { chains: 100, temperatures: 1000, burn_in: 200 },
    };
    let is_small = data.starts_with("bars-and-stripes");
    let (mut model, mut train) = match preset {
        Preset::Tiny => (model(32), train(1)),
        Preset::Default => (model(500), train(30)),
        Preset::Paper => (model(500), train(400)),
    };
    match preset {
        Preset::Tiny => {
            train.validation = Annealing { chains: 20, temperatures: 50, burn_in: 0 };
            train.evaluation = Annealing { chains: 20, temperatures: 100, burn_in: 20 };
        }
        Preset::Default => {
            train.run.validate_every_epochs = 5;
            train.validation.temperatures = 1000;
            train.contrastive.l1 = 1e-4;
            train.evaluation = Annealing { chains: 100, temperatures: 4000, burn_in: 1000 };
        }
        Preset::Paper => {
            train.run.validate_every_epochs = 20;
            train.validation.temperatures = 3000;
            train.contrastive.l1 = 1e-4;
            train.average.decay = 0.9995;
            train.evaluation = Annealing { chains: 200, temperatures: 14500, burn_in: 5000 };
        }
    }
    if is_small {
        // Without tempering each chain ends up in a pattern of its own.
        model.n_hidden = 16;
        model.hidden_bias = 0.0;
        train.run.epochs = if preset == Preset::Tiny { 4 } else { 100 };
        train.run.validate_every_epochs = train.run.epochs / 4;
        train.batch_size = 30;
        train.learning_rate = Schedule::linear(0.3, 0.0);
        train.average = Average { decay: 0.999, every: 1 };
        train.contrastive = ContrastiveConfig::new()
            .with_centered(true)
            .with_chains(Chains::Tempered)
            .with_temperatures(5)
            .with_n_chains(60);
    }
    (model, train)
}

/// Fills in binarization, shape and width, and checks what can be checked before training.
pub(super) fn settle(config: &mut RbmRun, data: &Splits) -> Result<()> {
    let two_valued = matches!(config.model.visible, UnitKind::Binary | UnitKind::Spin);
    config.data.binarization.get_or_insert(match two_valued && !data.train.is_binary() {
        true => Binarization::Stochastic,
        false => Binarization::None,
    });
    config.data.shape.get_or_insert_with(|| data.train.shape().to_vec());
    let width = config.model.visible_width(data.width());
    let n_visible = *config.model.n_visible.get_or_insert(width);
    if n_visible != width {
        data.train.require_width(config.model.data_width(n_visible))?;
    }
    if config.model.visible != UnitKind::Gaussian {
        data.train.require_unit_interval()?;
    }
    config.model.rbm_config()?;
    let train = &config.train;
    train.contrastive.validate().context("train.contrastive")?;
    train.learning_rate.validate().context("train.learning_rate")?;
    train.momentum.validate().context("train.momentum")?;
    if !(0.0..1.0).contains(&train.average.decay) {
        return Err(Fault::usage(format!(
            "train.average.decay = {}: must lie in [0, 1)",
            train.average.decay
        )));
    }
    check_range("train.learning_rate", &train.learning_rate, |rate| rate >= 0.0, "must not be negative")?;
    check_range("train.momentum", &train.momentum, |m| (0.0..1.0).contains(&m), "must lie in [0, 1)")?;
    let counts = [
        ("train.batch_size", train.batch_size),
        ("train.average.every", train.average.every),
        ("train.validation.chains", train.validation.chains),
        ("train.validation.temperatures", train.validation.temperatures),
        ("train.evaluation.chains", train.evaluation.chains),
        ("train.evaluation.temperatures", train.evaluation.temperatures),
    ];
    match counts.into_iter().find(|(_, value)| *value == 0) {
        Some((name, _)) => Err(Fault::usage(format!("{name} = 0: must be at least 1"))),
        None => Ok(()),
    }
}

/// Whether every value that a schedule takes is allowed, tried at a hundred steps.
fn check_range(name: &str, schedule: &Schedule, allowed: impl Fn(f64) -> bool, rule: &str) -> Result<()> {
    const STEPS: usize = 100;
    match (0..STEPS).map(|step| schedule.at(step, STEPS)).find(|value| !allowed(*value)) {
        Some(value) => Err(Fault::usage(format!("{name} takes the value {value}: {rule}"))),
        None => Ok(()),
    }
}
