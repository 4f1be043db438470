//! Settings of an autoregressive model, and the presets.

use std::fmt;

use anyhow::{Context, Result};
use gibbs_autoregressive::{Conditional, Degrees, MadeConfig, NadeConfig, OrderConfig, TransformerConfig};
use gibbs_core::{nn::Activation, optim::AdamConfig};
use gibbs_data::{Binarization, Splits};
use gibbs_train::{schedule::Schedule, training::LoopConfig, weights};
use serde::{Deserialize, Serialize};

use super::{
    MadeRun,
    values::{Standardization, Values},
};
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
    /// Causal transformer over patches.
    Transformer,
}

impl fmt::Display for ModelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Made => "made",
            Self::Nade => "nade",
            Self::Transformer => "transformer",
        })
    }
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
    /// Hidden units, a number or a list of them; those of each block of a transformer. `null` takes what the kind needs.
    pub n_hidden: Option<Widths>,
    /// Function of the hidden units; `null` takes relu, or sigmoid for a nade, or silu for a transformer.
    pub activation: Option<Activation>,
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
    /// Whether the outputs of `made` see earlier inputs also directly; `null` if that takes at most four million weights, and
    /// for weights that are there if they have them.
    pub direct: Option<bool>,
    /// Part of the hidden units of `made` dropped in training; `null` takes what the amount of data needs.
    pub dropout: Option<f64>,
    /// Classes on which the model is conditioned, 0 for none.
    pub n_classes: usize,
    /// Shift and scale of the columns for a mixture; `null` takes those of the training data.
    pub standardization: Option<Standardization>,
    /// Further sizes of a transformer.
    pub transformer: TransformerSizes,
}

/// Sizes of a transformer; see its configuration in the model crate.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransformerSizes {
    /// Variables of a token; `null` takes a row of the picture, or about the root of the number of variables.
    pub patch: Option<usize>,
    /// Width of a token.
    pub d_model: usize,
    /// Attention heads.
    pub n_heads: usize,
    /// Blocks.
    pub n_layers: usize,
    /// Hidden units of the network for the variables of a token.
    pub head_hidden: usize,
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

    /// Checks what the model crate knows by another name, or not at all.
    fn check(&self) -> Result<()> {
        check_counts(&[("model.n_masks", self.n_masks), ("model.components", self.components)])?;
        if self.levels < 2 {
            return Err(Fault::usage(format!("model.levels = {}: must be at least 2", self.levels)));
        }
        if self.kind != ModelKind::Made && self.n_masks != 1 {
            return Err(Fault::usage(format!(
                "model.n_masks = {}: only a made has several masks, a {} needs 1",
                self.n_masks, self.kind
            )));
        }
        Ok(())
    }

    fn width(&self) -> Result<usize> {
        self.check()?;
        given(self.n_visible, "model.n_visible")
    }

    fn widths(&self) -> Result<Vec<usize>> {
        let widths = given(self.n_hidden.as_ref().map(Widths::list), "model.n_hidden")?;
        if widths.contains(&0) {
            return Err(Fault::usage(format!("model.n_hidden = {widths:?}: each width must be at least 1")));
        }
        Ok(widths)
    }

    fn one_width(&self) -> Result<usize> {
        match self.widths()?[..] {
            [width] => Ok(width),
            ref widths => Err(Fault::usage(format!(
                "model.n_hidden = {widths:?}: one number for a {}, only a made takes several layers",
                self.kind
            ))),
        }
    }

    fn activation(&self) -> Activation {
        self.activation.unwrap_or(match self.kind {
            ModelKind::Made => Activation::Relu,
            ModelKind::Nade => Activation::Sigmoid,
            ModelKind::Transformer => Activation::Silu,
        })
    }

    /// Whether direct connections would not be too many.
    fn has_few_direct(&self) -> bool {
        let (conditional, n) = (self.conditional(), self.n_visible.unwrap_or_default());
        n * conditional.n_inputs() * n * conditional.n_parameters() <= FEW_DIRECT
    }

    /// The configuration of a masked autoencoder, for weights that are there.
    ///
    /// # Errors
    /// If the width is still open, or a field is out of range.
    pub(super) fn made_of(&self, weights: &[u8]) -> Result<MadeConfig> {
        let config = self.made()?;
        Ok(match self.direct {
            Some(_) => config,
            None => config.with_direct(weights::contains(weights, "direct")?),
        })
    }

    /// The configuration of a masked autoencoder.
    ///
    /// # Errors
    /// If the width is still open, or a field is out of range.
    pub(super) fn made(&self) -> Result<MadeConfig> {
        let config = MadeConfig::new(self.width()?, self.widths()?)
            .with_activation(self.activation())
            .with_conditional(self.conditional())
            .with_n_context(self.n_classes)
            .with_order(self.order.clone())
            .with_degrees(self.degrees)
            .with_n_wirings(self.n_masks)
            .with_direct(self.direct.unwrap_or(self.has_few_direct()))
            .with_dropout(self.dropout.unwrap_or_default());
        config.validate().context("model")?;
        Ok(config)
    }

    /// The configuration of a NADE.
    ///
    /// # Errors
    /// If the width is still open, a field is out of range, or there is more than one hidden layer.
    pub(super) fn nade(&self) -> Result<NadeConfig> {
        let config = NadeConfig::new(self.width()?, self.one_width()?)
            .with_activation(self.activation())
            .with_conditional(self.conditional())
            .with_n_context(self.n_classes)
            .with_order(self.order.clone());
        config.validate().context("model")?;
        Ok(config)
    }

    /// The configuration of a transformer.
    ///
    /// # Errors
    /// If a size is still open, or a field is out of range.
    pub(super) fn transformer(&self) -> Result<TransformerConfig> {
        let sizes = &self.transformer;
        let config = TransformerConfig::new(self.width()?, given(sizes.patch, "model.transformer.patch")?)
            .with_d_model(sizes.d_model)
            .with_n_heads(sizes.n_heads)
            .with_n_layers(sizes.n_layers)
            .with_d_hidden(self.one_width()?)
            .with_head_hidden(sizes.head_hidden)
            .with_activation(self.activation())
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
            ModelKind::Transformer => self.transformer().map(|_| ()),
        }
    }
}

