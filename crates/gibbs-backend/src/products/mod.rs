//! Matrix products whose left factor has many zeros.

mod extension;
#[cfg(feature = "flex")]
mod flex;

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use extension::ProductOps;

/// `x·w` for an `x` with many zeros, such as binary data or samples: `[n, k]` and `[k, m]` to `[n, m]`.
///
/// The result equals `x.matmul(w)` up to the rounding of sums in another order, and is differentiable. On `flex`, in f32, the
/// rows of `w` for nonzero elements of `x` are added: the work is proportional to their number, and an `x` of zeros and ones
/// needs no multiplications. `w` can be a transposed view at little cost. On other backends, in other types, under automatic
/// differentiation, and if the dense product is faster (small matrices; an `x` that is not binary and nearly half full) this
/// is `x.matmul(w)`.
///
/// The result does not depend on the number of threads. An infinity or NaN in `w` that is multiplied only by zeros of `x` may
/// or may not appear in the result.
///
/// # Panics
///
/// If the number of columns of `x` is not the number of rows of `w`, or if their types differ.
pub fn sparse_matmul(x: Tensor<2>, w: Tensor<2>) -> Tensor<2> {
    let (left, right) = (x.dims(), w.dims());
    assert_eq!(left[1], right[0], "sparse_matmul: x of shape {left:?}, w of shape {right:?}");
    assert_eq!(x.dtype(), w.dtype(), "sparse_matmul: types of x and w");
    Tensor::from_dispatch(<Dispatch as ProductOps>::sparse_matmul(x.into_dispatch(), w.into_dispatch()))
}

/// `xᵀ·y` for an `x` with many zeros: `[n, k]` and `[n, m]` to `[k, m]`. It is the sum over a batch of the products of each
/// element of `x` with each element of `y`. The properties are those of [`sparse_matmul`].
///
/// # Panics
///
/// If `x` and `y` differ in the number of rows or in type.
pub fn sparse_matmul_transposed(x: Tensor<2>, y: Tensor<2>) -> Tensor<2> {
    let (left, right) = (x.dims(), y.dims());
    assert_eq!(left[0], right[0], "sparse_matmul_transposed: x of shape {left:?}, y of shape {right:?}");
    assert_eq!(x.dtype(), y.dtype(), "sparse_matmul_transposed: types of x and y");
    let x = x.transpose().into_dispatch();
    Tensor::from_dispatch(<Dispatch as ProductOps>::sparse_matmul(x, y.into_dispatch()))
}

#[cfg(test)]
mod tests;
