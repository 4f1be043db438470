//! Models of every kind behind one name, for programs that read the kind from a config.

use std::fmt;

use burn::{
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::Noise;
use gibbs_core::ConfigError;
use serde::{Deserialize, Serialize};

use crate::{
    Autoregressive, Made, MadeConfig, Nade, NadeConfig, Order, OutputDistribution, PixelCnn, PixelCnnConfig,
    Transformer, TransformerConfig,
    autoregressive::distribution,
    sampling::{Ancestral, AncestralSampler},
};

/// Evaluates an expression for the variant of an enum, whatever the kind.
macro_rules! each {
    ($of:expr, $variant:ident => $value:expr) => {
        match $of {
            Self::Made($variant) => $value,
            Self::Nade($variant) => $value,
            Self::Transformer($variant) => $value,
            Self::PixelCnn($variant) => $value,
        }
    };
}

/// The kinds of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutoregressiveKind {
    /// Masked autoencoder.
    Made,
    /// Neural autoregressive distribution estimator.
    Nade,
    /// Causal transformer over patches.
    Transformer,
    /// Causal convolutions over a lattice.
    PixelCnn,
}

impl fmt::Display for AutoregressiveKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Made => "made",
            Self::Nade => "nade",
            Self::Transformer => "transformer",
            Self::PixelCnn => "pixel_cnn",
        })
    }
}

/// The config of a model of any kind. In serde formats, `kind` names the kind.
///
/// ```
/// use gibbs_autoregressive::{AutoregressiveConfig, AutoregressiveKind, OutputDistribution};
///
/// let config =
///     AutoregressiveConfig::for_shape(AutoregressiveKind::Nade, &[28, 28], OutputDistribution::Bernoulli)?;
/// let text = serde_json::to_string(&config).unwrap();
/// assert!(text.starts_with(r#"{"kind":"nade","n_visible":784,"n_hidden":500,"activation":"sigmoid","#));
/// assert_eq!(serde_json::from_str::<AutoregressiveConfig>(&text).unwrap(), config);
/// # Ok::<(), gibbs_autoregressive::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AutoregressiveConfig {
    /// See [`MadeConfig`].
    Made(MadeConfig),
    /// See [`NadeConfig`].
    Nade(NadeConfig),
    /// See [`TransformerConfig`].
    Transformer(TransformerConfig),
    /// See [`PixelCnnConfig`].
    PixelCnn(PixelCnnConfig),
}

/// The most weights of direct connections in a default config.
const MOST_DIRECT: usize = 4_000_000;

impl AutoregressiveConfig {
    /// The default config of a kind for examples of this shape, such as `[rows, columns]`.
    ///
    /// A MADE has direct connections if they take at most 4 million weights. The token of a transformer is a row of an image,
    /// or about the square root of the number of variables.
    ///
    /// # Errors
    /// If a PixelCNN gets a shape without two axes.
    pub fn for_shape(
        kind: AutoregressiveKind,
        shape: &[usize],
        output: OutputDistribution,
    ) -> Result<Self, ConfigError> {
        let n = shape.iter().product();
        Ok(match kind {
            AutoregressiveKind::Made => {
                let config = MadeConfig::new(n, 500.into()).with_output(output);
                let direct = config.n_direct() <= MOST_DIRECT;
                Self::Made(config.with_direct(direct))
            }
            AutoregressiveKind::Nade => Self::Nade(NadeConfig::new(n, 500).with_output(output)),
            AutoregressiveKind::Transformer => {
                let row = shape.last().copied().filter(|&row| row < n);
                let config = TransformerConfig::new(n, row.unwrap_or(n.isqrt()));
                Self::Transformer(config.with_output(output))
            }
            AutoregressiveKind::PixelCnn => {
                let &[rows, columns] = shape else {
                    let reason = format!("needs a lattice of two axes, but the shape is {shape:?}; use made");
                    return Err(ConfigError::new("kind", kind, reason));
                };
                Self::PixelCnn(PixelCnnConfig::new(rows, columns).with_output(output))
            }
        })
    }

