//! Affine maps of chosen columns with bounded scales.

mod autodiff;
#[allow(unused_variables, reason = "the default methods have no kernel and do not read their arguments")]
pub(crate) mod extension;
#[cfg(feature = "flex")]
mod flex;

use std::sync::Arc;

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use extension::ScalingOps;

/// The columns and the constants of a [`scaled`] matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaling {
    /// The columns that are changed, each once; `None`: all of them.
    pub columns: Option<Arc<[usize]>>,
    /// Bound `S` of the logarithms of the scales, above 0.
    pub bound: f64,
    /// Whether the inverse is applied.
    pub inverse: bool,
}

/// Scales and shifts the chosen columns of `x [n, D]`; the other columns stay as they are. `None` if the device has no kernel for it.
///
/// ```text
/// s = S·tanh(a/S),   z_B = x_B ⊙ e^s + t      or the inverse,   x_B = (z_B - t) ⊙ e^-s
/// ```
///
/// `parameters [n, 2·|B|]` has the shifts `t` of all columns, then the `a` of all. The result is differentiable with respect to both
/// tensors. On `flex`, in f32 and f64, forward and backward are one pass each. Only the operands are stored.
///
/// # Panics
///
/// If the shapes do not fit, a column does not exist, or the types differ.
pub fn scaled(x: Tensor<2>, parameters: Tensor<2>, scaling: Scaling) -> Option<Tensor<2>> {
    let ([n, width], found) = (x.dims(), parameters.dims());
    let changed = scaling.columns.as_ref().map_or(width, |columns| columns.len());
    assert_eq!(
        found,
        [n, 2 * changed],
        "scaled: shape of the parameters of {changed} columns of x [{n}, {width}]"
    );
    let largest = scaling.columns.iter().flat_map(|columns| columns.iter()).max();
    assert!(largest.is_none_or(|&column| column < width), "scaled: column {largest:?} of x [{n}, {width}]");
    assert!(x.dtype() == parameters.dtype(), "scaled: types {:?}", [x.dtype(), parameters.dtype()]);
    <Dispatch as ScalingOps>::scaled(x.into_dispatch(), parameters.into_dispatch(), scaling)
        .map(Tensor::from_dispatch)
}

/// `Σ s` of each row, `[n]`: the logarithm of the determinant of [`scaled`] for the same parameters `[n, 2·|B|]` and bound. `None` if the
/// device has no kernel for it.
pub fn log_scale_sums(parameters: Tensor<2>, bound: f64) -> Option<Tensor<1>> {
    <Dispatch as ScalingOps>::log_scale_sums(parameters.into_dispatch(), bound).map(Tensor::from_dispatch)
}

#[cfg(all(test, feature = "flex"))]
mod tests;
