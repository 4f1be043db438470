//! Settings of a deep autoencoder, and the presets.

use std::path::PathBuf;

use anyhow::{Context, Result};
use gibbs_autoencoder::{AutoencoderConfig, Code, Loss, Output};
use gibbs_boltzmann::{Chains, ContrastiveConfig, LayerStart, RbmConfig, Upward, units::UnitKind};
use gibbs_core::nn::Activation;
use gibbs_core::optim::{AdamConfig, ConjugateGradient, Lbfgs};
use gibbs_data::{Binarization, Splits};
use gibbs_train::{schedule::Schedule, training::LoopConfig};
use serde::{Deserialize, Serialize};

use super::AutoencoderRun;
use crate::{
    boltzmann::{
        check_counts, check_rate,
        coding::Coding,
        greedy::{Layer, StackLayer, fit_to_depth},
        layer::{Average, LayerTrain, Optimizer},
    },
    cli::Preset,
    experiment::Length,
    fault::Fault,
};

/// The network.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutoencoderModel {
    /// Columns of the data; `null` takes what the data need.
    pub n_visible: Option<usize>,
    /// Hidden units of each layer of the encoder; the decoder has them in reverse order.
    pub n_hidden: Vec<usize>,
    /// Numbers in a code.
    pub n_code: usize,
    /// Function of the hidden layers; a stack makes `sigmoid` (binary units) or `tanh` (spins).
    pub activation: Activation,
    /// Function of the code layer.
    pub code: Code,
    /// What the decoder gives: `logistic` for data in \[0, 1\], `linear` for others; `null` takes what the data need.
    pub output: Option<Output>,
}

impl AutoencoderModel {
    /// The configuration of the model crate.
    ///
    /// # Errors
    /// If something is still open, or out of range.
    pub(super) fn network(&self) -> Result<AutoencoderConfig> {
        let open = |name: &str| Fault::usage(format!("model.{name} is not set: give that of the weights"));
        let n_visible = self.n_visible.ok_or_else(|| open("n_visible"))?;
        let output = self.output.ok_or_else(|| open("output"))?;
        let config = AutoencoderConfig::new(n_visible, self.n_hidden.clone(), self.n_code)
            .with_activation(self.activation)
            .with_code(self.code)
            .with_output(output);
        config.validate().map_err(|error| error.within("model"))?;
        Ok(config)
    }

    /// The RBMs of the stack that unrolls to the network; binary units where no stack makes the activation.
    fn layers(&self, pretraining: &Pretraining) -> Result<Vec<RbmConfig>> {
        let network = self.network()?;
        let network = match self.activation {
            Activation::Sigmoid | Activation::Tanh => network,
            _ => network.with_activation(Activation::Sigmoid),
        };
        Ok(network.layers(pretraining.weight_std).map_err(|error| error.within("model"))?)
    }
}

/// How fine-tuning turns gradients into steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FineTuner {
    /// Adam (Kingma & Ba 2015), one step for each batch.
    Adam,
    /// Non-linear conjugate gradients, a few line searches on each batch, as in the paper.
    ConjugateGradient,
    /// L-BFGS, a few line searches on each batch.
    Lbfgs,
}

/// Training of the stack that the network is unrolled from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pretraining {
    /// Epochs of each layer that has none of its own.
    pub epochs: usize,
    /// Examples in a batch; the batches of fine-tuning are cut into such.
    pub batch_size: usize,
    /// Learning rate of each layer that has none of its own.
    pub learning_rate: Schedule,
    /// Standard deviation of the initial weights.
    pub weight_std: f64,
    /// Whether upper layers see means or draws of the lower ones.
    pub upward: Upward,
    /// Each layer, bottom to top. Spare entries are dropped, missing ones get the preset's.
    pub layers: Vec<StackLayer>,
}

/// Training and measuring.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AutoencoderTrain {
    /// Length, logs, validation, checkpoints; `epochs` are those of fine-tuning.
    #[serde(flatten)]
    pub run: LoopConfig,
    /// Examples in a batch of fine-tuning.
    pub batch_size: usize,
    /// Learning rate of Adam.
    pub learning_rate: Schedule,
    /// What fine-tuning lowers.
    pub loss: Loss,
    /// How.
    pub optimizer: FineTuner,
    /// Decoupled weight decay of Adam.
    pub weight_decay: f64,
    /// Line searches on each batch, for the optimizers that make some.
    pub searches: usize,
    /// Average of the weights, which is what is measured and saved.
    pub average: Average,
    /// Folder of a `dbn` run whose layers are taken as they are; layers beyond them are trained.
    pub from: Option<PathBuf>,
    /// Whether the network is unrolled from a stack; without, it starts from random weights.
    pub pretrain: bool,
    /// The stack.
    pub pretraining: Pretraining,
    /// Whether the network is also trained from random weights, for comparison.
    pub control: bool,
    /// Passes of logistic PCA over the training data, for comparison; 0 leaves it out.
    pub logistic_pca_passes: usize,
}

impl AutoencoderTrain {
    fn layer_epochs(&self, layer: &StackLayer) -> usize {
        if self.pretrain { layer.epochs.unwrap_or(self.pretraining.epochs) } else { 0 }
    }

    /// Epochs of the stack.
    pub(super) fn pretraining_epochs(&self) -> usize {
        self.pretraining.layers.iter().map(|layer| self.layer_epochs(layer)).sum()
    }
}

impl Length for AutoencoderTrain {
    fn run(&self) -> LoopConfig {
        LoopConfig { epochs: self.pretraining_epochs() + self.run.epochs, ..self.run.clone() }
    }
}

