//! A layer whose kind is chosen at run time.

use burn::{module::Module, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::Bijection;
use serde::{Deserialize, Serialize};

use crate::{
    Autoregressive, AutoregressiveConfig, ConfigError, Convolutional, ConvolutionalCouplingConfig, Coupling,
    CouplingConfig, Dequantization, Elementwise, FactorOut, Flow, Hartley, Inverse, Linear, Logit,
    Permutation, Permute, Univariate,
};

/// A layer, as a configuration names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum LayerConfig {
    /// See [`Coupling`].
    Coupling(CouplingConfig),
    /// A [`Coupling`] whose conditioner is [`Convolutional`].
    ConvolutionalCoupling(ConvolutionalCouplingConfig),
    /// See [`FactorOut`].
    FactorOut {
        /// Number of variables that go on.
        n_variables: usize,
        /// Their layers.
        layers: Vec<LayerConfig>,
    },
    /// See [`Autoregressive`].
    Autoregressive(AutoregressiveConfig),
    /// The [`Inverse`] of an [`Autoregressive`] layer.
    InverseAutoregressive(AutoregressiveConfig),
    /// See [`Elementwise`].
    Elementwise {
        /// The map of each variable.
        map: Univariate,
    },
    /// See [`Permutation`].
    Permutation {
        /// The order.
        order: Permute,
    },
    /// See [`Linear`].
    Linear {
        /// The permutation it begins as.
        order: Permute,
    },
    /// See [`Hartley`].
    Hartley {
        /// Numbers of sites along the axes.
        lengths: Vec<usize>,
    },
    /// See [`Logit`].
    Logit {
        /// Distance kept from 0 and 1.
        margin: f64,
    },
    /// See [`Dequantization`].
    Dequantization {
        /// Number of levels.
        levels: usize,
    },
}

impl LayerConfig {
    /// Activation normalization: an affine [`Elementwise`] layer that follows the scale of the data.
    pub fn act_norm() -> Self {
        Self::Elementwise { map: Univariate::normalization() }
    }

    /// Checks every field, for this many variables and a context of this width, 0 for none.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self, n_variables: usize, n_context: usize) -> Result<(), ConfigError> {
        match self {
            Self::Coupling(config) => config.validate(n_variables, n_context),
            Self::ConvolutionalCoupling(config) => config.validate(n_variables, n_context),
            Self::FactorOut { n_variables: inner, layers } => {
                let must = "at least 1 and fewer than there are";
                let goes_on = (1..n_variables).contains(inner);
                ConfigError::range(goes_on, "variables that go on", *inner as f64, must)?;
                layers.iter().try_for_each(|layer| layer.validate(*inner, n_context))
            }
            Self::Autoregressive(config) | Self::InverseAutoregressive(config) => {
                config.validate(n_variables, n_context)
            }
            Self::Elementwise { map } => map.validate(),
            Self::Permutation { order } | Self::Linear { order } => {
                order.order(n_variables, &mut Noise::new(0, "order")).map(drop)
            }
            Self::Hartley { lengths } => Hartley::check(lengths, n_variables),
            Self::Logit { margin } => Logit::new(*margin).map(drop),
            Self::Dequantization { levels } => Dequantization::new(*levels).map(drop),
        }
    }

    /// A layer of `n_variables` with a context of width `n_context`, 0 for none.
    ///
    /// Weights are drawn from `noise`, random orders from `order_noise`.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn init(
        &self,
        n_variables: usize,
        n_context: usize,
        device: &Device,
        noise: &mut Noise,
        order_noise: &mut Noise,
    ) -> Result<Layer, ConfigError> {
        Ok(match self {
            Self::Coupling(config) => Layer::Coupling(config.init(n_variables, n_context, device, noise)?),
            Self::ConvolutionalCoupling(config) => {
                Layer::ConvolutionalCoupling(config.init(n_variables, n_context, device, noise)?)
            }
            Self::FactorOut { n_variables: inner, layers } => {
                self.validate(n_variables, n_context)?;
                let layer = |layer: &Self| layer.init(*inner, n_context, device, noise, order_noise);
                let layers = layers.iter().map(layer).collect::<Result<Vec<_>, _>>()?;
                Layer::FactorOut(FactorOut::new(Flow::new(layers, *inner, n_context)))
            }
            Self::Autoregressive(config) => {
                Layer::Autoregressive(config.init(n_variables, n_context, device, noise)?)
            }
            Self::InverseAutoregressive(config) => {
                let inner = config.init(n_variables, n_context, device, noise)?;
                Layer::InverseAutoregressive(Inverse::of(inner))
            }
            Self::Elementwise { map } => Layer::Elementwise(Elementwise::new(n_variables, *map, device)?),
            Self::Permutation { order } => {
                Layer::Permutation(Permutation::new(order.order(n_variables, order_noise)?)?)
            }
            Self::Linear { order } => {
                Layer::Linear(Linear::new(order.order(n_variables, order_noise)?, device)?)
            }
            Self::Hartley { lengths } => {
                Hartley::check(lengths, n_variables)?;
                Layer::Hartley(Hartley::new(lengths))
            }
            Self::Logit { margin } => Layer::Logit(Logit::new(*margin)?),
            Self::Dequantization { levels } => Layer::Dequantization(Dequantization::new(*levels)?),
        })
    }
}

