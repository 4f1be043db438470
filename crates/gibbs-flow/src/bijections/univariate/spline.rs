//! The monotone rational-quadratic spline.
//!
//! ```text
//! bins of widths w_k and heights h_k that fill the box [-B, B]², slopes d_k at the knots (x_k, y_k), 1 at both ends
//! s = h_k/w_k,   ξ = (x - x_k)/w_k,   δ = d_{k+1} + d_k - 2s,   q = s + δ·ξ(1-ξ)
//! z = y_k + h_k·(s·ξ² + d_k·ξ(1-ξ))/q,    dz/dx = s²·(d_{k+1}·ξ² + 2s·ξ(1-ξ) + d_k·(1-ξ)²)/q²
//! inverse:  a·ξ² + b·ξ + c = 0  with  y = z - y_k,  a = h_k(s - d_k) + y·δ,  b = h_k·d_k - y·δ,  c = -s·y,
//!           ξ = -2c/(|b| + √(b² - 4ac)) for b ≥ 0,   (|b| + √(b² - 4ac))/2a for b < 0
//! outside of the box:  z = x
//! ```
//!
//! A value outside the box is moved to its edge before any of this arithmetic, so that nothing there can overflow or become
//! NaN.
//!
//! References: Gregory & Delbourgo, IMA J. Numer. Anal. 2:123 (1982), doi:10.1093/imanum/2.2.123; Durkan et al., "Neural
//! spline flows", NeurIPS 2019, arXiv:1906.04032, section 3.1 and appendix A.
//!
//! Differences from the paper: slopes are `exp(S·tanh(a/S))` with S = 3 instead of a softplus, so they are bounded from above too. A
//! bin is at least a hundredth of the box instead of a thousandth. In f32 the inverse needs slopes that are not too small, and a
//! flat bin between two steep knots is flatter still.
//!
//! Cost: on `flex` one pass over parameters and variables in either direction. Elsewhere about ten passes over all parameters for
//! softmax and knots, and twenty over the variables.

mod portable;
#[cfg(test)]
mod tests;

use burn::prelude::*;
use gibbs_backend::Spline;

use super::MAX_LOG_SCALE;

/// Least part of the box that a bin takes: the secants lie between 1/100 and 100.
const LEAST: f64 = 1e-2;

/// `(z, ladj)`.
pub(super) fn forward(
    x: Tensor<2>,
    parameters: Tensor<2>,
    bins: usize,
    bound: f64,
) -> (Tensor<2>, Tensor<1>) {
    match gibbs_backend::spline(x.clone(), parameters.clone(), spline(bins, bound)) {
        Some(both) => parts(both),
        None => portable::forward(x, parameters, bins, bound),
    }
}

/// `(x, log |det ∂x/∂z|)`.
pub(super) fn inverse(
    z: Tensor<2>,
    parameters: Tensor<2>,
    bins: usize,
    bound: f64,
) -> (Tensor<2>, Tensor<1>) {
    match gibbs_backend::spline_inverse(z.clone(), parameters.clone(), spline(bins, bound)) {
        Some(both) => parts(both),
        None => portable::inverse(z, parameters, bins, bound),
    }
}

fn spline(bins: usize, bound: f64) -> Spline {
    Spline { bins, bound, least: LEAST, max_log_slope: MAX_LOG_SCALE }
}

/// The columns before the last, and the last column.
fn parts(both: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
    let width = both.dims()[1] - 1;
    (both.clone().narrow(1, 0, width), both.narrow(1, width, 1).squeeze_dim(1))
}
