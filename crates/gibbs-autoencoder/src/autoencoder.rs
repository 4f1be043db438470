//! Deep autoencoder: a network that reconstructs its input from a code in a narrow layer.
//!
//! ```text
//! encoder    h_0 = x,  h_k = f(h_{k-1}·W_k + b_k),      z = f_code(h_{L-1}·W_L + b_L)
//! decoder    g_0 = z,  g_k = f(g_{k-1}·V_k + c_k),      y = g_{L-1}·V_L + c_L           the logits
//! output     x̂ = σ(y)  or  x̂ = y
//! ```
//!
//! with widths `d_0 > … > d_L` upwards and back. The decoder has its own weights. In an autoencoder unrolled from a stack
//! of RBMs they begin as the transposes of the encoder's.
//!
//! References: Hinton & Salakhutdinov, Science 313:504 (2006), doi:10.1126/science.1127647; Rumelhart, Hinton & Williams,
//! Nature 323:533 (1986), doi:10.1038/323533a0, for the encoder problem.
//!
//! Differences from the paper: hidden units need not be logistic, and the code need not be linear.
//!
//! Cost: one product `[batch, in] × [in, out]` for each layer, twice as many to reconstruct as to encode.

use burn::{config::Config, module::Module, prelude::*};
use gibbs_backend::{Noise, bce_with_logits, sigmoid, tanh};
use gibbs_boltzmann::{RbmConfig, StackError, units::UnitKind};
use gibbs_core::{
    ConfigError, check,
    nn::{Activation, Affine, Mlp, MlpConfig},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::pca::{Pca, PcaError};

/// Why a stack or a loss makes no autoencoder.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum AutoencoderError {
    /// RBMs that make no stack.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// A kind of units whose mean no layer of an autoencoder computes.
    #[error("the {side} units of layer {layer} are {kind}; the autoencoder needs {expected} units there")]
    Units {
        /// Index of the layer, from 0.
        layer: usize,
        /// Visible or hidden.
        side: &'static str,
        /// Their kind.
        kind: UnitKind,
        /// The kinds that fit.
        expected: String,
    },
    /// Cross-entropy with an output that is not a probability.
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
    /// Columns of the data, at least 1.
    pub n_visible: usize,
    /// Hidden units of each layer of the encoder, each at least 1 (1000, 500, 250 for MNIST in the paper). The decoder has
    /// them in reverse order.
    pub n_hidden: Vec<usize>,
    /// Columns of the code, at least 1 (30 in the paper).
    pub n_code: usize,
    /// Function of the hidden layers (logistic in the paper).
    #[config(default = "Activation::Sigmoid")]
    pub activation: Activation,
    /// Function of the code layer.
    #[config(default = "Code::Linear")]
    pub code: Code,
    /// Function of the last layer: logistic for data in [0, 1], else linear.
    #[config(default = "Output::Logistic")]
    pub output: Output,
}

impl AutoencoderConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first width that is 0.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("n_visible", self.n_visible, 1)?;
        for (k, &n_hidden) in self.n_hidden.iter().enumerate() {
            ConfigError::at_least(format!("n_hidden[{k}]"), n_hidden, 1)?;
        }
        ConfigError::at_least("n_code", self.n_code, 1)
    }

    /// Widths from the data to the code.
    fn widths(&self) -> Vec<usize> {
        [self.n_visible].into_iter().chain(self.n_hidden.iter().copied()).chain([self.n_code]).collect()
    }

    /// The RBM of each layer of the stack that unrolls to this autoencoder ([`Autoencoder::unroll`]), bottom to top.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails, or hidden units are neither logistic nor hyperbolic tangents.
    pub fn layers(&self, weight_std: f64) -> Result<Vec<RbmConfig>, ConfigError> {
        self.validate()?;
        let hidden = match self.activation {
            Activation::Sigmoid => UnitKind::Binary,
            Activation::Tanh => UnitKind::Spin,
            other => {
                let reason =
                    "a stack of RBMs has no such units; take sigmoid or tanh, or random initial weights";
                return Err(ConfigError::new("activation", other, reason));
            }
        };
        let code = match self.code {
            Code::Linear => UnitKind::Gaussian,
            Code::Logistic => UnitKind::Binary,
            Code::Tanh => UnitKind::Spin,
        };
        let visible = if self.output == Output::Linear { UnitKind::Gaussian } else { UnitKind::Binary };
        let (widths, depth) = (self.widths(), self.n_hidden.len());
        let layer = |(k, pair): (usize, &[usize])| {
            let config = RbmConfig::new(pair[0], pair[1])
                .with_visible(if k == 0 { visible } else { hidden })
                .with_hidden(if k == depth { code } else { hidden })
                .with_weight_std(weight_std);
            config.validate().map(|()| config)
        };
        widths.windows(2).enumerate().map(layer).collect()
    }

    /// An autoencoder with random weights by [`Activation::weight_init`] (Glorot & Bengio 2010 for logistic units) and zero
    /// biases, drawn in the order of the pass.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<Autoencoder, ConfigError> {
        self.validate()?;
        let mut layers = |widths: Vec<usize>| -> Result<Vec<Affine>, ConfigError> {
            let config = MlpConfig::new(widths).with_activation(self.activation);
            Ok(config.init(device, noise)?.layers)
        };
        Ok(Autoencoder {
            encoder: layers(self.widths())?,
            decoder: layers(self.widths().into_iter().rev().collect())?,
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
    /// The config of an autoencoder with this architecture.
    pub fn config(&self) -> AutoencoderConfig {
        let hidden = self.encoder[1..].iter().map(|layer| layer.weight.dims()[0]);
        AutoencoderConfig {
            n_visible: self.width(),
            n_hidden: hidden.collect(),
            n_code: self.code_width(),
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
        check::require_width("the autoencoder", &x, self.width());
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

    /// `n` codes from a normal distribution with the mean and covariance of the codes of `x [batch, width]`: `[n, code]`.
    /// [`decode`](Self::decode) makes images of them. An autoencoder has no distribution of its own.
    ///
    /// With fewer examples than code columns, the distribution spans the principal components of the codes that there are.
    ///
    /// # Errors
    /// If there are no examples, or a code is not finite.
    pub fn draw_codes(&self, x: Tensor<2>, n: usize, noise: &mut Noise) -> Result<Tensor<2>, PcaError> {
        let z = self.encode(x);
        let options = (&z.device(), z.dtype());
        let k = self.code_width().min(z.dims()[0]);
        let pca = Pca::fit([z], k)?;
        let scales: Vec<f64> =
            pca.eigenvalues()[..k].iter().map(|variance| variance.max(0.0).sqrt()).collect();
        let scales = Tensor::<2>::from_data(TensorData::new(scales, [1, k]), options);
        Ok(pca.decode(noise.normal([n, k], options) * scales))
    }

    fn decode_logits(&self, z: Tensor<2>) -> Tensor<2> {
        check::require_width("the code of the autoencoder", &z, self.code_width());
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
