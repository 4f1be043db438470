//! Settings of a deep belief network, and the presets.

use std::path::PathBuf;

use anyhow::Result;
use gibbs_boltzmann::{
    AisProtocol, Chains, ContrastiveConfig, DbnConfig, LayerStart, RbmConfig, Upward, units::UnitKind,
};
use gibbs_data::{Binarization, Split, Splits};
use gibbs_train::{
    schedule::{Change, Schedule},
    training::LoopConfig,
};
use serde::{Deserialize, Serialize};

use super::DbnRun;
use crate::{
    boltzmann::{
        check_counts, check_part, check_rate,
        coding::Coding,
        greedy::{Layer, StackLayer, fit_to_depth},
        layer::{Average, LayerTrain, Optimizer},
    },
    cli::Preset,
    experiment::Length,
    fault::Fault,
};

/// The stack.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DbnModel {
    /// Kind of the visible units.
    pub visible: UnitKind,
    /// Columns of the visible layer; `null` takes what the data need.
    pub n_visible: Option<usize>,
    /// Hidden units of each layer, bottom to top.
    pub n_hidden: Vec<usize>,
    /// Kind of the hidden units of each layer; the last kind holds for all further ones.
    pub hidden: Vec<UnitKind>,
    /// States of each softmax unit.
    pub states: usize,
    /// States of the label beside the top layer's visible units; 0 for no label, `null` takes what the data have.
    pub n_classes: Option<usize>,
    /// Standard deviation of the initial weights.
    pub weight_std: f64,
    /// Initial bias of the hidden units.
    pub hidden_bias: f64,
}

impl DbnModel {
    /// How the visible units see data.
    pub(super) fn coding(&self) -> Coding {
        Coding { visible: self.visible, states: self.states }
    }

    /// The configuration of the model crate.
    ///
    /// # Errors
    /// If a width is still open.
    pub(super) fn dbn_config(&self) -> Result<DbnConfig> {
        let open = |name: &str| Fault::usage(format!("model.{name} is not set: give that of the weights"));
        Ok(DbnConfig {
            n_visible: self.n_visible.ok_or_else(|| open("n_visible"))?,
            n_hidden: self.n_hidden.clone(),
            visible: self.visible,
            hidden: self.hidden.clone(),
            states: self.states,
            n_classes: self.n_classes.ok_or_else(|| open("n_classes"))?,
            weight_std: self.weight_std,
            hidden_bias: self.hidden_bias,
        })
    }

    /// The RBM of each layer.
    ///
    /// # Errors
    /// If a width is still open, or a field is out of range.
    pub(super) fn layers(&self) -> Result<Vec<RbmConfig>> {
        Ok(self.dbn_config()?.layers().map_err(|error| error.within("model"))?)
    }
}

/// Fine-tuning of all layers by the up-down algorithm.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpDownTrain {
    /// Epochs; 0 leaves the stack as greedy training made it.
    pub epochs: usize,
    /// Learning rate.
    pub learning_rate: Schedule,
    /// How the top machine is trained.
    pub top: ContrastiveConfig,
    /// Average of the weights.
    pub average: Average,
}

/// Fine-tuning of a feed-forward network that starts from the stack, by backpropagation of the cross-entropy of labels.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierTrain {
    /// Epochs; 0 for no classifier.
    pub epochs: usize,
    /// Number of classes; `null` takes that of the data.
    pub n_classes: Option<usize>,
    /// Learning rate of Adam.
    pub learning_rate: Schedule,
    /// Part of the hidden units that is dropped in each step, in [0, 1).
    pub dropout: f64,
    /// Part of the inputs that is dropped in each step, in [0, 1).
    pub input_dropout: f64,
    /// Decoupled decay of the weights.
    pub weight_decay: f64,
    /// Average of the weights.
    pub average: Average,
}

/// Training and measuring.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DbnTrain {
    /// Length, logs, validation, checkpoints; `epochs` are those of each layer of the stack that has none of its own.
    #[serde(flatten)]
    pub run: LoopConfig,
    /// Examples in a batch.
    pub batch_size: usize,
    /// Learning rate of each layer that has none of its own, for gradients averaged over the batch.
    pub learning_rate: Schedule,
    /// Folder of a `dbn` run whose layers are taken as they are; layers beyond them are trained.
    pub from: Option<PathBuf>,
    /// Whether layers are trained before fine-tuning; without, the classifier starts from random weights.
    pub pretrain: bool,
    /// Whether upper layers see means or draws of the lower ones.
    pub upward: Upward,
    /// Each layer, bottom to top. Spare entries are dropped, missing ones get the preset's.
    pub layers: Vec<StackLayer>,
    /// Up-down fine-tuning.
    pub up_down: UpDownTrain,
    /// Discriminative fine-tuning.
    pub classifier: ClassifierTrain,
    /// Whether the classifier is trained from random weights too, for comparison.
    pub control: bool,
    /// Draws from the posterior of each example for the tighter bound; 0 leaves it out.
    pub bound_draws: usize,
    /// `log Z` at each validation of a network without a classifier; the reverse direction is left out there.
    pub validation: AisProtocol,
    /// `log Z` of the final figures.
    pub evaluation: AisProtocol,
}