/// A layer of any kind, for chains of different ones.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "a flow has a few layers, and their weights are elsewhere")]
pub enum Layer {
    /// See [`Coupling`].
    Coupling(Coupling),
    /// See [`Coupling`] and [`Convolutional`].
    ConvolutionalCoupling(Coupling<Convolutional>),
    /// See [`FactorOut`].
    FactorOut(FactorOut),
    /// See [`Autoregressive`].
    Autoregressive(Autoregressive),
    /// The [`Inverse`] of an [`Autoregressive`] layer.
    InverseAutoregressive(Inverse<Autoregressive>),
    /// See [`Elementwise`].
    Elementwise(Elementwise),
    /// See [`Permutation`].
    Permutation(Permutation),
    /// See [`Linear`].
    Linear(Linear),
    /// See [`Hartley`].
    Hartley(Hartley),
    /// See [`Logit`].
    Logit(Logit),
    /// See [`Dequantization`].
    Dequantization(Dequantization),
}

/// Runs the same method on whichever kind the layer is.
macro_rules! on_kind {
    ($self:ident, $layer:ident => $body:expr) => {
        match $self {
            Layer::Coupling($layer) => $body,
            Layer::ConvolutionalCoupling($layer) => $body,
            Layer::FactorOut($layer) => $body,
            Layer::Autoregressive($layer) => $body,
            Layer::InverseAutoregressive($layer) => $body,
            Layer::Elementwise($layer) => $body,
            Layer::Permutation($layer) => $body,
            Layer::Linear($layer) => $body,
            Layer::Hartley($layer) => $body,
            Layer::Logit($layer) => $body,
            Layer::Dequantization($layer) => $body,
        }
    };
}

impl Bijection for Layer {
    fn forward(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        on_kind!(self, layer => layer.forward(x, context))
    }

    fn inverse(&self, z: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        on_kind!(self, layer => layer.inverse(z, context))
    }
}

impl Layer {
    /// Which variables have been changed by learned maps up to and with this layer, given which were before it.
    pub(crate) fn touch(&self, mut touched: Vec<bool>) -> Vec<bool> {
        match self {
            Self::Coupling(layer) => {
                mark(layer.changed(), &mut touched);
                touched
            }
            Self::ConvolutionalCoupling(layer) => {
                mark(layer.changed(), &mut touched);
                touched
            }
            Self::FactorOut(layer) => {
                let passing = touched.split_off(layer.inner.n_variables());
                let touched = layer.inner.layers.iter().fold(touched, |touched, layer| layer.touch(touched));
                [touched, passing].concat()
            }
            Self::Permutation(layer) => layer.order().iter().map(|&variable| touched[variable]).collect(),
            Self::Hartley(_) => vec![touched.contains(&true); touched.len()],
            Self::Logit(_) | Self::Dequantization(_) => touched,
            _ => vec![true; touched.len()],
        }
    }

    /// Whether there is a coupling in it.
    pub(crate) fn has_coupling(&self) -> bool {
        match self {
            Self::Coupling(_) | Self::ConvolutionalCoupling(_) => true,
            Self::FactorOut(layer) => layer.inner.layers.iter().any(Self::has_coupling),
            _ => false,
        }
    }

    /// See [`Flow::fitted`].
    pub(crate) fn fitted(self, x: &Tensor<2>, context: Option<&Tensor<2>>) -> Self {
        match self {
            Self::Elementwise(layer) => Self::Elementwise(layer.fitted(x.clone())),
            Self::FactorOut(layer) => Self::FactorOut(layer.fitted(x, context)),
            other => other,
        }
    }
}

fn mark(variables: &[usize], touched: &mut [bool]) {
    variables.iter().for_each(|&variable| touched[variable] = true);
}
