//! The forward pass of a network.

use burn::prelude::*;
use gibbs_backend::{Function, Noise, Pattern, affine, masked_affine, network};

use super::Activation;

/// One layer as plain tensors, part of the autodiff graph.
#[derive(Clone, Debug)]
pub struct Layer {
    /// `W [in, out]`.
    pub weight: Tensor<2>,
    /// `b [out]`.
    pub bias: Tensor<1>,
    /// The weights `[in, out]` in use, or all of them without a mask. Other weights may have any value.
    pub mask: Option<Pattern>,
}

impl Layer {
    /// `f(x·(M⊙W) + b)`, or `x·(M⊙W) + b` without a function.
    fn forward(&self, x: Tensor<2>, function: Option<Function>) -> Tensor<2> {
        let (weight, bias) = (self.weight.clone(), self.bias.clone());
        match &self.mask {
            Some(mask) => masked_affine(x, weight, bias, mask, function),
            None => affine(x, weight, bias, function),
        }
    }
}

/// Dropout (Srivastava et al., JMLR 15:1929, 2014): each entry is kept with probability `1 - fraction` and divided by it, so that its mean
/// does not change; the others are 0. With 0 it draws nothing from the noise.
pub fn dropout(x: Tensor<2>, fraction: f64, noise: &mut Noise) -> Tensor<2> {
    if fraction == 0.0 {
        return x;
    }
    let keep = 1.0 - fraction;
    let kept = noise.bernoulli(x.clone().detach().full_like(keep));
    x * kept / keep
}

/// The layers of a network as plain tensors with their masks, part of the autodiff graph.
///
/// [`Mlp::network`](super::Mlp::network) and [`MaskedMlp::network`](super::MaskedMlp::network) make it at no cost.
///
/// ```text
/// h_0 = x,   h_k = activation(h_{k-1}·(M_k ⊙ W_k) + b_k),   y = h_{L-1}·(M_L ⊙ W_L) + b_L
/// ```
#[derive(Clone, Debug)]
pub struct Network {
    pub(crate) layers: Vec<Layer>,
    pub(crate) activation: Activation,
    pub(crate) dropout: f64,
}

impl Network {
    /// The layers, inputs first. With the [`activation`](Self::activation), another program can evaluate the network in its
    /// own way, for example unit by unit.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The activation function of the hidden units.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// The outputs, without dropout: `[batch, in] -> [batch, out]`.
    ///
    /// # Panics
    /// If `x` has another width than the inputs.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        if self.layers.iter().any(|layer| layer.mask.is_some()) {
            return self.pass(x, |h| h);
        }
        self.assert_fits(&x);
        let layers = self.layers.iter().map(|layer| (layer.weight.clone(), layer.bias.clone()));
        network(x, layers.collect(), self.activation.function())
    }

    /// The outputs with [`dropout`] of the hidden units. If `dropout` is 0, this is [`forward`](Self::forward) and draws nothing from the
    /// noise.
    ///
    /// # Panics
    /// If `x` has another width than the inputs.
    pub fn forward_with_dropout(&self, x: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        if self.dropout == 0.0 {
            return self.forward(x);
        }
        self.pass(x, |h| dropout(h, self.dropout, noise))
    }

    fn pass(&self, x: Tensor<2>, mut after_hidden: impl FnMut(Tensor<2>) -> Tensor<2>) -> Tensor<2> {
        self.assert_fits(&x);
        let last = self.layers.len().saturating_sub(1);
        self.layers.iter().enumerate().fold(x, |h, (i, layer)| {
            let function = (i != last).then(|| self.activation.function());
            let h = layer.forward(h, function);
            if i == last { h } else { after_hidden(h) }
        })
    }

    fn assert_fits(&self, x: &Tensor<2>) {
        if let Some(first) = self.layers.first() {
            let (shape, [n_in, _]) = (x.dims(), first.weight.dims());
            assert_eq!(shape[1], n_in, "the network takes rows of width {n_in}, got a tensor {shape:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, TensorData};
    use gibbs_testkit::check_gradient;

    use super::*;
    use crate::math::to_host;

    /// Widths 3-5-2 with the parameters of one vector, in f64.
    fn network(parameters: &[f64], activation: Activation, device: &Device) -> Network {
        let mut rest = parameters;
        let mut take = |n: usize| {
            let (values, after) = rest.split_at(n);
            rest = after;
            values.to_vec()
        };
        let mut layer = |[n_in, n_out]: [usize; 2]| {
            let weight = TensorData::new(take(n_in * n_out), [n_in, n_out]);
            let bias = TensorData::new(take(n_out), [n_out]);
            let options = (device, DType::F64);
            let (weight, bias) = (Tensor::from_data(weight, options), Tensor::from_data(bias, options));
            Layer { weight, bias, mask: None }
        };
        Network { layers: vec![layer([3, 5]), layer([5, 2])], activation, dropout: 0.0 }
    }

    #[test]
    fn gradients_are_finite_differences() {
        let parameters: Vec<f64> = (0..32).map(|i| (f64::from(i) * 0.7).sin()).collect();
        let x = [[0.3, -1.2, 0.8], [1.5, 0.1, -0.4], [-0.6, 0.9, 0.2]];
        let loss = |network: &Network, device: &Device| {
            network.forward(Tensor::from_data(x, (device, DType::F64))).powi_scalar(2).sum()
        };
        let device = Device::flex().autodiff();
        for activation in
            [Activation::Relu, Activation::Tanh, Activation::Sigmoid, Activation::Silu, Activation::Softplus]
        {
            let mut network = network(&parameters, activation, &device);
            for Layer { weight, bias, .. } in &mut network.layers {
                (*weight, *bias) = (weight.clone().require_grad(), bias.clone().require_grad());
            }
            let grads = loss(&network, &device).backward();
            let of_layer = |Layer { weight, bias, .. }: &Layer| {
                [to_host(weight.grad(&grads).unwrap()), to_host(bias.grad(&grads).unwrap())].concat()
            };
            let gradient: Vec<f64> = network.layers.iter().flat_map(of_layer).collect();
            check_gradient(&gradient, &parameters, 1e-7, |parameters| {
                let device = Device::flex();
                to_host(loss(&self::network(parameters, activation, &device), &device))[0]
            });
        }
    }
}
