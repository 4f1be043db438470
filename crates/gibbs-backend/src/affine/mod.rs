//! Affine layers with their functions and masks.

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
/// On `flex`, in f32 and f64, bias and function follow right behind the product, while the rows are in the cache. The
/// gradient of the bias is taken in the same pass as the derivative of the function, which is written over the gradient
/// of the result.
///
/// # Panics
///
/// If the shapes do not fit or the types differ.
pub fn affine(x: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>, function: Option<Function>) -> Tensor<2> {
    layer(x, weight, bias, None, function)
}

/// `y = f(x·(M⊙W) + b)`, an [`affine`] layer with those of its weights `W [in, out]` that are in `mask`. What the others
/// hold, as long as it is finite, does not matter, and their gradient is exactly zero.
///
/// On `flex`, in f32 and f64, `M⊙W` is never made: blocks of `W` without a weight in the mask are skipped, in the products
/// of either pass, and blocks with all of them taken as they are. For the staircases of autoregressive networks that is
/// half of the work; a mask without empty or full blocks costs a copy of `W`, block by block, beside the product. The
/// result does not depend on the number of threads.
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
    assert!(
        matrix == pattern,
        "masked_affine: a weight of shape {matrix:?} under a mask of shape {pattern:?}"
    );
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
        "affine: rows of shape {rows:?}, a weight of shape {matrix:?} and a bias of shape [{columns}]"
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
