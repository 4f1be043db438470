//! Maps of an image with their derivative along one direction: forward-mode differentiation in differentiable tensor operations.

use burn::prelude::*;
use gibbs_backend::{Window, affine, convolution};
use gibbs_core::nn::{Activation, Affine, coarsened, refined};

use super::smooth::slope;

/// The neighborhood of a site: three by three, zeros around the image.
const NEIGHBORHOOD: Window = Window { height: 3, above: 1, below: 1, left: 1, right: 1, periodic: false };

/// Sites of [`NEIGHBORHOOD`].
pub(super) const TAPS: usize = 9;

/// Channels of sites `[n, R, C, channels]`, and optionally their derivative along a direction.
#[derive(Clone)]
pub(super) struct Dual {
    pub(super) value: Tensor<4>,
    pub(super) tangent: Option<Tensor<4>>,
}

impl Dual {
    /// A linear map of both, and a shift of the value.
    fn linear(self, map: impl Fn(Tensor<4>, Option<Tensor<1>>) -> Tensor<4>, bias: Tensor<1>) -> Self {
        Self { value: map(self.value, Some(bias)), tangent: self.tangent.map(|tangent| map(tangent, None)) }
    }

    /// A rearrangement of both.
    fn rearranged(self, map: impl Fn(Tensor<4>) -> Tensor<4>) -> Self {
        Self { value: map(self.value), tangent: self.tangent.map(map) }
    }

    /// The convolution by weights `[9·in, out]`.
    pub(super) fn convolved(self, layer: &Affine) -> Self {
        let weight = layer.weight.val();
        let of = |x: Tensor<4>, bias: Option<Tensor<1>>| {
            let bias = bias.unwrap_or_else(|| layer.bias.val().zeros_like());
            convolution(x, weight.clone(), bias, NEIGHBORHOOD, None)
        };
        self.linear(of, layer.bias.val())
    }

    /// The same affine map of the channels of each site.
    pub(super) fn mixed(self, layer: &Affine) -> Self {
        let weight = layer.weight.val();
        let of = |x: Tensor<4>, bias: Option<Tensor<1>>| {
            let bias = bias.unwrap_or_else(|| layer.bias.val().zeros_like());
            let ([n, rows, columns, n_in], [n_out]) = (x.dims(), bias.dims());
            let y = affine(x.reshape([n * rows * columns, n_in]), weight.clone(), bias, None);
            y.reshape([n, rows, columns, n_out])
        };
        self.linear(of, layer.bias.val())
    }

    /// The same affine map of the sites, `[R·C, R·C]`, of each channel.
    pub(super) fn across(self, layer: &Affine) -> Self {
        let weight = layer.weight.val();
        let of = |x: Tensor<4>, bias: Option<Tensor<1>>| {
            let bias = bias.unwrap_or_else(|| layer.bias.val().zeros_like());
            let [n, rows, columns, channels] = x.dims();
            let sites = rows * columns;
            let x = x.reshape([n, sites, channels]).swap_dims(1, 2).reshape([n * channels, sites]);
            let y = affine(x, weight.clone(), bias, None);
            y.reshape([n, channels, sites]).swap_dims(1, 2).reshape([n, rows, columns, channels])
        };
        self.linear(of, layer.bias.val())
    }

    /// The function of each number.
    pub(super) fn activated(self, activation: Activation) -> Self {
        let value = activation.apply(self.value.clone());
        let tangent = self.tangent.map(|tangent| tangent * slope(activation, &self.value, &value));
        Self { value, tangent }
    }

    /// `x ⊙ gate + shift`, channel by channel: `[1, channels]` or `[n, channels]`.
    pub(super) fn gated(self, gate: Tensor<2>, shift: Tensor<2>) -> Self {
        let along = |m: Tensor<2>| {
            let [rows, channels] = m.dims();
            m.reshape([rows, 1, 1, channels])
        };
        let (gate, shift) = (along(gate), along(shift));
        Self { value: self.value * gate.clone() + shift, tangent: self.tangent.map(|tangent| tangent * gate) }
    }

    /// The sum of both.
    pub(super) fn plus(self, other: Self) -> Self {
        let tangent = match (self.tangent, other.tangent) {
            (Some(a), Some(b)) => Some(a + b),
            _ => None,
        };
        Self { value: self.value + other.value, tangent }
    }

    /// Squares of four sites as one with four times the channels.
    pub(super) fn coarsened(self) -> Self {
        self.rearranged(coarsened)
    }

    /// The reverse of [`coarsened`](Self::coarsened).
    pub(super) fn refined(self) -> Self {
        self.rearranged(refined)
    }
}
