//! Deep autoencoder: a network that has to pass its input through a narrow layer.
//!
//! ```text
//! encoder    h_0 = x,  h_k = f(h_{k-1}·W_k + b_k),      z = f_code(h_{L-1}·W_L + b_L)
//! decoder    g_0 = z,  g_k = f(g_{k-1}·V_k + c_k),      y = g_{L-1}·V_L + c_L           the logits
//! output     x̂ = σ(y)  or  x̂ = y
//! ```
//!
//! with widths `d_0 > … > d_L` upwards and back. The weights of the decoder are their own, also after unrolling a stack of
//! RBMs, where they begin as the transposes of the encoder's.
//!
//! References: Hinton & Salakhutdinov, Science 313:504 (2006), doi:10.1126/science.1127647; Rumelhart, Hinton & Williams,
//! Nature 323:533 (1986), doi:10.1038/323533a0, for the encoder problem.
//!
//! Differences from the paper: hidden units may be other than logistic, and the code other than linear.
//!
//! Cost: one product `[batch, in] × [in, out]` for each layer, twice as many to reconstruct as to encode.

use burn::{config::Config, module::Module, prelude::*};
use gibbs_backend::{Noise, bce_with_logits, sigmoid, tanh};
use gibbs_boltzmann::{StackError, units::UnitKind};
use gibbs_core::ConfigError;
use gibbs_core::nn::{Activation, Affine, Mlp, MlpConfig};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why there is no such autoencoder.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum AutoencoderError {
    /// Too few widths, or a width of zero.
    #[error(transparent)]
    Network(#[from] ConfigError),
    /// Machines that make no stack.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// Units whose means no layer of an autoencoder computes.
    #[error("the {side} units of layer {layer} are {kind}; the autoencoder needs {expected} units there")]
    Units {
        /// Index of the machine, from 0.
        layer: usize,
        /// Visible or hidden.
        side: &'static str,
        /// Their kind.
        kind: UnitKind,
        /// What would do.
        expected: String,
    },
    /// Cross-entropy of an output that is no probability.
    #[error("the loss cross_entropy needs the output logistic; with the output linear take squared_error")]
    Loss,
}

/// How a reconstruction is made from the last layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// `x̂ = σ(y)`, for data in [0, 1].
    #[default]
    Logistic,
    /// `x̂ = y`, for real data.
    Linear,
}

/// The function of the code layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// Real codes, as in the paper.
    #[default]
    Linear,
    /// Codes in (0, 1), `1/(1 + exp(-x))`.
    Logistic,
    /// Codes in (-1, 1).
    Tanh,
}

impl Code {
    fn apply(self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Linear => x,
            Self::Logistic => sigmoid(x),
            Self::Tanh => tanh(x),
        }
    }
}

/// Widths and functions of an autoencoder.
#[derive(Config, Debug, PartialEq)]
pub struct AutoencoderConfig {
    /// Columns of the data, widths of the hidden layers, width of the code: at least two numbers, each at least 1
    /// (784, 1000, 500, 250, 30 for MNIST in the paper). The decoder has them in reverse.
    pub widths: Vec<usize>,
    /// Function of the hidden layers but the code (logistic in the paper).
    #[config(default = "Activation::Sigmoid")]
    pub activation: Activation,
    /// Function of the code layer.
    #[config(default = "Code::Linear")]
    pub code: Code,
    /// Function of the last layer: by the data.
    #[config(default = "Output::Logistic")]
    pub output: Output,
}

impl AutoencoderConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// [`AutoencoderError::Network`] for too few widths or a width of zero.
    pub fn validate(&self) -> Result<(), AutoencoderError> {
        Ok(MlpConfig::new(self.widths.clone()).validate()?)
    }

    /// An autoencoder with random weights by [`Activation::weight_init`] (Glorot & Bengio 2010 for logistic units) and zero
    /// biases, drawn in the order of the pass.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<Autoencoder, AutoencoderError> {
        let mut layers = |widths: Vec<usize>| -> Result<Vec<Affine>, ConfigError> {
            let config = MlpConfig::new(widths).with_activation(self.activation);
            Ok(config.init(device, noise)?.layers)
        };
        Ok(Autoencoder {
            encoder: layers(self.widths.clone())?,
            decoder: layers(self.widths.iter().rev().copied().collect())?,
            activation: self.activation,
            code: self.code,
            output: self.output,
        })
    }
}

