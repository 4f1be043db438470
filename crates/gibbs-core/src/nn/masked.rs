//! Multi-layer perceptron (MLP) with masked weights: each output depends on chosen inputs only.
//!
//! ```text
//! h_0 = x,   h_k = activation(h_{k-1}·(M_k ⊙ W_k) + b_k),   y = h_{L-1}·(M_L ⊙ W_L) + b_L
//! y_i depends on x_j  only if adjacency(i, j)
//! ```
//!
//! References: Germain, Gregor, Murray & Larochelle, "MADE", ICML 2015, arXiv:1502.03509, for masks from degrees. The library
//! zuko computes masks from a matrix of dependencies, as we do here: one mechanism for autoregressive, coupling and
//! graph-structured networks.
//!
//! Differences from the paper: the sets of inputs are distributed evenly over hidden units, not at random (see
//! [`Mask::layers`]; use [`MaskedMlpConfig::init_from_masks`] for random ones). The initial weights of a unit are larger if it
//! sees fewer inputs.
//!
//! Cost: at most that of an [`Mlp`](super::Mlp) of these widths. On the backend `flex` the products skip blocks of weights that
//! are masked out: about half of them if inputs, hidden units and outputs are in order (see [`masked_affine`]). A mask takes one
//! bit for each weight.
//!
//! [`masked_affine`]: gibbs_backend::masked_affine

use burn::config::Config;
use burn::module::Module;
use burn::prelude::*;
use gibbs_backend::{Noise, Pattern};

use super::{Activation, Affine, Mask, MlpConfig, Network};
use crate::ConfigError;

/// Hidden layers of a masked network. The masks determine the numbers of inputs and outputs.
#[derive(Config, Debug, PartialEq)]
pub struct MaskedMlpConfig {
    /// Widths of the hidden layers, each at least 1. An empty list makes a single affine layer.
    pub hidden: Vec<usize>,
    /// Function of the hidden units.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
    /// Fraction of hidden units dropped by [`Network::forward_with_dropout`], in [0, 1).
    #[config(default = 0.0)]
    pub dropout: f64,
    /// Factor on the initial weights of the last layer, finite. With 0 the initial outputs are zero.
    #[config(default = 1.0)]
    pub output_gain: f64,
}

impl MaskedMlpConfig {
    /// Checks every field for these numbers of inputs and outputs.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self, n_in: usize, n_out: usize) -> Result<(), ConfigError> {
        self.without_masks(n_in, n_out).validate()
    }

    fn without_masks(&self, n_in: usize, n_out: usize) -> MlpConfig {
        MlpConfig {
            widths: [&[n_in], self.hidden.as_slice(), &[n_out]].concat(),
            activation: self.activation,
            dropout: self.dropout,
            output_gain: self.output_gain,
        }
    }

    /// A network whose output `i` depends on input `j` only if `adjacency` has `(i, j)`. If the hidden layers are wide enough, it
    /// depends on all of them (see [`Mask::layers`]).
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails, or the layers are so narrow that an output loses all its inputs.
    pub fn init(
        &self,
        adjacency: &Mask,
        device: &Device,
        noise: &mut Noise,
    ) -> Result<MaskedMlp, ConfigError> {
        self.validate(adjacency.n_in(), adjacency.n_out())?;
        self.init_from_masks(&adjacency.layers(&self.hidden)?, device, noise)
    }

    /// A network with these masks, one for each layer, inputs first.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails or the masks do not fit the hidden widths and each other.
    pub fn init_from_masks(
        &self,
        masks: &[Mask],
        device: &Device,
        noise: &mut Noise,
    ) -> Result<MaskedMlp, ConfigError> {
        let n_layers = self.hidden.len() + 1;
        let reason = format!("must be one for each of the {n_layers} layers");
        ConfigError::require(masks.len() == n_layers, "masks", masks.len(), reason)?;
        let mlp = self.without_masks(masks[0].n_in(), masks[n_layers - 1].n_out());
        mlp.validate()?;
        for (layer, (mask, pair)) in masks.iter().zip(mlp.widths.windows(2)).enumerate() {
            let found = format!("{} by {}", mask.n_out(), mask.n_in());
            let reason = format!("must be {} outputs by {} inputs", pair[1], pair[0]);
            let fits = [mask.n_in(), mask.n_out()] == pair;
            ConfigError::require(fits, format!("masks.{layer}"), found, reason)?;
        }
        let layers = mlp.layers(Some(masks), device, noise);
        let masks = masks.iter().map(Mask::pattern).collect();
        Ok(MaskedMlp { layers, masks, activation: self.activation, dropout: self.dropout })
    }

    /// The network of the given layers under masks `[in, out]`, one for each layer. Costs nothing.
    ///
    /// # Panics
    /// If there is not one mask for each layer. The first pass panics if the shapes of masks and weights differ.
    pub fn network(&self, layers: &[Affine], masks: &[Pattern]) -> Network {
        under_masks(layers, masks, self.activation, self.dropout)
    }
}

fn under_masks(layers: &[Affine], masks: &[Pattern], activation: Activation, dropout: f64) -> Network {
    assert_eq!(layers.len(), masks.len(), "a network of {} layers under {} masks", layers.len(), masks.len());
    let masked = |(layer, mask): (&Affine, &Pattern)| layer.masked(Some(mask.clone()));
    Network { layers: layers.iter().zip(masks).map(masked).collect(), activation, dropout }
}

/// A masked multi-layer perceptron.
///
/// ```
/// use burn::prelude::*;
/// use gibbs_backend::{Noise, Pattern};
/// use gibbs_core::nn::{Mask, MaskedMlpConfig};
///
/// let device = Device::flex();
/// let noise = &mut Noise::new(0, "init");
/// let autoregressive = Mask::from_fn(4, 4, |output, input| input < output);
/// let network = MaskedMlpConfig::new(vec![32, 32]).init(&autoregressive, &device, noise)?;
/// let y = network.forward(noise.normal([8, 4], &device));
/// assert_eq!(y.dims(), [8, 4]);
/// # Ok::<(), gibbs_core::ConfigError>(())
/// ```
///
/// Masks are no parameters: a file of weights contains the layers only. To load it, make a network from the same config and
/// the same adjacency or masks. The gradient of masked-out weights is exactly zero: they keep their initial values, or
/// weight decay shrinks them, which changes nothing.
#[derive(Module, Debug)]
pub struct MaskedMlp {
    /// The layers, inputs first. Weights are stored before masking.
    pub layers: Vec<Affine>,
    /// `[in, out]`, one for each layer.
    #[module(skip)]
    masks: Vec<Pattern>,
    #[module(skip)]
    activation: Activation,
    dropout: f64,
}

impl MaskedMlp {
    /// The outputs, without dropout: `[batch, in] -> [batch, out]`. With dropout: [`Network::forward_with_dropout`].
    ///
    /// # Panics
    /// If `x` has another width than the inputs.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.network().forward(x)
    }

    /// The layers as plain tensors, with their masks. Costs nothing.
    pub fn network(&self) -> Network {
        under_masks(&self.layers, &self.masks, self.activation, self.dropout)
    }
}
