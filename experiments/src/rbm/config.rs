//! Settings of an RBM run, and the presets.

use anyhow::{Context, Result};
use gibbs_boltzmann::{AisProtocol, Chains, ContrastiveConfig, RbmConfig, units::UnitKind};
use gibbs_data::{Binarization, Splits};
use gibbs_train::{schedule::Schedule, training::LoopConfig};
use serde::{Deserialize, Serialize};

use super::RbmRun;
use crate::{
    boltzmann::{
        check_counts, check_rate,
        coding::Coding,
        layer::{Average, LayerTrain, Optimizer},
    },
    cli::Preset,
    experiment::Length,
    fault::Fault,
};

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
    /// How the machine sees data.
    pub(super) fn coding(&self) -> Coding {
        Coding { visible: self.visible, states: self.states }
    }

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
    /// Update rule, contrastive divergence, average of the weights.
    #[serde(flatten)]
    pub layer: LayerTrain,
    /// `log Z` at each validation; the reverse direction is left out there.
    pub validation: AisProtocol,
    /// `log Z` of the final figures.
    pub evaluation: AisProtocol,
}

impl Length for RbmTrain {
    fn run(&self) -> LoopConfig {
        self.run.clone()
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
        layer: LayerTrain {
            optimizer: Optimizer::Sgd,
            momentum: Schedule::constant(0.0),
            fit_visible: true,
            contrastive: ContrastiveConfig::new().with_centered(true),
            average: Average { decay: 0.998, every: 5 },
        },
        validation: AisProtocol { chains: 100, temperatures: 500, burn_in: 0 },
        evaluation: AisProtocol { chains: 100, temperatures: 1000, burn_in: 200 },
    };
    let is_small = data.starts_with("bars-and-stripes");
    let (mut model, mut train) = match preset {
        Preset::Tiny => (model(32), train(1)),
        Preset::Default => (model(500), train(30)),
        Preset::Paper => (model(500), train(400)),
    };
    match preset {
        Preset::Tiny => {
            train.validation = AisProtocol { chains: 20, temperatures: 50, burn_in: 0 };
            train.evaluation = AisProtocol { chains: 20, temperatures: 100, burn_in: 20 };
        }
        Preset::Default => {
            train.run.validate_every_epochs = 5;
            train.validation.temperatures = 1000;
            train.layer.contrastive.l1 = 1e-4;
            train.evaluation = AisProtocol { chains: 100, temperatures: 4000, burn_in: 1000 };
        }
        Preset::Paper => {
            train.run.validate_every_epochs = 20;
            train.validation.temperatures = 3000;
            train.layer.contrastive.l1 = 1e-4;
            train.layer.average.decay = 0.9995;
            train.evaluation = AisProtocol { chains: 200, temperatures: 14500, burn_in: 5000 };
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
        train.layer.average = Average { decay: 0.999, every: 1 };
        train.layer.contrastive = ContrastiveConfig::new()
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
    if config.model.visible == UnitKind::Labeled {
        return Err(Fault::usage(
            "model.visible = \"labeled\": labels stand at the top of a stack; run `dbn` instead",
        ));
    }
    let coding = config.model.coding();
    let n_visible = *config.model.n_visible.get_or_insert(coding.visible_width(data.width()));
    coding.require(&data.train, n_visible)?;
    config.model.rbm_config()?;
    let train = &config.train;
    check_rate("train.learning_rate", &train.learning_rate)?;
    check_counts(&[("train.batch_size", train.batch_size)])?;
    train.layer.validate("train")?;
    train.validation.validate().map_err(|error| error.within("train.validation"))?;
    train.evaluation.validate().map_err(|error| error.within("train.evaluation"))?;
    Ok(())
}
