//! Element-wise functions with gradients.

mod autodiff;
pub(crate) mod extension;
#[cfg(feature = "flex")]
mod flex;
mod function;
mod portable;

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use extension::ElementwiseOps;
pub(crate) use function::BernoulliParam;
pub use function::Function;

use crate::noise::philox::Cursor;

/// Declares the public form of element-wise functions: `/// doc  name => Function::Variant;`.
macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident => $function:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name<const D: usize>(x: Tensor<D>) -> Tensor<D> {
            Tensor::from_dispatch(<Dispatch as ElementwiseOps>::map(Function::$function, x.into_dispatch()))
        }
    )*};
}

functions! {
    /// The rectified linear function `max(x, 0)`, `d/dx = 1` above zero and 0 elsewhere. NaN stays NaN on `flex`.
    relu => Relu;
    /// The logistic function `1/(1 + exp(-x))`, `d/dx = y·(1 - y)`.
    sigmoid => Sigmoid;
    /// The hyperbolic tangent, `d/dx = 1 - y²`.
    tanh => Tanh;
    /// `ln(1 + exp(x))`, `d/dx = sigmoid(x)`. It is exact up to rounding for all `x`.
    softplus => Softplus;
    /// `ln sigmoid(x) = -softplus(-x)`, `d/dx = sigmoid(-x)`.
    log_sigmoid => LogSigmoid;
    /// The exponential function, `d/dx = y`.
    exp => Exp;
    /// `x·sigmoid(x)`, `d/dx = σ·(1 + x·(1 - σ))` with `σ = sigmoid(x)`. Zero at −∞.
    silu => Silu;
}

/// Binary cross-entropy of each row in nats, from logits: `[n, d]` and `[n, d]` to `[n]`.
///
/// ```text
/// loss_i = - Σ_j [ t_ij · ln sigmoid(x_ij) + (1 - t_ij) · ln sigmoid(-x_ij) ]  =  Σ_j [ softplus(x_ij) - t_ij·x_ij ]
/// ∂/∂x_ij = sigmoid(x_ij) - t_ij,    ∂/∂t_ij = -x_ij
/// ```
///
/// For targets 0 and 1 this is minus the log-probability of the row for independent bits. Targets can be any numbers in
/// `[0, 1]`. On `flex` loss and gradient are one pass each.
///
/// # Panics
///
/// If the two shapes or types differ.
pub fn bce_with_logits(logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    let (shape, expected) = (targets.dims(), logits.dims());
    assert_eq!(shape, expected, "bce_with_logits: targets of shape {shape:?}, logits of shape {expected:?}");
    assert_eq!(targets.dtype(), logits.dtype(), "bce_with_logits: targets and logits differ in type");
    let loss = <Dispatch as ElementwiseOps>::bce_rows(logits.into_dispatch(), targets.into_dispatch());
    Tensor::from_dispatch(loss)
}

/// Random bits with these parameters. The words of the stream start at the cursor.
pub(crate) fn bernoulli<const D: usize>(param: BernoulliParam, x: Tensor<D>, cursor: Cursor) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as ElementwiseOps>::bernoulli(param, x.into_dispatch(), cursor))
}

#[cfg(test)]
mod tests;
