//! A residual bottleneck block over the sites of a lattice.
//!
//! ```text
//! t = f(h·A + a),   u = f(t * K + k),   h' = h + u·B + b
//! ```
//!
//! `h` has `d` channels at each site, `t` and `u` have `m`. The convolution with `K` acts over a window.
//!
//! References: He, Zhang, Ren & Sun, "Deep residual learning for image recognition", CVPR 2016, arXiv:1512.03385, figure 5.
//!
//! Differences from the paper: no normalization.
//!
//! Cost: `2·d·m + taps·m²` products at each site.

use burn::{module::Module, prelude::*};
use gibbs_backend::{Function, Init, Noise, Window, affine, convolution};

use super::{Activation, Affine};

/// A bottleneck: a map to fewer channels, a convolution over sites, and a map back.
#[derive(Module, Debug)]
pub struct Residual {
    /// `A [d, m]` and its bias.
    pub reduce: Affine,
    /// `K [taps·m, m]` and its bias: taps row by row from the upper left, the channels of a tap adjacent.
    pub convolve: Affine,
    /// `B [m, d]` and its bias.
    pub expand: Affine,
}

impl Residual {
    /// A block of `width` channels with `bottleneck` inner channels and a window of `taps` sites.
    ///
    /// Initial weights are normal with variance 1/fan-in; those of `B` are multiplied by `gain`. A gain of `1/√L` for each of
    /// `L` blocks keeps the variance of the sum over blocks.
    pub fn new(
        [width, bottleneck]: [usize; 2],
        taps: usize,
        gain: f64,
        device: &Device,
        noise: &mut Noise,
    ) -> Self {
        let mut layer = |n_in: usize, n_out: usize, gain: f64| {
            Affine::new([n_in, n_out], Init::Normal { std: gain / (n_in as f64).sqrt() }, device, noise)
        };
        Self {
            reduce: layer(width, bottleneck, 1.0),
            convolve: layer(taps * bottleneck, bottleneck, 1.0),
            expand: layer(bottleneck, width, gain),
        }
    }

    /// `t = f(h·A + a)`: `[n, R, C, d]` to `[n, R, C, m]`.
    ///
    /// # Panics
    /// If the number of channels is not that of the block. The same holds for the other steps.
    pub fn reduced(&self, h: &Tensor<4>, activation: Activation) -> Tensor<4> {
        let [n, rows, columns, _] = h.dims();
        let t = pointwise(h.clone(), &self.reduce, Some(activation.function()));
        let [_, m] = t.dims();
        t.reshape([n, rows, columns, m])
    }

    /// `f(t * K + k)` by [`convolution`]: `[n, R, C, m]` to `[n, R', C, m]`.
    pub fn convolved(&self, t: Tensor<4>, window: Window, function: Option<Function>) -> Tensor<4> {
        convolution(t, self.convolve.weight.val(), self.convolve.bias.val(), window, function)
    }

    /// `h + u·B + b`: `[n, R, C, d]` and `[n, R, C, m]` to `[n, R, C, d]`.
    pub fn expanded(&self, h: Tensor<4>, u: Tensor<4>) -> Tensor<4> {
        let shape = h.dims();
        h + pointwise(u, &self.expand, None).reshape(shape)
    }
}

/// Applies an affine layer at every site: `[n, R, C, in]` to `[n·R·C, out]`.
fn pointwise(x: Tensor<4>, layer: &Affine, function: Option<Function>) -> Tensor<2> {
    affine(x.flatten(0, 2), layer.weight.val(), layer.bias.val(), function)
}
