//! One block: a residual bottleneck in each stack. The horizontal stack receives an input from the vertical one.

use burn::{
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::{Init, Noise, Window};
use gibbs_core::nn::{Activation, Residual};

use super::maps::{Band, rows};

/// Weights of a block; see [`pixel_cnn`](super) for the equations.
#[derive(Module, Debug)]
pub struct Block {
    /// The stack of the rows above. Kernels have `k+1` rows and `2k+1` columns.
    pub vertical: Residual,
    /// The stack of the row itself. Kernels have `k+1` columns.
    pub horizontal: Residual,
    /// From the hidden units of the vertical stack to those of the horizontal one, `G [m, m]`.
    pub join: Param<Tensor<2>>,
    half: usize,
    periodic: bool,
    #[module(skip)]
    activation: Activation,
}

impl Block {
    /// For `[d, m]` channels and windows of this half-width; `gain` multiplies the initial maps back to the channels.
    pub(super) fn new(
        [d, m]: [usize; 2],
        (half, periodic): (usize, bool),
        activation: Activation,
        gain: f64,
        device: &Device,
        noise: &mut Noise,
    ) -> Self {
        let mut residual = |taps: usize| Residual::new([d, m], taps, gain, device, noise);
        Self {
            vertical: residual((half + 1) * (2 * half + 1)),
            horizontal: residual(half + 1),
            join: Init::Normal { std: (m as f64).sqrt().recip() }.param([m, m], device, noise),
            half,
            periodic,
            activation,
        }
    }

    /// `v` of successive rows `[n, s, C, d]` after the block, and `u·G [n·s·C, m]` for the horizontal stack. Without a band, the
    /// first of these rows is the first row of the lattice.
    pub(super) fn down(&self, v: Tensor<4>, band: Option<&mut Band>) -> (Tensor<4>, Tensor<2>) {
        let t = self.vertical.reduced(&v, self.activation);
        let (t, above) = match band {
            Some(band) => (band.extended(t, self.half), 0),
            None => (t, self.half),
        };
        let u = self.vertical.convolved(t, self.rows_above(above), Some(self.activation.function()));
        let joining = rows(u.clone()).matmul(self.join.val());
        (self.vertical.expanded(v, u), joining)
    }

    /// `h` of whole rows `[n, R, C, d]` after the block.
    pub(super) fn right(&self, h: Tensor<4>, joining: Tensor<2>) -> Tensor<4> {
        let t = self.horizontal.reduced(&h, self.activation);
        let window = Window { height: 1, left: self.half, right: 0, periodic: false, ..self.rows_above(0) };
        let w = self.horizontal.convolved(t, window, None);
        let joining = joining.reshape(w.dims());
        self.horizontal.expanded(h, self.activation.apply(w + joining))
    }

    /// The window of the vertical stack.
    fn rows_above(&self, above: usize) -> Window {
        let half = self.half;
        Window { height: half + 1, above, below: 0, left: half, right: half, periodic: self.periodic }
    }
}