impl DbnTrain {
    /// Epochs of the layers, whose own settings are complete.
    pub(super) fn layer_epochs(&self, layer: &StackLayer) -> usize {
        if self.pretrain { layer.epochs.unwrap_or(self.run.epochs) } else { 0 }
    }
}

impl Length for DbnTrain {
    fn run(&self) -> LoopConfig {
        let layers: usize = self.layers.iter().map(|layer| self.layer_epochs(layer)).sum();
        LoopConfig { epochs: layers + self.up_down.epochs + self.classifier.epochs, ..self.run.clone() }
    }
}

/// Layers in the order of the stack, each with the settings that it is trained with.
pub(super) fn plan(config: &DbnRun) -> Result<Vec<Layer>> {
    let train = &config.train;
    let machines = config.model.layers()?;
    let layers = train.layers.iter().zip(machines).enumerate();
    layers
        .map(|(k, (layer, machine))| {
            let epochs = train.layer_epochs(layer);
            layer.layer(&format!("train.layers.{k}"), machine, epochs, &train.learning_rate)
        })
        .collect()
}

/// How a layer is trained unless it is said otherwise: PCD, centered, averaged.
fn layer(average: Average) -> StackLayer {
    StackLayer {
        epochs: None,
        learning_rate: None,
        start: LayerStart::Random,
        weight_std: None,
        train: LayerTrain {
            optimizer: Optimizer::Sgd,
            momentum: Schedule::constant(0.0),
            fit_visible: true,
            contrastive: ContrastiveConfig::new().with_centered(true).with_l1(1e-4),
            average,
        },
    }
}

/// What a data set is good for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aim {
    /// Labels to generate and to tell apart.
    Labels,
    /// Nothing but images.
    Likelihood,
}

/// Settings to start from.
pub(super) fn preset(preset: Preset, data: &str) -> (DbnModel, DbnTrain) {
    let aim = match data {
        "digits" | "mnist" | "fashion-mnist" => Aim::Labels,
        _ => Aim::Likelihood,
    };
    let average = Average { decay: 0.998, every: 5 };
    let mut model = DbnModel {
        visible: UnitKind::Binary,
        n_visible: None,
        n_hidden: vec![500, 500, 2000],
        hidden: vec![UnitKind::Binary],
        states: 4,
        n_classes: None,
        weight_std: 0.01,
        hidden_bias: 0.0,
    };
    let mut train = DbnTrain {
        run: LoopConfig { log_every_steps: 100, validate_every_epochs: 1, ..LoopConfig::default() },
        batch_size: 100,
        learning_rate: Schedule::linear(0.1, 0.0),
        from: None,
        pretrain: true,
        upward: Upward::Means,
        layers: vec![layer(average); 3],
        up_down: UpDownTrain {
            epochs: 0,
            learning_rate: Schedule::linear(0.02, 0.0),
            top: ContrastiveConfig::new().with_chains(Chains::Persistent),
            average,
        },
        classifier: ClassifierTrain {
            epochs: 0,
            n_classes: None,
            learning_rate: Schedule::cosine(1e-3, 0.0),
            dropout: 0.4,
            input_dropout: 0.2,
            weight_decay: 0.0,
            average: Average { decay: 0.99, every: 10 },
        },
        control: false,
        bound_draws: 10,
        validation: AisProtocol { chains: 100, temperatures: 1000, burn_in: 0 },
        evaluation: AisProtocol { chains: 100, temperatures: 2000, burn_in: 500 },
    };
    match preset {
        Preset::Tiny => {
            model.n_hidden = vec![32, 32];
            train.run.epochs = 1;
            train.validation = AisProtocol { chains: 20, temperatures: 50, burn_in: 0 };
            train.evaluation = AisProtocol { chains: 20, temperatures: 100, burn_in: 20 };
        }
        Preset::Default => {
            model.n_hidden = vec![500, 500];
            train.run.epochs = 10;
        }
        Preset::Paper => {
            train.run.epochs = 30;
            train.evaluation = AisProtocol { chains: 200, temperatures: 5000, burn_in: 2000 };
            train.bound_draws = 50;
        }
    }
    match aim {
        Aim::Labels => {
            train.classifier.epochs = match preset {
                Preset::Tiny => 1,
                Preset::Default => 10,
                Preset::Paper => 100,
            };
            train.control = preset == Preset::Paper;
        }
        Aim::Likelihood => {
            model.n_hidden = if preset == Preset::Tiny { vec![32, 32] } else { vec![500, 2000] };
            model.hidden_bias = -2.0;
            train.upward = Upward::Samples;
        }
    }
    if data.starts_with("bars-and-stripes") {
        model.n_hidden = vec![16, 16];
        model.hidden_bias = 0.0;
        train.batch_size = 30;
        train.run.epochs = if preset == Preset::Tiny { 4 } else { 100 };
    }
    train.layers = vec![layer(average); model.n_hidden.len()];
    if data == "binarized-mnist" && preset != Preset::Tiny {
        // The mirror image is a trained machine, whose chains have to find its law before its weights may move.
        let rate = Schedule::Linear(Change { from: 0.05, to: 0.0, steps: None, warmup_steps: 1000 });
        train.layers[1].start = LayerStart::Mirrored;
        train.layers[1].learning_rate = Some(rate);
        // The estimate of log Z scatters more than the bound changes between validations, so they do not select.
        train.run.select_best = false;
        train.run.validate_every_epochs = 10;
        train.validation.temperatures = 3000;
        if preset == Preset::Paper {
            train.run.epochs = 80;
            train.layers[0].epochs = Some(300);
            train.layers.iter_mut().for_each(|layer| layer.train.average.decay = 0.9995);
        }
    }
    (model, train)
}

