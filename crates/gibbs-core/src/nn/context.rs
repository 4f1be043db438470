//! How a context enters a network: appended to its inputs, or projected onto its hidden units.

use burn::{module::Param, prelude::*};

/// Network inputs `[n, I]` followed by a context `[n, C]`: `[n, I + C]`.
///
/// # Panics
/// If there is a context and `n_context` is 0, or the reverse, or the shapes do not fit.
pub fn append_context(x: Tensor<2>, context: Option<&Tensor<2>>, n_context: usize) -> Tensor<2> {
    let n = x.dims()[0];
    match context {
        None => {
            assert_eq!(n_context, 0, "the model has a context of width {n_context}, but none was passed");
            x
        }
        Some(context) => {
            assert_eq!(context.dims(), [n, n_context], "the shape of the context of {n} examples");
            Tensor::cat(vec![x, context.clone()], 1)
        }
    }
}

/// Projects a context `[n, C]` by weights `[C, units]` onto hidden units: `[n, units]`. `None` if the model has no context.
///
/// # Panics
/// If there is a context and no weights, or the reverse, or the shapes do not fit.
pub fn project_context(
    n: usize,
    context: Option<&Tensor<2>>,
    weights: &Option<Param<Tensor<2>>>,
) -> Option<Tensor<2>> {
    let width = weights.as_ref().map_or(0, |weights| weights.dims()[0]);
    match (context, weights) {
        (None, None) => None,
        (Some(context), Some(weights)) => {
            assert_eq!(context.dims(), [n, width], "the shape of the context of {n} examples");
            Some(context.clone().matmul(weights.val()))
        }
        (None, Some(_)) => panic!("the model has a context of width {width}, but none was passed"),
        (Some(_), None) => panic!("a context was passed, but the model has none"),
    }
}
