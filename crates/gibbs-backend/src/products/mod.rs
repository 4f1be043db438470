//! Matrix products whose left factor has many zeros.

mod extension;
#[cfg(feature = "flex")]
mod flex;

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use extension::ProductOps;

/// `x·w` for an `x` with many zeros, such as binary data or samples: `[n, k]` and `[k, m]` to `[n, m]`.
///
/// Equal to `x.matmul(w)` up to the rounding of sums in another order, and differentiable like it. On `flex`, in f32,
/// the rows of `w` that belong to nonzero elements of `x` are added up: the work is in proportion to their number,
/// and there are no multiplications if `x` is made of zeros and ones. `w` may be a transposed view at little cost.
/// On other devices, in other types, under automatic differentiation, and where the dense product is faster
/// (small matrices; an `x` that is not binary and nearly half full) this is `x.matmul(w)`.
///
/// The result does not depend on the number of threads. Terms with `x_ij = 0` are left out where the work is done
/// that way, so an infinity or NaN in `w` that meets only zeros may or may not show.
///
/// # Panics
///
/// If `x` has not as many columns as `w` has rows, or their types differ.
pub fn sparse_matmul(x: Tensor<2>, w: Tensor<2>) -> Tensor<2> {
    let (left, right) = (x.dims(), w.dims());
    assert_eq!(left[1], right[0], "sparse_matmul: a factor of shape {left:?} before one of shape {right:?}");
    assert_eq!(x.dtype(), w.dtype(), "sparse_matmul: the factors differ in type");
    Tensor::from_dispatch(<Dispatch as ProductOps>::sparse_matmul(x.into_dispatch(), w.into_dispatch()))
}

/// `xᵀ·y` for an `x` with many zeros: `[n, k]` and `[n, m]` to `[k, m]`, sums over a batch of the products of every
/// element of `x` with every element of `y`.
///
/// All that is said of [`sparse_matmul`] holds here.
///
/// # Panics
///
/// If `x` and `y` have not the same number of rows, or their types differ.
pub fn sparse_matmul_transposed(x: Tensor<2>, y: Tensor<2>) -> Tensor<2> {
    let (left, right) = (x.dims(), y.dims());
    assert_eq!(
        left[0], right[0],
        "sparse_matmul_transposed: a transposed factor of shape {left:?} before one of shape {right:?}"
    );
    assert_eq!(x.dtype(), y.dtype(), "sparse_matmul_transposed: the factors differ in type");
    let x = x.transpose().into_dispatch();
    Tensor::from_dispatch(<Dispatch as ProductOps>::sparse_matmul(x, y.into_dispatch()))
}

#[cfg(test)]
mod tests;