/// Layers in the order of the stack, each with the settings that it is trained with.
pub(super) fn plan(config: &AutoencoderRun) -> Result<Vec<Layer>> {
    let (train, stack) = (&config.train, &config.train.pretraining);
    let layers = stack.layers.iter().zip(config.model.layers(stack)?).enumerate();
    layers
        .map(|(k, (layer, machine))| {
            let name = format!("train.pretraining.layers.{k}");
            layer.layer(&name, machine, train.layer_epochs(layer), &stack.learning_rate)
        })
        .collect()
}

/// How the visible units of the stack see data.
pub(super) fn coding(config: &AutoencoderRun) -> Coding {
    let visible = match config.model.output {
        Some(Output::Linear) => UnitKind::Gaussian,
        _ => UnitKind::Binary,
    };
    Coding { visible, states: 2 }
}

/// CD-1 with means as reconstructions, momentum and weight decay (Hinton & Salakhutdinov 2006, supporting material); Gaussian
/// code units need a hundredth of the rate there.
fn layer(is_linear: bool) -> StackLayer {
    StackLayer {
        epochs: None,
        learning_rate: is_linear.then(|| Schedule::constant(0.001)),
        start: LayerStart::Random,
        weight_std: None,
        train: LayerTrain {
            optimizer: Optimizer::Sgd,
            momentum: Schedule::Piecewise { points: vec![(0, 0.5), (2500, 0.9)], linear: false },
            fit_visible: true,
            contrastive: ContrastiveConfig::new()
                .with_chains(Chains::Data)
                .with_sample_visible(false)
                .with_l2(2e-4),
            average: Average::OFF,
        },
    }
}

/// Settings to start from.
pub(super) fn preset(preset: Preset, _data: &str) -> (AutoencoderModel, AutoencoderTrain) {
    let model = |n_hidden: &[usize], n_code| AutoencoderModel {
        n_visible: None,
        n_hidden: n_hidden.to_vec(),
        n_code,
        activation: Activation::Sigmoid,
        code: Code::Linear,
        output: None,
    };
    let train = |epochs, pretraining_epochs, depth: usize| AutoencoderTrain {
        run: LoopConfig { epochs, log_every_steps: 100, validate_every_epochs: 1, ..LoopConfig::default() },
        batch_size: 100,
        learning_rate: Schedule::cosine(1e-3, 0.0),
        loss: Loss::CrossEntropy,
        optimizer: FineTuner::Adam,
        weight_decay: 0.0,
        searches: 3,
        average: Average { decay: 0.99, every: 10 },
        from: None,
        pretrain: true,
        pretraining: Pretraining {
            epochs: pretraining_epochs,
            batch_size: 100,
            learning_rate: Schedule::constant(0.1),
            weight_std: 0.1,
            upward: Upward::Means,
            layers: (0..=depth).map(|k| layer(k == depth)).collect(),
        },
        control: true,
        logistic_pca_passes: 0,
    };
    match preset {
        Preset::Tiny => (model(&[32], 6), train(1, 1, 1)),
        Preset::Default => (model(&[1000, 500, 250], 30), train(10, 3, 3)),
        Preset::Paper => {
            let mut train = train(100, 10, 3);
            train.run.validate_every_epochs = 2;
            train.logistic_pca_passes = 20;
            (model(&[1000, 500, 250], 30), train)
        }
    }
}

/// Fills in what the data decide, and checks what can be checked before training.
pub(super) fn settle(config: &mut AutoencoderRun, data: &Splits) -> Result<()> {
    config.data.binarization.get_or_insert(Binarization::None);
    config.data.shape.get_or_insert_with(|| data.train.shape().to_vec());
    let is_unit = data.train.require_unit_interval().is_ok();
    let output = *config.model.output.get_or_insert(if is_unit { Output::Logistic } else { Output::Linear });
    let n_visible = *config.model.n_visible.get_or_insert(data.width());
    coding(config).require(&data.train, n_visible)?;
    let depth = config.model.n_hidden.len() + 1;
    let is_linear = config.model.code == Code::Linear;
    fit_to_depth(&mut config.train.pretraining.layers, depth, |k| layer(is_linear && k + 1 == depth));
    plan(config)?;
    let train = &config.train;
    train.loss.validate(output).context("train.loss")?;
    let activation = config.model.activation;
    let is_stack = train.pretrain || train.from.is_some();
    if is_stack && !matches!(activation, Activation::Sigmoid | Activation::Tanh) {
        return Err(Fault::usage(format!(
            "model.activation = \"{activation}\": no stack of machines makes such units; set train.pretrain=false, or take \
             \"sigmoid\" or \"tanh\""
        )));
    }
    check_counts(&[
        ("train.epochs", train.run.epochs),
        ("train.batch_size", train.batch_size),
        ("train.pretraining.batch_size", train.pretraining.batch_size),
        ("train.searches", train.searches),
    ])?;
    check_rate("train.learning_rate", &train.learning_rate)?;
    check_rate("train.pretraining.learning_rate", &train.pretraining.learning_rate)?;
    adam(train).validate().context("train")?;
    train.average.validate("train.average")
}

/// Adam as configured.
pub(super) fn adam(train: &AutoencoderTrain) -> AdamConfig {
    AdamConfig::new().with_weight_decay(train.weight_decay)
}

/// Conjugate gradients as configured.
pub(super) fn conjugate_gradient(train: &AutoencoderTrain) -> ConjugateGradient {
    ConjugateGradient::new().with_searches(train.searches)
}

/// L-BFGS as configured.
pub(super) fn lbfgs(train: &AutoencoderTrain) -> Lbfgs {
    Lbfgs::new().with_searches(train.searches)
}
