//! Settings of an autoregressive model.

use std::fmt;

use anyhow::{Context, Result};
use gibbs_autoregressive::{
    Degrees, MadeConfig, NadeConfig, OrderConfig, OutputDistribution, TransformerConfig,
};
use gibbs_core::nn::Activation;
use gibbs_train::weights;
use serde::{Deserialize, Serialize};

use crate::{boltzmann::check_counts, fault::Fault, standardization::Standardization};

/// Weights from inputs to outputs up to which direct connections are there unless the settings say otherwise.
const FEW_DIRECT: usize = 4_000_000;

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
    /// One width for each layer.
    pub(crate) fn list(&self) -> Vec<usize> {
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
    pub(super) fn conditional(&self) -> OutputDistribution {
        match self.outputs {
            Outputs::Bernoulli => OutputDistribution::Bernoulli,
            Outputs::Categorical => OutputDistribution::Categorical { levels: self.levels },
            Outputs::GaussianMixture => OutputDistribution::GaussianMixture { components: self.components },
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

    /// The function of the hidden units, that of the kind if none is given.
    pub(super) fn activation(&self) -> Activation {
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
        let config = MadeConfig::new(self.width()?, self.widths()?.into())
            .with_activation(self.activation())
            .with_output(self.conditional())
            .with_n_context(self.n_classes)
            .with_order(self.order.clone())
            .with_degrees(self.degrees)
            .with_n_masks(self.n_masks)
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
            .with_output(self.conditional())
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
            .with_n_hidden(self.one_width()?)
            .with_head_hidden(sizes.head_hidden)
            .with_activation(self.activation())
            .with_output(self.conditional())
            .with_n_context(self.n_classes)
            .with_order(self.order.clone());
        config.validate().context("model")?;
        Ok(config)
    }

    /// # Errors
    /// If the model of this kind cannot be built.
    pub(super) fn validate(&self) -> Result<()> {
        match self.kind {
            ModelKind::Made => self.made().map(|_| ()),
            ModelKind::Nade => self.nade().map(|_| ()),
            ModelKind::Transformer => self.transformer().map(|_| ()),
        }
    }
}

/// A setting that is settled by the data, or stands in the configuration of weights made elsewhere.
pub(crate) fn given<T>(value: Option<T>, path: &str) -> Result<T> {
    value.ok_or_else(|| Fault::usage(format!("{path} is not set: give that of the weights")))
}