/// A deep autoencoder; see the [module documentation](self).
#[derive(Module, Debug)]
pub struct Autoencoder {
    /// `W_k [d_{k-1}, d_k]` and `b_k [d_k]`, from the data to the code.
    pub encoder: Vec<Affine>,
    /// `V_k` and `c_k`, from the code to the reconstruction.
    pub decoder: Vec<Affine>,
    #[module(skip)]
    pub(crate) activation: Activation,
    #[module(skip)]
    pub(crate) code: Code,
    #[module(skip)]
    pub(crate) output: Output,
}

impl Autoencoder {
    /// The config with which [`AutoencoderConfig::init`] makes an autoencoder of this architecture.
    pub fn config(&self) -> AutoencoderConfig {
        let widths = self.encoder.iter().map(|layer| layer.weight.dims()[0]);
        AutoencoderConfig {
            widths: widths.chain([self.code_width()]).collect(),
            activation: self.activation,
            code: self.code,
            output: self.output,
        }
    }

    /// Columns of the data.
    pub fn width(&self) -> usize {
        self.encoder[0].weight.dims()[0]
    }

    /// Columns of the code.
    pub fn code_width(&self) -> usize {
        self.decoder[0].weight.dims()[0]
    }

    /// The function of the last layer.
    pub fn output(&self) -> Output {
        self.output
    }

    /// The codes `z`: `[batch, width] -> [batch, code]`.
    ///
    /// # Panics
    /// If the width of `x` is not that of the data.
    pub fn encode(&self, x: Tensor<2>) -> Tensor<2> {
        self.code.apply(Mlp::from_layers(self.encoder.clone(), self.activation).forward(x))
    }

    /// The reconstruction `x̂` from codes: `[batch, code] -> [batch, width]`.
    ///
    /// # Panics
    /// If the width of `z` is not that of the code.
    pub fn decode(&self, z: Tensor<2>) -> Tensor<2> {
        let y = self.decode_logits(z);
        match self.output {
            Output::Logistic => sigmoid(y),
            Output::Linear => y,
        }
    }

    fn decode_logits(&self, z: Tensor<2>) -> Tensor<2> {
        Mlp::from_layers(self.decoder.clone(), self.activation).forward(z)
    }

    /// `y`, the reconstruction before the output function: `[batch, width] -> [batch, width]`.
    ///
    /// # Panics
    /// If the width of `x` is not that of the data.
    pub fn logits(&self, x: Tensor<2>) -> Tensor<2> {
        self.decode_logits(self.encode(x))
    }

    /// The reconstruction `x̂` of each row, `[batch, width]`.
    ///
    /// # Panics
    /// If the width of `x` is not that of the data.
    pub fn reconstruct(&self, x: Tensor<2>) -> Tensor<2> {
        self.decode(self.encode(x))
    }

    /// `Σ_i (x_i - x̂_i)²` of each row, `[batch]`.
    ///
    /// # Panics
    /// If the width of `x` is not that of the data.
    pub fn squared_error(&self, x: Tensor<2>) -> Tensor<1> {
        (x.clone() - self.reconstruct(x)).square().sum_dim(1).squeeze_dim(1)
    }

    /// `-Σ_i [x_i ln x̂_i + (1 - x_i) ln(1 - x̂_i)]` of each row in nats, `[batch]`, for data in [0, 1].
    ///
    /// # Panics
    /// If the output is linear (see [`Loss::validate`](crate::Loss::validate)), or the width of `x` is not that of the data.
    pub fn cross_entropy(&self, x: Tensor<2>) -> Tensor<1> {
        assert_eq!(self.output, Output::Logistic, "{}", AutoencoderError::Loss);
        bce_with_logits(self.logits(x.clone()), x)
    }
}
