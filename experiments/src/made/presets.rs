//! Settings of training, and the presets.

use anyhow::{Context, Result};
use gibbs_autoregressive::{Degrees, OrderConfig};
use gibbs_core::optim::AdamConfig;
use gibbs_data::{Binarization, Splits};
use gibbs_train::{schedule::Schedule, training::LoopConfig};
use serde::{Deserialize, Serialize};

use super::{
    MadeRun,
    config::{MadeModel, ModelKind, Outputs, TransformerSizes, Widths, given},
    values::Values,
};
use crate::{
    boltzmann::{check_counts, check_rate, layer::Average},
    cli::Preset,
    experiment::Length,
    standardization::Standardization,
};

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
