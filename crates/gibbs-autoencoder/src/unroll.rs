//! Unrolling a stack of RBMs into an autoencoder.
//!
//! ```text
//! encoder layer k    h ↦ E[hidden units of layer k | h]
//! decoder layer k    h ↦ E[visible units of layer k | h],    from the top layer down
//! ```
//!
//! The mean of every kind of units is a function of an affine map of the input `I = h·W` (see
//! [`units`](gibbs_boltzmann::units)):
//!
//! ```text
//! binary      σ(I + b)
//! spin        tanh(I + b)
//! Gaussian    e^s·I + μ         a linear layer; the weights contain the variance
//! ```
//!
//! so the unrolled network computes exactly the means that the RBMs pass up and down.
//!
//! Reference: Hinton & Salakhutdinov, Science 313:504 (2006), figure 1.

use burn::module::Param;
use burn::prelude::*;
use gibbs_boltzmann::units::{AnyUnits, UnitKind, Units};
use gibbs_boltzmann::{AnyRbm, Dbn};
use gibbs_core::nn::{Activation, Affine};

use crate::autoencoder::{Autoencoder, AutoencoderError, Code, Output};

impl Autoencoder {
    /// The autoencoder of a stack of RBMs, bottom to top. Binary visible units give a logistic output, Gaussian ones a
    /// linear output. The hidden units below the top are all binary or all spins. The hidden units of the top become the code
    /// and may also be Gaussian.
    ///
    /// The parameters are new: training the autoencoder leaves the RBMs unchanged.
    ///
    /// # Errors
    /// If the stack is empty, hidden units differ in width or kind from the visible units above them, or an autoencoder has no
    /// such kind.
    pub fn unroll(stack: &[AnyRbm]) -> Result<Self, AutoencoderError> {
        let Dbn { layers, .. } = Dbn::new(stack.to_vec())?;
        let (bottom, top) = (&layers[0], &layers[layers.len() - 1]);
        let output = match bottom.visible.kind() {
            UnitKind::Binary => Output::Logistic,
            UnitKind::Gaussian => Output::Linear,
            kind => return Err(misplaced(0, "visible", kind, "binary or gaussian")),
        };
        let code = match top.hidden.kind() {
            UnitKind::Binary => Code::Logistic,
            UnitKind::Spin => Code::Tanh,
            UnitKind::Gaussian => Code::Linear,
            kind => return Err(misplaced(layers.len() - 1, "hidden", kind, "binary, spin or gaussian")),
        };
        let activation = activation(&layers)?;
        Ok(Self {
            encoder: layers.iter().map(|rbm| mean_layer(rbm.weight.val(), &rbm.hidden)).collect(),
            decoder: layers
                .iter()
                .rev()
                .map(|rbm| mean_layer(rbm.weight.val().transpose(), &rbm.visible))
                .collect(),
            activation,
            code,
            output,
        })
    }
}

/// The function of the units between the RBMs.
fn activation(layers: &[AnyRbm]) -> Result<Activation, AutoencoderError> {
    let Some(first) = layers.get(1).map(|_| layers[0].hidden.kind()) else { return Ok(Activation::Sigmoid) };
    let activation = match first {
        UnitKind::Binary => Activation::Sigmoid,
        UnitKind::Spin => Activation::Tanh,
        kind => return Err(misplaced(0, "hidden", kind, "binary or spin")),
    };
    for (layer, pair) in layers.windows(2).enumerate() {
        for (layer, side, units) in
            [(layer, "hidden", &pair[0].hidden), (layer + 1, "visible", &pair[1].visible)]
        {
            if units.kind() != first {
                return Err(misplaced(layer, side, units.kind(), first));
            }
        }
    }
    Ok(activation)
}

fn misplaced(layer: usize, side: &'static str, kind: UnitKind, expected: impl ToString) -> AutoencoderError {
    AutoencoderError::Units { layer, side, kind, expected: expected.to_string() }
}

/// The affine map in the mean of `units` whose input comes through `weight [in, width]`.
fn mean_layer(weight: Tensor<2>, units: &AnyUnits) -> Affine {
    let (weight, bias) = match units {
        AnyUnits::Gaussian(units) => (weight * units.log_var.val().exp().unsqueeze(), units.mean.val()),
        units => (weight, units.parameters()[0].val()),
    };
    Affine { weight: fresh(weight), bias: fresh(bias) }
}

/// A new contiguous parameter with these values.
fn fresh<const D: usize>(values: Tensor<D>) -> Param<Tensor<D>> {
    let (device, dtype) = (values.device(), values.dtype());
    Param::from_tensor(Tensor::from_data(values.into_data(), (&device, dtype)))
}
