//! Settings of an autoregressive model, and the presets.

use anyhow::{Context, Result};
use gibbs_autoregressive::{Conditional, Degrees, MadeConfig, NadeConfig, OrderConfig};
use gibbs_core::{nn::Activation, optim::AdamConfig};
use gibbs_data::{Binarization, Splits};
use gibbs_train::{schedule::Schedule, training::LoopConfig};
use serde::{Deserialize, Serialize};

use super::{MadeRun, values::Values};
use crate::{
    boltzmann::{check_counts, check_rate, layer::Average},
    cli::Preset,
    experiment::Length,
    fault::Fault,
};

/// Which model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelKind {
    /// Masked autoencoder.
    Made,
    /// Neural autoregressive distribution estimator.
    Nade,
}

/// The law of each variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outputs {
    /// Bits.
    Bernoulli,
    /// Levels between 0 and 1.
    Categorical,
    /// Real numbers.
    GaussianMixture,
}

/// Hidden units: of one layer, or of each of several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Widths {
    /// One layer.
    One(usize),
    /// Any number of layers.
    Many(Vec<usize>),
}

impl Widths {
    fn list(&self) -> Vec<usize> {
        match self {
            Self::One(width) => vec![*width],
            Self::Many(widths) => widths.clone(),
        }
    }
}

/// The model; see the configurations of the model crate for the fields.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MadeModel {
    /// Which model.
    pub kind: ModelKind,
    /// Columns of the data; `null` takes what the data have.
    pub n_visible: Option<usize>,
    /// Hidden units, a number or a list of them.
    pub n_hidden: Widths,
    /// Function of the hidden units.
    pub activation: Activation,
    /// The law of each variable.
    pub outputs: Outputs,
    /// Levels of a categorical variable.
    pub levels: usize,
    /// Components of a mixture.
    pub components: usize,
    /// `natural`, `random`, or a list of all columns.
    pub order: OrderConfig,
    /// How degrees are given to the hidden units of `made`.
    pub degrees: Degrees,
    /// Masks of `made`, each with its own order (if random) and degrees.
    pub n_masks: usize,
    /// Whether the outputs of `made` see earlier inputs also directly.
    pub direct: bool,
    /// Classes on which the model is conditioned, 0 for none.
    pub n_classes: usize,
}

impl MadeModel {
    /// The law of each variable.
    pub(super) fn conditional(&self) -> Conditional {
        match self.outputs {
            Outputs::Bernoulli => Conditional::Bernoulli,
            Outputs::Categorical => Conditional::Categorical { values: self.levels },
            Outputs::GaussianMixture => Conditional::GaussianMixture { components: self.components },
        }
    }

    fn width(&self) -> Result<usize> {
        let open = || Fault::usage("model.n_visible is not set: give the width of the weights");
        self.n_visible.ok_or_else(open)
    }

    /// The configuration of a masked autoencoder.
    ///
    /// # Errors
    /// If the width is still open, or a field is out of range.
    pub(super) fn made(&self) -> Result<MadeConfig> {
        let config = MadeConfig::new(self.width()?, self.n_hidden.list())
            .with_activation(self.activation)
            .with_conditional(self.conditional())
            .with_n_context(self.n_classes)
            .with_order(self.order.clone())
            .with_degrees(self.degrees)
            .with_n_wirings(self.n_masks)
            .with_direct(self.direct);
        config.validate().context("model")?;
        Ok(config)
    }

    /// The configuration of a NADE.
    ///
    /// # Errors
    /// If the width is still open, a field is out of range, or there is more than one hidden layer.
    pub(super) fn nade(&self) -> Result<NadeConfig> {
        let widths = self.n_hidden.list();
        let [n_hidden] = widths[..] else {
            return Err(Fault::usage(format!("model.n_hidden = {widths:?}: a nade has one hidden layer")));
        };
        let config = NadeConfig::new(self.width()?, n_hidden)
            .with_activation(self.activation)
            .with_conditional(self.conditional())
            .with_n_context(self.n_classes)
            .with_order(self.order.clone());
        config.validate().context("model")?;
        Ok(config)
    }

