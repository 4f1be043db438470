//! Conditioners: the networks that supply the parameters of couplings.

use burn::{
    config::Config,
    module::{Module, ModuleDisplay},
    prelude::*,
};
use gibbs_backend::Noise;
use gibbs_core::{
    ConfigError,
    nn::{Activation, Mlp, MlpConfig, Widths},
};
use serde::{Deserialize, Serialize};

use super::{
    convolutional::{Convolutional, ConvolutionalConfig},
    partition::Partition,
};

/// A map from the kept variables to the parameters of the others.
pub trait Conditioner: Module + ModuleDisplay {
    /// Kept variables in the order of the data, with the context behind them, `[n, |A| + C]`, to parameters `[n, P·|B|]`: the
    /// first parameter of all changed variables, then the second of all, and so on.
    fn parameters(&self, kept: Tensor<2>) -> Tensor<2>;

    /// The network, if it is an MLP.
    fn mlp(&self) -> Option<&Mlp> {
        None
    }
}

impl Conditioner for Mlp {
    fn mlp(&self) -> Option<&Mlp> {
        Some(self)
    }

    fn parameters(&self, kept: Tensor<2>) -> Tensor<2> {
        self.forward(kept)
    }
}

impl Conditioner for Convolutional {
    fn parameters(&self, kept: Tensor<2>) -> Tensor<2> {
        self.forward(kept)
    }
}

/// Sizes of an MLP.
#[derive(Config, Debug, PartialEq)]
pub struct MlpConditionerConfig {
    /// Widths of the hidden layers, each at least 1.
    pub n_hidden: Widths,
    /// Function of the hidden units.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
}

/// The network of a coupling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ConditionerConfig {
    /// An [`Mlp`].
    Mlp(MlpConditionerConfig),
    /// A [`Convolutional`] network over the sites of a lattice.
    Convolutional(ConvolutionalConfig),
}

impl ConditionerConfig {
    /// An MLP with these hidden widths and relu units.
    pub fn mlp(n_hidden: impl Into<Widths>) -> Self {
        Self::Mlp(MlpConditionerConfig::new(n_hidden.into()))
    }

    /// A network whose last weights are zero and whose other weights are random, from `n_inputs` features of the kept variables and
    /// numbers of a context to `per_variable` parameters of each changed variable.
    pub(crate) fn init(
        &self,
        partition: &Partition,
        [n_inputs, n_context]: [usize; 2],
        per_variable: usize,
        device: &Device,
        noise: &mut Noise,
    ) -> Result<AnyConditioner, ConfigError> {
        Ok(match self {
            Self::Mlp(config) => {
                AnyConditioner::Mlp(mlp(config, partition, n_inputs, per_variable).init(device, noise)?)
            }
            Self::Convolutional(config) => AnyConditioner::Convolutional(config.init(
                partition,
                n_context,
                per_variable,
                device,
                noise,
            )?),
        })
    }

    pub(crate) fn validate(
        &self,
        partition: &Partition,
        n_inputs: usize,
        per_variable: usize,
    ) -> Result<(), ConfigError> {
        match self {
            Self::Mlp(config) => mlp(config, partition, n_inputs, per_variable).validate(),
            Self::Convolutional(config) => config.validate(partition.kept.len() + partition.changed.len()),
        }
    }
}

fn mlp(
    config: &MlpConditionerConfig,
    partition: &Partition,
    n_inputs: usize,
    per_variable: usize,
) -> MlpConfig {
    let n_out = partition.changed.len() * per_variable;
    MlpConfig::new([&[n_inputs], config.n_hidden.list(), &[n_out]].concat())
        .with_activation(config.activation)
        .with_output_gain(0.0)
}

/// A conditioner of either kind.
#[derive(Module, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "a flow has a few conditioners, and their weights are elsewhere"
)]
pub enum AnyConditioner {
    /// An [`Mlp`].
    Mlp(Mlp),
    /// A [`Convolutional`] network.
    Convolutional(Convolutional),
}

impl Conditioner for AnyConditioner {
    fn mlp(&self) -> Option<&Mlp> {
        match self {
            Self::Mlp(network) => Some(network),
            Self::Convolutional(_) => None,
        }
    }

    fn parameters(&self, kept: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Mlp(network) => network.parameters(kept),
            Self::Convolutional(network) => network.parameters(kept),
        }
    }
}
