//! One block: attention to the tokens up to each, then a network on each token.

use burn::{module::Module, prelude::*};
use gibbs_backend::{Init, Noise, affine, exp};
use gibbs_core::nn::{Activation, Affine};

use super::TransformerConfig;

/// Added to mean squares: a token of zeros stays zero.
const EPSILON: f64 = 1e-6;

/// Weights of a block; see [`transformer`](super) for the equations.
#[derive(Module, Debug)]
pub struct Block {
    /// Queries of all heads, `W_Q [d, d]`.
    pub query: Affine,
    /// Keys of all heads, `W_K [d, d]`.
    pub key: Affine,
    /// Values of all heads, `W_V [d, d]`.
    pub value: Affine,
    /// From what the heads found back to the token, `W_O [d, d]`.
    pub output: Affine,
    /// Hidden units, `W_1 [d, d_hidden]`.
    pub expand: Affine,
    /// Back to the token, `W_2 [d_hidden, d]`.
    pub contract: Affine,
    n_heads: usize,
    #[module(skip)]
    activation: Activation,
}

/// Keys and values of the tokens so far, `[n, heads, t, d/heads]`.
#[derive(Clone, Debug, Default)]
pub(super) struct Cache(Option<[Tensor<4>; 2]>);

impl Cache {
    /// Adds those of the next tokens, and returns them all.
    fn extended(&mut self, key: Tensor<4>, value: Tensor<4>) -> [Tensor<4>; 2] {
        let all = match self.0.take() {
            None => [key, value],
            Some([keys, values]) => [Tensor::cat(vec![keys, key], 2), Tensor::cat(vec![values, value], 2)],
        };
        self.0.insert(all).clone()
    }
}

impl Block {
    pub(super) fn new(config: &TransformerConfig, device: &Device, noise: &mut Noise) -> Self {
        let (d, hidden) = (config.d_model, config.d_hidden);
        let mut layer = |n_in: usize, n_out: usize, gain: f64| {
            let init = Init::Normal { std: gain / (n_in as f64).sqrt() };
            Affine {
                weight: init.param([n_in, n_out], device, noise),
                bias: Init::Zeros.param([n_out], device, noise),
            }
        };
        let back = (2.0 * config.n_layers as f64).sqrt().recip();
        Self {
            query: layer(d, d, 1.0),
            key: layer(d, d, 1.0),
            value: layer(d, d, 1.0),
            output: layer(d, d, back),
            expand: layer(d, hidden, 1.0),
            contract: layer(hidden, d, back),
            n_heads: config.n_heads,
            activation: config.activation,
        }
    }

    /// `h [n·s, d]` of `s` successive tokens of `n` examples.
    pub(super) fn forward(&self, h: Tensor<2>, n: usize, cache: &mut Cache) -> Tensor<2> {
        let [rows, d] = h.dims();
        let x = normalized(h.clone());
        let of_heads = |layer: &Affine| {
            linear(layer, x.clone()).reshape([n, rows / n, self.n_heads, d / self.n_heads]).swap_dims(1, 2)
        };
        let [keys, values] = cache.extended(of_heads(&self.key), of_heads(&self.value));
        let found = attention(of_heads(&self.query), keys, values);
        let h = h + linear(&self.output, found.swap_dims(1, 2).reshape([rows, d]));

        let hidden = normalized(h.clone());
        let hidden = affine(
            hidden,
            self.expand.weight.val(),
            self.expand.bias.val(),
            Some(self.activation.function()),
        );
        h + linear(&self.contract, hidden)
    }
}

fn linear(layer: &Affine, x: Tensor<2>) -> Tensor<2> {
    affine(x, layer.weight.val(), layer.bias.val(), None)
}

/// Each row divided by the root of its mean square.
pub(super) fn normalized(x: Tensor<2>) -> Tensor<2> {
    let mean_square = x.clone().powi_scalar(2).mean_dim(1);
    x * (mean_square + EPSILON).sqrt().recip()
}

/// `softmax(q·kᵀ/√d)·v`, where the queries are those of the last `s` of `t` tokens, and each sees the tokens up to its own.
fn attention(query: Tensor<4>, keys: Tensor<4>, values: Tensor<4>) -> Tensor<4> {
    let [_, _, s, d] = query.dims();
    let scores = (query * (d as f64).sqrt().recip()).matmul(keys.swap_dims(2, 3));
    let scores = match s {
        1 => scores,
        _ => {
            let future = future(&scores);
            scores + future
        }
    };
    let largest = scores.clone().detach().max_dim(3);
    let weights = exp(scores - largest);
    weights.clone().matmul(values) / weights.sum_dim(3)
}

/// `-∞` where the key is of a later token than the query, and 0 elsewhere: `[1, 1, s, t]`.
fn future(scores: &Tensor<4>) -> Tensor<4> {
    let [_, _, s, t] = scores.dims();
    let bit = |i: usize, j: usize| if j > i + t - s { f32::NEG_INFINITY } else { 0.0 };
    let bits: Vec<f32> = (0..s).flat_map(|i| (0..t).map(move |j| bit(i, j))).collect();
    Tensor::from_data(TensorData::new(bits, [1, 1, s, t]), (&scores.device(), scores.dtype()))
}