/// Number of classes in a set: one more than its largest label.
fn classes(data: &Splits) -> Option<usize> {
    let labels = data.train.labels()?;
    labels.iter().max().map(|&largest| usize::from(largest) + 1)
}

/// Fills in binarization, shape, widths and classes, and checks what can be checked before training.
pub(super) fn settle(config: &mut DbnRun, data: &Splits) -> Result<()> {
    let two_valued = matches!(config.model.visible, UnitKind::Binary | UnitKind::Spin);
    let grey = two_valued && !data.train.is_binary() && config.train.classifier.epochs == 0;
    config.data.binarization.get_or_insert(if grey { Binarization::Stochastic } else { Binarization::None });
    config.data.shape.get_or_insert_with(|| data.train.shape().to_vec());
    if config.model.visible == UnitKind::Labeled {
        return Err(Fault::usage(
            "model.visible = \"labeled\": labels stand at the top; set model.n_classes instead",
        ));
    }
    let coding = config.model.coding();
    let n_visible = *config.model.n_visible.get_or_insert(coding.visible_width(data.width()));
    coding.require(&data.train, n_visible)?;
    let n_classes = *config.model.n_classes.get_or_insert(classes(data).unwrap_or(0));
    if n_classes > 0 {
        require_labels(data, n_classes, "model.n_classes")?;
    }
    if config.train.classifier.epochs > 0 {
        let found = classes(data).unwrap_or(0);
        let n_classes = *config.train.classifier.n_classes.get_or_insert(found.max(n_classes));
        require_labels(data, n_classes, "train.classifier.epochs")?;
    }
    let default = layer(Average { decay: 0.998, every: 5 });
    fit_to_depth(&mut config.train.layers, config.model.n_hidden.len(), |_| default.clone());
    plan(config)?;
    let train = &config.train;
    check_counts(&[("train.batch_size", train.batch_size)])?;
    check_rate("train.learning_rate", &train.learning_rate)?;
    check_rate("train.up_down.learning_rate", &train.up_down.learning_rate)?;
    check_rate("train.classifier.learning_rate", &train.classifier.learning_rate)?;
    check_part("train.classifier.dropout", train.classifier.dropout)?;
    check_part("train.classifier.input_dropout", train.classifier.input_dropout)?;
    train.up_down.top.validate().map_err(|error| anyhow::Error::from(error).context("train.up_down.top"))?;
    train.up_down.average.validate("train.up_down.average")?;
    train.classifier.average.validate("train.classifier.average")?;
    train.validation.validate().map_err(|error| error.within("train.validation"))?;
    train.evaluation.validate().map_err(|error| error.within("train.evaluation"))?;
    if train.run().epochs == 0 {
        return Err(Fault::usage("nothing to train: all epochs are 0"));
    }
    Ok(())
}

/// Number of classes of the classifier.
pub(super) fn classifier_classes(config: &DbnRun) -> Result<usize> {
    let open = || Fault::usage("train.classifier.n_classes is not set: give that of the weights");
    config.train.classifier.n_classes.ok_or_else(open)
}

/// Whether every part of the data has labels below `classes`.
fn require_labels(data: &Splits, classes: usize, wanted_by: &str) -> Result<()> {
    for split in Split::ALL {
        let set = data.get(split);
        let Some(labels) = set.labels() else {
            return Err(Fault::usage(format!(
                "{wanted_by} needs labels, and {} has none: set it to 0, or use a set with labels (digits, mnist)",
                set.name()
            )));
        };
        if let Some(label) = labels.iter().find(|&&label| usize::from(label) >= classes) {
            return Err(Fault::usage(format!(
                "{classes} classes, and {} has the label {label}; labels count from 0",
                set.name()
            )));
        }
    }
    Ok(())
}
