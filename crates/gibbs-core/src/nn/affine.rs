//! One affine layer and its initial values.

use burn::module::{Module, Param};
use burn::prelude::*;
use gibbs_backend::{Init, Noise, Pattern};

use super::{Layer, Mask};

/// `y = x·W + b`.
#[derive(Module, Debug)]
pub struct Affine {
    /// `W [in, out]`.
    pub weight: Param<Tensor<2>>,
    /// `b [out]`.
    pub bias: Param<Tensor<1>>,
}

impl Affine {
    /// Weights drawn from `init`, biases zero.
    pub fn new(size: [usize; 2], init: Init, device: &Device, noise: &mut Noise) -> Self {
        Self { weight: init.param(size, device, noise), bias: Init::Zeros.param([size[1]], device, noise) }
    }

    /// [`new`](Self::new) with the weights multiplied by `gain`.
    ///
    /// Under a `mask` a unit has fewer inputs than the layer: its weights are multiplied by `√(in / connections)`, so that the
    /// initial variance of its input is the same as without a mask.
    pub(crate) fn under_mask(
        [n_in, n_out]: [usize; 2],
        init: Init,
        gain: f64,
        mask: Option<&Mask>,
        device: &Device,
        noise: &mut Noise,
    ) -> Self {
        let mut weight = init.tensor([n_in, n_out], device, noise);
        if let Some(mask) = mask {
            let factor = |output| (n_in as f64 / mask.connections(output).max(1) as f64).sqrt() as f32;
            let factors: Vec<f32> = (0..n_out).map(factor).collect();
            weight = weight * Tensor::<1>::from_data(factors.as_slice(), device).unsqueeze();
        }
        if gain != 1.0 {
            weight = weight * gain;
        }
        Self { weight: Param::from_tensor(weight), bias: Init::Zeros.param([n_out], device, noise) }
    }

    /// The layer as plain tensors, with an optional mask.
    pub(crate) fn masked(&self, mask: Option<Pattern>) -> Layer {
        Layer { weight: self.weight.val(), bias: self.bias.val(), mask }
    }
}
