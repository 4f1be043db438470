//! One block: attention to earlier tokens, then a network on each token.

use burn::{module::Module, prelude::*};
use gibbs_backend::{Function, Init, Noise, affine, exp};
use gibbs_core::nn::{Activation, Affine};

/// Added to mean squares, so that a token of zeros stays zero.
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
    /// From the outputs of all heads back to the token, `W_O [d, d]`.
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
    /// Appends those of the next tokens and returns all.
    fn extended(&mut self, key: Tensor<4>, value: Tensor<4>) -> [Tensor<4>; 2] {
        let all = match self.0.take() {
            None => [key, value],
            Some([keys, values]) => [Tensor::cat(vec![keys, key], 2), Tensor::cat(vec![values, value], 2)],
        };
        self.0.insert(all).clone()
    }
}

impl Block {
    /// For tokens of width `d` in a model of `n_layers` blocks.
    pub(super) fn new(
        [d, hidden]: [usize; 2],
        n_heads: usize,
        n_layers: usize,
        activation: Activation,
        device: &Device,
        noise: &mut Noise,
    ) -> Self {
        let mut layer = |n_in: usize, n_out: usize, gain: f64| {
            Affine::new([n_in, n_out], Init::Normal { std: gain / (n_in as f64).sqrt() }, device, noise)
        };
        let back = (2.0 * n_layers as f64).sqrt().recip();
        Self {
            query: layer(d, d, 1.0),
            key: layer(d, d, 1.0),
            value: layer(d, d, 1.0),
            output: layer(d, d, back),
            expand: layer(d, hidden, 1.0),
            contract: layer(hidden, d, back),
            n_heads,
            activation,
        }
    }

    /// `h [n·s, d]` of `s` successive tokens of `n` examples.
    pub(super) fn forward(&self, h: Tensor<2>, n: usize, cache: &mut Cache) -> Tensor<2> {
        let [rows, d] = h.dims();
        let x = normalized(h.clone());
        let of_heads = |layer: &Affine| {
            let y = linear(layer, x.clone(), None);
            y.reshape([n, rows / n, self.n_heads, d / self.n_heads]).swap_dims(1, 2)
        };
        let [keys, values] = cache.extended(of_heads(&self.key), of_heads(&self.value));
        let found = attention(of_heads(&self.query), keys, values);
        let h = h + linear(&self.output, found.swap_dims(1, 2).reshape([rows, d]), None);

        let hidden = linear(&self.expand, normalized(h.clone()), Some(self.activation.function()));
        h + linear(&self.contract, hidden, None)
    }
}

fn linear(layer: &Affine, x: Tensor<2>, function: Option<Function>) -> Tensor<2> {
    affine(x, layer.weight.val(), layer.bias.val(), function)
}

/// Each row divided by the root of its mean square.
pub(super) fn normalized(x: Tensor<2>) -> Tensor<2> {
    let mean_square = x.clone().powi_scalar(2).mean_dim(1);
    x * (mean_square + EPSILON).sqrt().recip()
}

/// `softmax(q·kᵀ/√d)·v`. The queries belong to the last `s` of `t` tokens; each token sees itself and earlier ones.
fn attention(query: Tensor<4>, keys: Tensor<4>, values: Tensor<4>) -> Tensor<4> {
    let [_, _, s, d] = query.dims();
    let scores = (query * (d as f64).sqrt().recip()).matmul(keys.swap_dims(2, 3));
    let scores = if s > 1 { scores.clone() + future(&scores) } else { scores };
    let largest = scores.clone().detach().max_dim(3);
    let weights = exp(scores - largest);
    weights.clone().matmul(values) / weights.sum_dim(3)
}

/// `-∞` if the token of the key is later than that of the query, else 0: `[1, 1, s, t]`.
fn future(scores: &Tensor<4>) -> Tensor<4> {
    let [_, _, s, t] = scores.dims();
    let bit = |i: usize, j: usize| if j > i + t - s { f32::NEG_INFINITY } else { 0.0 };
    let bits: Vec<f32> = (0..s).flat_map(|i| (0..t).map(move |j| bit(i, j))).collect();
    Tensor::from_data(TensorData::new(bits, [1, 1, s, t]), (&scores.device(), scores.dtype()))
}

#[cfg(test)]
mod tests {
    use burn::tensor::DType;
    use gibbs_core::math::to_host;

    use super::*;

    #[test]
    fn attention_is_a_weighted_mean_of_earlier_values() {
        let (heads, s, t, d) = (2, 3, 5, 4);
        let noise = &mut Noise::new(0, "attention");
        let device = Device::flex();
        let mut draw = |length: usize| noise.normal([2, heads, length, d], (&device, DType::F64));
        let (query, keys, values) = (draw(s), draw(t), draw(t));
        let [q, k, v] = [&query, &keys, &values].map(|x| to_host(x.clone()));
        let found = to_host(attention(query, keys, values));
        for (i, found) in found.chunks_exact(d).enumerate() {
            let (group, row) = (i / s, i % s);
            let at = |j: usize| (group * t + j) * d..(group * t + j + 1) * d;
            let seen = 0..=t - s + row;
            let dot =
                |j: usize| -> f64 { q[i * d..(i + 1) * d].iter().zip(&k[at(j)]).map(|(a, b)| a * b).sum() };
            let weights: Vec<f64> = seen.clone().map(|j| (dot(j) / (d as f64).sqrt()).exp()).collect();
            for (c, found) in found.iter().enumerate() {
                let sum: f64 = seen.clone().zip(&weights).map(|(j, weight)| weight * v[at(j)][c]).sum();
                let truth = sum / weights.iter().sum::<f64>();
                assert!(
                    (found - truth).abs() < 1e-13,
                    "query {i}, component {c}: {found} instead of {truth}"
                );
            }
        }
    }

    #[test]
    fn rows_are_scaled_to_mean_square_one() {
        let device = Device::flex();
        let x: Tensor<2> = Noise::new(0, "x").normal([7, 30], (&device, DType::F64)) * 5.0;
        let y = normalized(x.clone());
        for square in to_host(y.clone().powi_scalar(2).mean_dim(1)) {
            // The constant is small compared with a mean square of 25, at least 8 here.
            assert!((square - 1.0).abs() < 2e-7, "{square}");
        }
        let ratios = to_host(x / y);
        assert!(ratios.chunks_exact(30).all(|row| row.iter().all(|r| (r / row[0] - 1.0).abs() < 1e-13)));
        assert!(to_host(normalized(Tensor::zeros([1, 3], &device))).iter().all(|y| *y == 0.0));
    }
}
