//! What a layer is told beside the variables.

use burn::prelude::*;

/// Inputs of a network: variables, where there are any, with the context behind them. A context that the network does not take
/// is ignored.
///
/// # Panics
/// If the network takes a context and there is none, or one of another width, or there is neither.
pub(crate) fn inputs(
    variables: Option<Tensor<2>>,
    context: Option<&Tensor<2>>,
    n_context: usize,
) -> Tensor<2> {
    let context = match (n_context, context) {
        (0, _) => None,
        (_, Some(context)) => {
            let [_, width] = context.dims();
            assert_eq!(
                width, n_context,
                "a context of width {width} for a layer that takes one of {n_context}"
            );
            Some(context.clone())
        }
        (_, None) => panic!("the layer takes a context of width {n_context}: give it"),
    };
    match (variables, context) {
        (Some(variables), Some(context)) => Tensor::cat(vec![variables, context], 1),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => panic!("a network without inputs"),
    }
}