/// A setting that is settled by the data, or stands in the configuration of weights made elsewhere.
fn given<T>(value: Option<T>, path: &str) -> Result<T> {
    value.ok_or_else(|| Fault::usage(format!("{path} is not set: give that of the weights")))
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
    /// Steps of a run whose number of epochs is left open; `null` takes what the kind needs.
    pub steps: Option<usize>,
    /// Examples in a batch; `null` takes what the kind needs.
    pub batch_size: Option<usize>,
    /// Learning rate of Adam, for gradients averaged over the batch; `null` takes what the kind needs.
    pub learning_rate: Option<Schedule>,
    /// Part of the weights that a step at learning rate 1 takes away.
    pub weight_decay: f64,
    /// Average of the weights, which is what is measured and saved.
    pub average: Average,
    /// Which of several masks a step trains.
    pub masks: Masks,
    /// The preset from which comes what is left open.
    pub preset: Preset,
}

impl Length for MadeTrain {
    fn run(&self) -> LoopConfig {
        self.run.clone()
    }
}

impl MadeTrain {
    /// The learning rate.
    ///
    /// # Errors
    /// If it is still open.
    pub(super) fn rate(&self) -> Result<&Schedule> {
        given(self.learning_rate.as_ref(), "train.learning_rate")
    }

    /// Examples in a batch.
    ///
    /// # Errors
    /// If it is still open.
    pub(super) fn batch_size(&self) -> Result<usize> {
        given(self.batch_size, "train.batch_size")
    }

    /// The optimizer's constants.
    pub(super) fn adam(&self) -> AdamConfig {
        AdamConfig::new().with_weight_decay(self.weight_decay)
    }
}

/// Settings to start from. What depends on the kind is left open.
pub(super) fn preset(preset: Preset, _data: &str) -> (MadeModel, MadeTrain) {
    let model = MadeModel {
        kind: ModelKind::Made,
        n_visible: None,
        n_hidden: None,
        activation: None,
        outputs: Outputs::Bernoulli,
        levels: 8,
        components: 5,
        order: OrderConfig::Natural,
        degrees: Degrees::Uniform,
        n_masks: 1,
        direct: None,
        dropout: None,
        n_classes: 0,
        standardization: None,
        transformer: TransformerSizes {
            patch: None,
            d_model: 128,
            n_heads: 4,
            n_layers: 4,
            head_hidden: 256,
        },
    };
    let train = MadeTrain {
        run: LoopConfig { epochs: 0, patience: Some(30), ..LoopConfig::default() },
        steps: None,
        batch_size: None,
        learning_rate: None,
        weight_decay: 0.0,
        average: Average { decay: 0.999, every: 1 },
        masks: Masks::Cycled,
        preset,
    };
    (model, train)
}

