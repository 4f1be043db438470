//! One block: a bottleneck residual in either stack, the horizontal one told by the vertical one.

use burn::{
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::{Function, Init, Noise, Window, affine, convolution};
use gibbs_core::nn::{Activation, Affine};

use super::{
    PixelCnnConfig,
    maps::{Band, rows},
};

/// Weights of a block; see [`pixel_cnn`](super) for the equations.
#[derive(Module, Debug)]
pub struct Block {
    /// The stack of the rows above, with kernels of `k+1` rows and `2k+1` columns.
    pub vertical: Residual,
    /// The stack of the row itself, with kernels of `k+1` columns.
    pub horizontal: Residual,
    /// From the hidden units of the vertical stack to those of the horizontal one, `G [m, m]`.
    pub join: Param<Tensor<2>>,
    half: usize,
    periodic: bool,
    #[module(skip)]
    activation: Activation,
}

/// A bottleneck: to half the channels, over sites, and back.
#[derive(Module, Debug)]
pub struct Residual {
    /// `A [d, m]` and its bias.
    pub reduce: Affine,
    /// `K [taps·m, m]` and its bias: taps row by row from the upper left, the channels of a tap side by side.
    pub convolve: Affine,
    /// `B [m, d]` and its bias.
    pub expand: Affine,
}

impl Residual {
    fn new(config: &PixelCnnConfig, taps: usize, device: &Device, noise: &mut Noise) -> Self {
        let (d, m) = (config.width, config.bottleneck());
        let mut layer = |n_in: usize, n_out: usize, gain: f64| {
            let init = Init::Normal { std: gain / (n_in as f64).sqrt() };
            Affine {
                weight: init.param([n_in, n_out], device, noise),
                bias: Init::Zeros.param([n_out], device, noise),
            }
        };
        Self {
            reduce: layer(d, m, 1.0),
            convolve: layer(taps * m, m, 1.0),
            expand: layer(m, d, (config.depth as f64).sqrt().recip()),
        }
    }

    /// `f(h·A)`, sites with their places `[n, s, C, m]`.
    fn reduced(&self, h: &Tensor<4>, activation: Activation) -> Tensor<4> {
        let [n, s, columns, _] = h.dims();
        let t = affine(
            rows(h.clone()),
            self.reduce.weight.val(),
            self.reduce.bias.val(),
            Some(activation.function()),
        );
        let m = t.dims()[1];
        t.reshape([n, s, columns, m])
    }

    /// `f(t·K)` over a window, the sites as rows.
    fn convolved(&self, t: Tensor<4>, window: Window, function: Option<Function>) -> Tensor<2> {
        rows(convolution(t, self.convolve.weight.val(), self.convolve.bias.val(), window, function))
    }

    /// `h + u·B`.
    fn expanded(&self, h: Tensor<4>, u: Tensor<2>) -> Tensor<4> {
        let shape = h.dims();
        h + affine(u, self.expand.weight.val(), self.expand.bias.val(), None).reshape(shape)
    }
}

impl Block {
    pub(super) fn new(config: &PixelCnnConfig, device: &Device, noise: &mut Noise) -> Self {
        let (half, m) = (config.half_kernel, config.bottleneck());
        Self {
            vertical: Residual::new(config, (half + 1) * (2 * half + 1), device, noise),
            horizontal: Residual::new(config, half + 1, device, noise),
            join: Init::Normal { std: (m as f64).sqrt().recip() }.param([m, m], device, noise),
            half,
            periodic: config.periodic,
            activation: config.activation,
        }
    }

    /// `v` of successive rows `[n, s, C, d]` after the block, and `u·G [n·s·C, m]` for the horizontal stack. Without a band the
    /// first of them is that of the lattice.
    pub(super) fn down(&self, v: Tensor<4>, band: Option<&mut Band>) -> (Tensor<4>, Tensor<2>) {
        let t = self.vertical.reduced(&v, self.activation);
        let (t, above) = match band {
            Some(band) => (band.extended(t, self.half), 0),
            None => (t, self.half),
        };
        let u = self.vertical.convolved(t, self.rows_above(above), Some(self.activation.function()));
        let joining = u.clone().matmul(self.join.val());
        (self.vertical.expanded(v, u), joining)
    }

    /// `h` of whole rows `[n, R, C, d]` after the block.
    pub(super) fn along(&self, h: Tensor<4>, joining: Tensor<2>) -> Tensor<4> {
        let t = self.horizontal.reduced(&h, self.activation);
        let window = Window { height: 1, left: self.half, right: 0, periodic: false, ..self.rows_above(0) };
        let w = self.horizontal.convolved(t, window, None) + joining;
        self.horizontal.expanded(h, self.activation.apply(w))
    }

    /// The window of the vertical stack.
    fn rows_above(&self, above: usize) -> Window {
        let half = self.half;
        Window { height: half + 1, above, below: 0, left: half, right: half, periodic: self.periodic }
    }
}
