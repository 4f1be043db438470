//! The pass through a network whose weights are ready to use.

use burn::prelude::*;
use burn::tensor::module::linear;
use gibbs_backend::Noise;

use super::Activation;

/// The layers of a network as plain tensors, masks applied, still part of the autodiff graph.
///
/// Made by [`Mlp::network`](super::Mlp::network) and [`MaskedMlp::network`](super::MaskedMlp::network). Where a network is
/// evaluated many times with the same parameters (a solver, ancestral sampling), make it once and call
/// [`forward`](Self::forward) many times: the masks are then paid for once.
///
/// ```text
/// h_0 = x,   h_k = activation(h_{k-1}·W_k + b_k),   y = h_{L-1}·W_L + b_L
/// ```
#[derive(Clone, Debug)]
pub struct Network {
    pub(crate) layers: Vec<(Tensor<2>, Tensor<1>)>,
    pub(crate) activation: Activation,
    pub(crate) dropout: f64,
}

impl Network {
    /// The outputs: `[batch, in] -> [batch, out]`. Nothing is dropped.
    ///
    /// # Panics
    /// If the width of `x` is not that of the inputs.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.pass(x, |h| h)
    }

    /// The outputs with hidden units dropped at random (Srivastava et al., JMLR 15:1929, 2014): each is kept with
    /// probability `1 - dropout` and then divided by it, so that its mean stays the same. Without dropout this is
    /// [`forward`](Self::forward) and draws nothing.
    ///
    /// # Panics
    /// If the width of `x` is not that of the inputs.
    pub fn forward_with_dropout(&self, x: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        let keep = 1.0 - self.dropout;
        self.pass(x, |h| {
            if self.dropout == 0.0 {
                return h;
            }
            let kept = noise.bernoulli(h.clone().detach().zeros_like() + keep);
            h * kept / keep
        })
    }

    fn pass(&self, x: Tensor<2>, mut after_hidden: impl FnMut(Tensor<2>) -> Tensor<2>) -> Tensor<2> {
        if let Some((first, _)) = self.layers.first() {
            let (shape, [n_in, _]) = (x.dims(), first.dims());
            assert_eq!(shape[1], n_in, "the network takes rows of width {n_in}, got a tensor {shape:?}");
        }
        let last = self.layers.len().saturating_sub(1);
        self.layers.iter().enumerate().fold(x, |h, (i, (weight, bias))| {
            let h = linear(h, weight.clone(), Some(bias.clone()));
            if i == last { h } else { after_hidden(self.activation.apply(h)) }
        })
    }
}
