//! Affine layers with their functions.

mod autodiff;
#[allow(unused_variables, reason = "in a build without any backend no generated arm reads its arguments")]
#[cfg_attr(
    feature = "ndarray",
    allow(deprecated, reason = "Burn deprecates `ndarray`, and it is offered here on purpose")
)]
pub(crate) mod extension;
#[cfg(feature = "flex")]
mod flex;

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::Function;
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
    let (rows, matrix, [columns]) = (x.dims(), weight.dims(), bias.dims());
    assert!(
        rows[1] == matrix[0] && matrix[1] == columns,
        "affine: rows of shape {rows:?}, a weight of shape {matrix:?} and a bias of shape [{columns}]"
    );
    let types = [x.dtype(), weight.dtype(), bias.dtype()];
    assert!(types.iter().all(|dtype| *dtype == types[0]), "affine: types {types:?}");
    Tensor::from_dispatch(<Dispatch as AffineOps>::affine(
        function,
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
    ))
}

#[cfg(test)]
mod tests;