    fn validate(&self) -> Result<()> {
        match self.kind {
            ModelKind::Made => self.made().map(|_| ()),
            ModelKind::Nade => self.nade().map(|_| ()),
        }
    }
}

/// Which of several masks a step trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Masks {
    /// One after the other.
    Cycled,
    /// One at random.
    Drawn,
}

/// Training.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MadeTrain {
    /// Length, logs, validation, checkpoints. No epochs (0) means as many as make `steps` steps.
    #[serde(flatten)]
    pub run: LoopConfig,
    /// Steps of a run whose number of epochs is left to the size of the data.
    pub steps: usize,
    /// Examples in a batch.
    pub batch_size: usize,
    /// Learning rate of Adam, for gradients averaged over the batch.
    pub learning_rate: Schedule,
    /// Part of the weights that a step at learning rate 1 takes away.
    pub weight_decay: f64,
    /// Average of the weights, which is what is measured and saved.
    pub average: Average,
    /// Which of several masks a step trains.
    pub masks: Masks,
}

impl Length for MadeTrain {
    fn run(&self) -> LoopConfig {
        self.run.clone()
    }
}

impl MadeTrain {
    /// The optimizer's constants.
    pub(super) fn adam(&self) -> AdamConfig {
        AdamConfig::new().with_weight_decay(self.weight_decay)
    }
}

/// Settings to start from.
pub(super) fn preset(preset: Preset, _data: &str) -> (MadeModel, MadeTrain) {
    let mut model = MadeModel {
        kind: ModelKind::Made,
        n_visible: None,
        n_hidden: Widths::One(500),
        activation: Activation::Relu,
        outputs: Outputs::Bernoulli,
        levels: 8,
        components: 5,
        order: OrderConfig::Natural,
        degrees: Degrees::Uniform,
        n_masks: 1,
        direct: true,
        n_classes: 0,
    };
    let mut train = MadeTrain {
        run: LoopConfig { epochs: 0, ..LoopConfig::default() },
        steps: 6000,
        batch_size: 100,
        learning_rate: Schedule::cosine(4e-3, 0.0),
        weight_decay: 0.0,
        average: Average { decay: 0.999, every: 1 },
        masks: Masks::Cycled,
    };
    match preset {
        Preset::Tiny => {
            model.n_hidden = Widths::One(32);
            train.steps = 200;
        }
        Preset::Default => {}
        Preset::Paper => {
            model.n_hidden = Widths::One(8000);
            train.learning_rate = Schedule::cosine(1e-3, 0.0);
        }
    }
    (model, train)
}

/// The most epochs that small data are gone through.
const MOST_EPOCHS: usize = 300;

/// Fills in binarization, shape, width and length, and checks what can be checked before training.
pub(super) fn settle(config: &mut MadeRun, data: &Splits) -> Result<()> {
    let (model, train) = (&mut config.model, &mut config.train);
    config.data.binarization.get_or_insert(match model.outputs {
        Outputs::Bernoulli if !data.train.is_binary() => Binarization::Stochastic,
        _ => Binarization::None,
    });
    config.data.shape.get_or_insert_with(|| data.train.shape().to_vec());
    data.train.require_width(*model.n_visible.get_or_insert(data.width()))?;
    model.validate()?;
    check_rate("train.learning_rate", &train.learning_rate)?;
    check_counts(&[("train.batch_size", train.batch_size), ("train.steps", train.steps)])?;
    train.average.validate("train.average")?;
    train.adam().validate().context("train")?;
    if train.run.epochs == 0 {
        let per_epoch = data.train.len().div_ceil(train.batch_size);
        train.run.epochs = train.steps.div_ceil(per_epoch).min(MOST_EPOCHS);
    }
    if config.data.binarization == Some(Binarization::None) {
        Values::of(&config.model).require(&data.train)?;
    }
    Ok(())
}
