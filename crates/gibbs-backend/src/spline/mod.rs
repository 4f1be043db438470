//! Monotone rational-quadratic splines.

mod autodiff;
#[allow(unused_variables, reason = "the default methods have no kernel and do not read their arguments")]
pub(crate) mod extension;
#[cfg(feature = "flex")]
mod flex;

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use extension::{Pass, SplineOps};

/// The constants of a spline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spline {
    /// Number of bins `K`, at least 1.
    pub bins: usize,
    /// Half the width `B` of the box `[-B, B]²`, above 0.
    pub bound: f64,
    /// Least fraction `λ` of the box for a bin, below `1/K`.
    pub least: f64,
    /// Bound `S` of the logarithms of the slopes at the inner knots, above 0.
    pub max_log_slope: f64,
}

/// Applies a spline to each `x_ij` of `x [n, D]` (Gregory & Delbourgo 1982, doi:10.1093/imanum/2.2.123; Durkan et al. 2019,
/// arXiv:1906.04032). The result is `[n, D + 1]`: the last column is the logarithm of the product of the slopes of the row.
/// `None` if the device has no kernel for it.
///
/// ```text
/// w = 2B·((1 - Kλ)·softmax(a) + λ),   h = 2B·((1 - Kλ)·softmax(b) + λ)     widths and heights of the bins
/// d = exp(S·tanh(c/S))                                                      slopes at the inner knots, 1 at both ends
/// s = h_k/w_k,   ξ = (x - x_k)/w_k,   q = s + (d_{k+1} + d_k - 2s)·ξ(1-ξ)     in the bin with x_k ≤ x < x_{k+1}
/// z = y_k + h_k·(s·ξ² + d_k·ξ(1-ξ))/q,    dz/dx = s²·(d_{k+1}·ξ² + 2s·ξ(1-ξ) + d_k·(1-ξ)²)/q²
/// z = x outside the box
/// ```
///
/// `parameters [n, (3K-1)·D]` has `K` logits `a`, `K` logits `b` and `K - 1` numbers `c` for each element: first the first
/// parameter of all variables, then the second, and so on. The result is differentiable with respect to both tensors.
///
/// On `flex`, in f32 and f64, forward and backward are one pass each with SIMD and threads. Only the operands are stored. The
/// results do not depend on the number of threads.
///
/// # Panics
///
/// If the shapes do not fit or the types differ.
pub fn spline(x: Tensor<2>, parameters: Tensor<2>, spline: Spline) -> Option<Tensor<2>> {
    pass(x, parameters, Pass { spline, inverse: false })
}

/// The inverse of [`spline`] for the same parameters, and the logarithm of the product of its slopes.
///
/// # Panics
///
/// If the shapes do not fit or the types differ.
pub fn spline_inverse(z: Tensor<2>, parameters: Tensor<2>, spline: Spline) -> Option<Tensor<2>> {
    pass(z, parameters, Pass { spline, inverse: true })
}

fn pass(x: Tensor<2>, parameters: Tensor<2>, pass: Pass) -> Option<Tensor<2>> {
    let ([n, width], found) = (x.dims(), parameters.dims());
    let expected = [n, pass.n_parameters() * width];
    assert_eq!(found, expected, "spline: shape of the parameters of x [{n}, {width}]");
    let types = [x.dtype(), parameters.dtype()];
    assert!(types[0] == types[1], "spline: types {types:?}");
    <Dispatch as SplineOps>::spline(x.into_dispatch(), parameters.into_dispatch(), pass)
        .map(Tensor::from_dispatch)
}

#[cfg(all(test, feature = "flex"))]
mod tests;