/// What a preset says for a kind of model.
struct Recipe {
    n_hidden: usize,
    steps: usize,
    batch_size: usize,
    rate: f64,
}

/// The settings for a kind; few examples get a smaller network.
fn recipe(kind: ModelKind, preset: Preset, are_few: bool) -> Recipe {
    let (n_hidden, steps, batch_size, rate) = match (kind, preset) {
        (ModelKind::Made, Preset::Tiny) => (32, 200, 100, 4e-3),
        (ModelKind::Made, Preset::Default) if are_few => (500, 6000, 100, 4e-3),
        (ModelKind::Made, Preset::Default) => (2000, 5000, 100, 2e-3),
        (ModelKind::Made, Preset::Paper) => (8000, 5000, 100, 1e-3),
        (ModelKind::Nade, Preset::Tiny) => (16, 100, 100, 4e-3),
        (ModelKind::Nade, Preset::Default) => (500, 6000, 100, 2e-3),
        (ModelKind::Nade, Preset::Paper) => (500, 15_000, 100, 2e-3),
        (ModelKind::Transformer, Preset::Tiny) => (32, 30, 50, 2e-3),
        (ModelKind::Transformer, Preset::Default) => (512, 6000, 50, 2e-3),
        (ModelKind::Transformer, Preset::Paper) => (512, 12_000, 50, 2e-3),
    };
    Recipe { n_hidden, steps, batch_size, rate }
}

/// Steps over which the learning rate rises.
const WARM_UP: usize = 100;

/// Fewer training examples than this are few: models are then trained with dropped units.
const FEW: usize = 10_000;

/// Weights from inputs to outputs up to which direct connections are there unless the settings say otherwise.
const FEW_DIRECT: usize = 4_000_000;

/// Fills in what the preset leaves to the kind of model and the amount of data.
fn settle_kind(model: &mut MadeModel, train: &mut MadeTrain, n_examples: usize) {
    let are_few = n_examples < FEW;
    let recipe = recipe(model.kind, train.preset, are_few);
    model.n_hidden.get_or_insert(Widths::One(recipe.n_hidden));
    model.activation = Some(model.activation());
    model.dropout.get_or_insert(if are_few { 0.5 } else { 0.0 });
    train.batch_size.get_or_insert(recipe.batch_size);
    train.steps.get_or_insert(recipe.steps);
    train.learning_rate.get_or_insert(Schedule::cosine(recipe.rate, 0.0).with_warmup(WARM_UP));
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
    let width = *model.n_visible.get_or_insert(data.width());
    data.train.require_width(width)?;
    settle_kind(model, train, data.train.len());
    let row = data.train.shape().last().copied().filter(|row| *row < width);
    model.transformer.patch.get_or_insert(row.unwrap_or(width.isqrt()));
    model.validate()?;
    check_rate("train.learning_rate", train.rate()?)?;
    let (steps, batch_size) = (given(train.steps, "train.steps")?, train.batch_size()?);
    check_counts(&[("train.batch_size", batch_size), ("train.steps", steps)])?;
    train.average.validate("train.average")?;
    train.adam().validate().context("train")?;
    if train.run.epochs == 0 {
        let per_epoch = data.train.len().div_ceil(batch_size);
        train.run.epochs = steps.div_ceil(per_epoch).min(MOST_EPOCHS);
    }
    let (values, is_as_it_is) =
        (Values::of(&config.model), config.data.binarization == Some(Binarization::None));
    [&data.train, &data.valid, &data.test].into_iter().try_for_each(|set| match is_as_it_is {
        true => values.require(set),
        false => values.require_labels(set),
    })?;
    if config.model.outputs == Outputs::GaussianMixture {
        let fitted = config.model.standardization.get_or_insert_with(|| Standardization::fit(&data.train));
        fitted.validate(width)?;
    }
    Ok(())
}
