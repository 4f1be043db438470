//! Differences between neighbors on a hypercubic lattice.

use burn::prelude::*;

use crate::lattice::{Axis, Boundary};

/// `Σ_<xy> (φ_x - φ_y)²` over the bonds of the hypercubic lattice with `axes`: `[batch, sites] -> [batch]`.
///
/// Cost: a few passes over the sites for each axis.
pub(super) fn squared_differences(x: Tensor<2>, axes: &[Axis]) -> Tensor<1> {
    let [batch, sites] = x.dims();
    let mut sum = Tensor::<1>::zeros([batch], (&x.device(), x.dtype()));
    let mut before = batch;
    for axis in axes {
        let length = axis.length;
        let lines = x.clone().reshape([before, length, batch * sites / (before * length)]);
        let slice = |start: usize, n: usize| lines.clone().narrow(1, start, n);
        if length > 1 {
            sum = sum + squares(slice(1, length - 1) - slice(0, length - 1), batch);
        }
        if axis.boundary == Boundary::Periodic {
            sum = sum + squares(slice(0, 1) - slice(length - 1, 1), batch);
        }
        before *= length;
    }
    sum
}

/// The gradient of [`squared_differences`], `2 Σ_y (φ_x - φ_y)` over the neighbors `y` of each site: `[batch, sites]`.
pub(super) fn slope_of_squared_differences(x: Tensor<2>, axes: &[Axis]) -> Tensor<2> {
    let [batch, sites] = x.dims();
    let mut sum = x.zeros_like();
    let mut before = batch;
    for axis in axes {
        let length = axis.length;
        let lines = x.clone().reshape([before, length, batch * sites / (before * length)]);
        let slice = |start: usize, n: usize| lines.clone().narrow(1, start, n);
        let around = match axis.boundary {
            Boundary::Periodic => slice(0, 1) - slice(length - 1, 1),
            Boundary::Open => slice(0, 1).zeros_like(),
        };
        let (bonds, arriving) = match length {
            1 => (around.clone(), around),
            _ => {
                let within = slice(1, length - 1) - slice(0, length - 1);
                (Tensor::cat(vec![within.clone(), around.clone()], 1), Tensor::cat(vec![around, within], 1))
            }
        };
        sum = sum + ((arriving - bonds) * 2.0).reshape([batch, sites]);
        before *= length;
    }
    sum
}

/// The sum of squares of each of `batch` equal parts.
fn squares(x: Tensor<3>, batch: usize) -> Tensor<1> {
    let rows = x.reshape([batch as i32, -1]);
    sum_rows(rows.clone() * rows)
}

/// `[batch, n] -> [batch]`.
pub(super) fn sum_rows(x: Tensor<2>) -> Tensor<1> {
    x.sum_dim(1).squeeze_dim(1)
}