    /// The kind.
    pub fn kind(&self) -> AutoregressiveKind {
        match self {
            Self::Made(_) => AutoregressiveKind::Made,
            Self::Nade(_) => AutoregressiveKind::Nade,
            Self::Transformer(_) => AutoregressiveKind::Transformer,
            Self::PixelCnn(_) => AutoregressiveKind::PixelCnn,
        }
    }

    /// Number of variables.
    pub fn n_visible(&self) -> usize {
        match self {
            Self::Made(config) => config.n_visible,
            Self::Nade(config) => config.n_visible,
            Self::Transformer(config) => config.n_visible,
            Self::PixelCnn(config) => config.n_visible(),
        }
    }

    /// The conditional distribution of each variable.
    pub fn output(&self) -> &OutputDistribution {
        each!(self, config => &config.output)
    }

    /// Width of the context, 0 for none.
    pub fn n_context(&self) -> usize {
        each!(self, config => config.n_context)
    }

    /// The same config with one hidden layer of this width, or blocks of this width.
    #[must_use]
    pub fn with_n_hidden(mut self, n_hidden: usize) -> Self {
        match &mut self {
            Self::Made(config) => config.n_hidden = n_hidden.into(),
            Self::Nade(config) => config.n_hidden = n_hidden,
            Self::Transformer(config) => config.n_hidden = n_hidden,
            Self::PixelCnn(config) => config.n_hidden = n_hidden,
        }
        self
    }

    /// The same config with a context of this width, 0 for none.
    #[must_use]
    pub fn with_n_context(mut self, n_context: usize) -> Self {
        each!(&mut self, config => config.n_context = n_context);
        self
    }

    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range, or an order that is no permutation.
    pub fn validate(&self) -> Result<(), ConfigError> {
        each!(self, config => config.validate())
    }

    /// A model with initial weights; see the config of the kind.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<AutoregressiveModel, ConfigError> {
        Ok(match self {
            Self::Made(config) => AutoregressiveModel::Made(config.init(device, noise)?),
            Self::Nade(config) => AutoregressiveModel::Nade(config.init(device, noise)?),
            Self::Transformer(config) => AutoregressiveModel::Transformer(config.init(device, noise)?),
            Self::PixelCnn(config) => AutoregressiveModel::PixelCnn(config.init(device, noise)?),
        })
    }
}

/// A model of any kind.
#[derive(Module, Debug)]
pub enum AutoregressiveModel {
    /// See [`Made`].
    Made(Made),
    /// See [`Nade`].
    Nade(Nade),
    /// See [`Transformer`].
    Transformer(Transformer),
    /// See [`PixelCnn`].
    PixelCnn(PixelCnn),
}

impl AutoregressiveModel {
    fn inner(&self) -> &(dyn Autoregressive + Sync) {
        each!(self, model => model)
    }
}

impl Ancestral for AutoregressiveModel {
    fn sampler(&self, mask: usize) -> Box<dyn AncestralSampler + '_> {
        self.inner().sampler(mask)
    }
}

impl Autoregressive for AutoregressiveModel {
    fn name(&self) -> &'static str {
        self.inner().name()
    }

    fn output(&self) -> &OutputDistribution {
        self.inner().output()
    }

    fn n_visible(&self) -> usize {
        self.inner().n_visible()
    }

    fn n_masks(&self) -> usize {
        self.inner().n_masks()
    }

    fn order(&self, mask: usize) -> &Order {
        self.inner().order(mask)
    }

    fn parameters(&self, mask: usize, x: Tensor<2>, context: Option<&Tensor<2>>) -> Tensor<2> {
        self.inner().parameters(mask, x, context)
    }

    fn parameters_with_dropout(
        &self,
        mask: usize,
        x: Tensor<2>,
        context: Option<&Tensor<2>>,
        noise: &mut Noise,
    ) -> Tensor<2> {
        self.inner().parameters_with_dropout(mask, x, context, noise)
    }

    fn output_bias(&mut self) -> &mut Param<Tensor<1>> {
        each!(self, model => Autoregressive::output_bias(model))
    }

    fn device(&self) -> Device {
        self.inner().device()
    }

    fn starting_with(&self, known: &[bool]) -> Option<Box<dyn Autoregressive>> {
        self.inner().starting_with(known)
    }
}

distribution!(AutoregressiveModel, |model| model.inner().n_context());
