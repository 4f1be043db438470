//! Affine layers with functions and masks.

mod autodiff;
pub(crate) mod extension;
#[cfg(feature = "flex")]
mod flex;

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::{Function, Pattern};
use extension::AffineOps;

/// `y = f(x·w + b)` for each row of `x [n, in]`, with `w [in, out]` and `b [out]`: `[n, out]`. Without a function,
/// `x·w + b`.
///
/// On `flex`, in f32 and f64, bias and function are applied to the product while its rows are in the cache. One backward pass
/// computes the derivative of the function, in place, and the gradient of the bias.
///
/// # Panics
///
/// If the shapes do not fit or the types differ.
pub fn affine(x: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>, function: Option<Function>) -> Tensor<2> {
    layer(x, weight, bias, None, function)
}

/// `y = f(x·(M⊙W) + b)`, an [`affine`] layer with the weights `W [in, out]` that are in `mask`. The other weights must be
/// finite. They have no effect, and their gradient is exactly zero.
///
/// On `flex`, in f32 and f64, the products skip blocks of `W` that are completely outside the mask and read blocks that are
/// completely inside it. Only mixed blocks are copied. For the triangular masks of autoregressive networks this saves half of
/// the work. The result does not depend on the number of threads.
///
/// # Panics
///
/// If the shapes do not fit or the types differ.
pub fn masked_affine(
    x: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    mask: &Pattern,
    function: Option<Function>,
) -> Tensor<2> {
    let (matrix, pattern) = (weight.dims(), mask.dims());
    assert!(matrix == pattern, "masked_affine: weight of shape {matrix:?}, mask of shape {pattern:?}");
    layer(x, weight, bias, Some(mask.clone()), function)
}

fn layer(
    x: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    mask: Option<Pattern>,
    function: Option<Function>,
) -> Tensor<2> {
    let (rows, matrix, [columns]) = (x.dims(), weight.dims(), bias.dims());
    assert!(
        rows[1] == matrix[0] && matrix[1] == columns,
        "affine: x of shape {rows:?}, weight of shape {matrix:?}, bias of shape [{columns}]"
    );
    let types = [x.dtype(), weight.dtype(), bias.dtype()];
    assert!(types.iter().all(|dtype| *dtype == types[0]), "affine: types {types:?}");
    Tensor::from_dispatch(<Dispatch as AffineOps>::affine(
        function,
        mask,
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
    ))
}

#[cfg(test)]
mod tests;
