//! Linear combinations of several tensors.

mod autodiff;
mod extension;
#[cfg(feature = "flex")]
mod flex;

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::tensors::Tensors;
use extension::CombinationOps;

/// `x + (w_1·x_1 + … + w_k·x_k)` for `k ≥ 1` tensors of the shape of `x`, or the bracket alone without an `x`.
///
/// On `flex`, in f32 and f64, it is one pass with the roundings of the separate operations. The gradient is one node of the graph.
///
/// # Panics
///
/// If there are no terms, or shapes or types differ.
pub fn combination<const D: usize>(x: Option<Tensor<D>>, terms: Vec<(f64, Tensor<D>)>) -> Tensor<D> {
    assert!(!terms.is_empty(), "combination: no terms");
    let (weights, tensors): (Vec<f64>, Vec<Tensor<D>>) = terms.into_iter().unzip();
    let like = |tensor: &Tensor<D>| (tensor.dims(), tensor.dtype());
    let want = like(&tensors[0]);
    for tensor in tensors.iter().chain(&x) {
        assert_eq!(like(tensor), want, "combination: shape and type of the terms");
    }
    let with_start = x.is_some();
    let all = x.into_iter().chain(tensors).map(Tensor::into_dispatch).collect();
    Tensor::from_dispatch(<Dispatch as CombinationOps>::combination(Tensors(all), weights, with_start))
}

#[cfg(test)]
mod tests;
