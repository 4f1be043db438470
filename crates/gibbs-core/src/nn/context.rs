//! How a context enters a network: as further inputs, or as an addition to hidden units.

use burn::{module::Param, prelude::*};

use crate::check::require_context;

/// The inputs `x [n, D]` with a context `[n, C]` behind them: `[n, D + C]`.
///
/// # Panics
/// If the context is missing, or has another shape, or the network has none (`n_context` 0).
pub fn append_context(x: Tensor<2>, context: Option<&Tensor<2>>, n_context: usize) -> Tensor<2> {
    match check(x.dims()[0], context, n_context) {
        Some(context) => Tensor::cat(vec![x, context.clone()], 1),
        None => x,
    }
}

/// Projects a context `[n, C]` onto hidden units by `weights [C, units]`: `[n, units]`, nothing for a network without a context.
///
/// # Panics
/// As [`append_context`].
pub fn project_context(
    n: usize,
    context: Option<&Tensor<2>>,
    weights: &Option<Param<Tensor<2>>>,
) -> Option<Tensor<2>> {
    let n_context = weights.as_ref().map_or(0, |weights| weights.dims()[0]);
    let context = check(n, context, n_context)?;
    weights.as_ref().map(|weights| context.clone().matmul(weights.val()))
}

fn check(n: usize, context: Option<&Tensor<2>>, n_context: usize) -> Option<&Tensor<2>> {
    require_context("the network", n, context, n_context);
    context
}
