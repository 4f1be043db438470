//! Networks of several affine layers as one operation.

mod autodiff;
#[allow(unused_variables, reason = "the default methods have no kernel and do not read their arguments")]
pub(crate) mod extension;
#[cfg(feature = "flex")]
pub(crate) mod flex;

use burn::backend::Dispatch;
use burn::tensor::{DType, Tensor};

use crate::tensors::Tensors;
use crate::{Function, affine};
use extension::{Functions, NetworkOps};

/// Layers of one operation. A deeper network is several of them.
pub(crate) const DEEPEST: usize = 4;

/// The most numbers of a matrix of weights: several of them stay in the cache of a core with a block of rows.
const LARGEST: usize = 1 << 16;

/// The fewest rows for which packed weights pay.
const FEWEST_ROWS: usize = 16;

/// A network of affine layers with weights `W_l [in, out]` and biases `b_l [out]` on the rows of `x [n, in]`: `[n, out]`.
///
/// ```text
/// h_0 = x,   h_l = f(h_{l-1}·W_l + b_l),   y = h_{L-1}·W_L + b_L
/// ```
///
/// It is a chain of [`affine`] layers. On `flex`, in f32 and f64, small layers are one operation: a block of rows passes through all of
/// them while it is in the cache, forward and backward. The result is that of the chain to rounding, and does not depend on the number
/// of threads. Whether layers are small depends on the shapes alone.
///
/// # Panics
///
/// If the shapes do not fit or the types differ.
pub fn network(x: Tensor<2>, layers: Vec<(Tensor<2>, Tensor<1>)>, function: Function) -> Tensor<2> {
    let (mut h, mut layers) = (x, layers.into_iter().peekable());
    while let Some(layer) = layers.next() {
        let mut group = vec![layer];
        if is_small(&group[0]) && h.dims()[0] >= FEWEST_ROWS {
            while let Some(layer) = layers.next_if(|layer| is_small(layer) && group.len() < DEEPEST) {
                group.push(layer);
            }
        }
        let last = layers.peek().map(|_| function);
        h = together(&h, &group, function, last.is_some())
            .unwrap_or_else(|| in_turn(h, group, function, last));
    }
    h
}

/// A [`network`] of two hidden layers with `out = in`, together with a sum over pairs of hidden units: `[n, out]` and `[n]`.
///
/// ```text
/// tr = Σ_jk f'(a_1)_j·M_jk·f'(a_2)_k        for the arguments a_1, a_2 of the hidden units
/// ```
///
/// For `M = W_2 ∘ (W_1ᵀ·W_3ᵀ)`, `joint [h_1, h_2]`, it is the trace of the derivative `∂y/∂x`. `None` if the device has no kernel for it
/// or is one with autodiff, or if the layers are not small as in [`network`].
///
/// # Panics
///
/// If the shapes do not fit or the types differ.
pub fn network_with_trace(
    x: Tensor<2>,
    layers: [(Tensor<2>, Tensor<1>); 3],
    joint: Tensor<2>,
    function: Function,
) -> Option<(Tensor<2>, Tensor<1>)> {
    let (shape, hidden) = (joint.dims(), [0, 1].map(|l: usize| layers[l].1.dims()[0]));
    assert!(
        shape == hidden,
        "network_with_trace: joint of shape {shape:?}, hidden layers of widths {hidden:?}"
    );
    if x.dims()[0] == 0 || !layers.iter().all(is_small) || joint.dtype() != x.dtype() {
        return None;
    }
    let layers = tensors(x.dtype(), x.dims()[1], &layers)?;
    let functions = Functions { hidden: function, at_last: false };
    let joint = joint.into_dispatch();
    let (y, trace) = <Dispatch as NetworkOps>::network_traced(x.into_dispatch(), layers, functions, joint)?;
    Some((Tensor::from_dispatch(y), Tensor::from_dispatch(trace)))
}

/// Whether the matrix of weights of a layer stays in the cache.
pub(crate) fn is_small((weight, _): &(Tensor<2>, Tensor<1>)) -> bool {
    (1..=LARGEST).contains(&weight.dims().iter().product())
}

fn in_turn(
    x: Tensor<2>,
    layers: Vec<(Tensor<2>, Tensor<1>)>,
    function: Function,
    last: Option<Function>,
) -> Tensor<2> {
    let end = layers.len() - 1;
    layers.into_iter().enumerate().fold(x, |h, (l, (weight, bias))| {
        affine(h, weight, bias, if l == end { last } else { Some(function) })
    })
}

/// The layers as one operation, if the device has it. Other shapes and types are for [`affine`] to judge.
fn together(
    x: &Tensor<2>,
    layers: &[(Tensor<2>, Tensor<1>)],
    function: Function,
    at_last: bool,
) -> Option<Tensor<2>> {
    let layers = tensors(x.dtype(), x.dims()[1], layers)?;
    let functions = Functions { hidden: function, at_last };
    <Dispatch as NetworkOps>::network(x.clone().into_dispatch(), layers, functions).map(Tensor::from_dispatch)
}

/// The tensors of several layers, if their shapes and types fit each other and inputs of this type and width.
pub(crate) fn tensors(
    dtype: DType,
    mut width: usize,
    layers: &[(Tensor<2>, Tensor<1>)],
) -> Option<Tensors<Dispatch>> {
    let mut fits = layers.len() > 1;
    for (weight, bias) in layers {
        let ([n_in, n_out], [n_bias]) = (weight.dims(), bias.dims());
        fits &= width == n_in && n_bias == n_out;
        fits &= weight.dtype() == dtype && bias.dtype() == dtype;
        width = n_out;
    }
    if !fits {
        return None;
    }
    let tensors = layers.iter().cloned();
    let tensors = tensors.flat_map(|(weight, bias)| [weight.into_dispatch(), bias.into_dispatch()]);
    Some(Tensors(tensors.collect()))
}

#[cfg(test)]
mod tests;
