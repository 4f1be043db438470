//! The spline as a composition of tensor operations, for devices without a kernel.

use burn::{prelude::*, tensor::activation::softmax};
use gibbs_backend::exp;

use gibbs_core::math::row_sums;

use super::super::{MAX_LOG_SCALE, bounded};
use super::LEAST;

/// The bin of each value: all `[n, D]`.
struct Bin {
    left: Tensor<2>,
    width: Tensor<2>,
    bottom: Tensor<2>,
    height: Tensor<2>,
    slope: Tensor<2>,
    next_slope: Tensor<2>,
}

/// What a value is compared with to find its bin.
enum Side {
    X,
    Z,
}

impl Bin {
    /// The bins of values in the box.
    fn of(value: &Tensor<2>, side: Side, parameters: Tensor<2>, bins: usize, bound: f64) -> Self {
        let [n, width] = value.dims();
        let parameters: Tensor<3> = parameters.reshape([n, 3 * bins - 1, width]);
        let (lefts, widths) = edges(parameters.clone().narrow(1, 0, bins), bins, bound);
        let (bottoms, heights) = edges(parameters.clone().narrow(1, bins, bins), bins, bound);
        let inner = exp(bounded(parameters.narrow(1, 2 * bins, bins - 1), MAX_LOG_SCALE));
        let end = Tensor::ones([n, 1, width], (&value.device(), value.dtype()));
        let slopes = Tensor::cat(vec![end.clone(), inner.clone()], 1);
        let next_slopes = Tensor::cat(vec![inner, end], 1);

        let knots = match side {
            Side::X => &lefts,
            Side::Z => &bottoms,
        };
        let inner_knots = knots.clone().detach().narrow(1, 1, bins - 1);
        let above = value.clone().detach().unsqueeze_dim::<3>(1).expand([n, bins - 1, width]);
        let index = above.greater_equal(inner_knots).int().sum_dim(1);
        let pick = |each: Tensor<3>| each.gather(1, index.clone()).squeeze_dim::<2>(1);
        Self {
            left: pick(lefts),
            width: pick(widths),
            bottom: pick(bottoms),
            height: pick(heights),
            slope: pick(slopes),
            next_slope: pick(next_slopes),
        }
    }

    /// `s`.
    fn secant(&self) -> Tensor<2> {
        self.height.clone() / self.width.clone()
    }

    /// `δ`.
    fn bend(&self) -> Tensor<2> {
        self.next_slope.clone() + self.slope.clone() - self.secant() * 2.0
    }

    /// `ln dz/dx` at `ξ`.
    fn log_slope(&self, xi: Tensor<2>) -> Tensor<2> {
        let (secant, rest) = (self.secant(), xi.clone().neg() + 1.0);
        let mixed = xi.clone() * rest.clone();
        let q = secant.clone() + self.bend() * mixed.clone();
        let numerator = self.next_slope.clone() * xi.powi_scalar(2)
            + secant.clone() * mixed * 2.0
            + self.slope.clone() * rest.powi_scalar(2);
        (secant / q).log() * 2.0 + numerator.log()
    }
}

/// Left edges and sizes `[n, K, D]` of the bins, from logits.
fn edges(logits: Tensor<3>, bins: usize, bound: f64) -> (Tensor<3>, Tensor<3>) {
    let share = softmax(logits, 1) * (1.0 - LEAST * bins as f64) + LEAST;
    let sizes = share * (2.0 * bound);
    (sizes.clone().cumsum(1) - sizes.clone() - bound, sizes)
}

/// `(z, ladj)`.
pub(super) fn forward(
    x: Tensor<2>,
    parameters: Tensor<2>,
    bins: usize,
    bound: f64,
) -> (Tensor<2>, Tensor<1>) {
    let inside = x.clone().clamp(-bound, bound);
    let bin = Bin::of(&inside, Side::X, parameters, bins, bound);
    let xi = (inside - bin.left.clone()) / bin.width.clone();
    let mixed = xi.clone() * (xi.clone().neg() + 1.0);
    let secant = bin.secant();
    let numerator = secant.clone() * xi.clone().powi_scalar(2) + bin.slope.clone() * mixed.clone();
    let z = bin.bottom.clone() + bin.height.clone() * numerator / (secant + bin.bend() * mixed);
    with_tails(x, z, bin.log_slope(xi), bound)
}

/// `(x, log |det ∂x/∂z|)`.
pub(super) fn inverse(
    z: Tensor<2>,
    parameters: Tensor<2>,
    bins: usize,
    bound: f64,
) -> (Tensor<2>, Tensor<1>) {
    let inside = z.clone().clamp(-bound, bound);
    let bin = Bin::of(&inside, Side::Z, parameters, bins, bound);
    let (secant, y) = (bin.secant(), inside - bin.bottom.clone());
    let bent = y.clone() * bin.bend();
    let a = bin.height.clone() * (secant.clone() - bin.slope.clone()) + bent.clone();
    let b = bin.height.clone() * bin.slope.clone() - bent;
    let c = secant.neg() * y;
    // Rounding may leave a discriminant a little below zero where it is zero.
    let root = (b.clone().powi_scalar(2) - a.clone() * c.clone() * 4.0).clamp_min(0.0).sqrt();
    // The same root in two forms, of which one has no difference of nearly equal numbers.
    let (falls, size) = (b.clone().lower_elem(0.0), b.abs() + root);
    let numerator = (c * -2.0).mask_where(falls.clone(), size.clone());
    let xi = numerator / size.mask_where(falls, a * 2.0);
    let x = bin.left.clone() + xi.clone() * bin.width.clone();
    with_tails(z, x, bin.log_slope(xi).neg(), bound)
}

/// The spline in the box and the identity outside of it.
fn with_tails(
    value: Tensor<2>,
    spline: Tensor<2>,
    log_slope: Tensor<2>,
    bound: f64,
) -> (Tensor<2>, Tensor<1>) {
    let outside = value.clone().detach().abs().greater_elem(bound);
    (spline.mask_where(outside.clone(), value), row_sums(log_slope.mask_fill(outside, 0.0)))
}
