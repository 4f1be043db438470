//! The backend extension: an affine map and its function in one pass on `flex`, Burn's operations elsewhere.

use burn::backend::{backend_extension, tensor::FloatTensor};
use burn::tensor::Shape;

use crate::Function;
use crate::elementwise::extension::ElementwiseOps;

/// Affine layers on the tensors of one backend.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub(crate) trait AffineOps: ElementwiseOps {
    /// `f(x·w + b)`, without a function `x·w + b`.
    fn affine(
        function: Option<Function>,
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        portable::affine::<Self>(function, x, weight, bias)
    }

    /// `gradient` times the derivative, see [`map_backward`](ElementwiseOps::map_backward), and its sum over the rows.
    fn slopes(
        function: Function,
        saved: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let slopes = Self::map_backward(function, saved, gradient);
        (slopes.clone(), portable::sums::<Self>(slopes))
    }

    /// The sum over the rows, `[n, d]` to `[d]`.
    fn sums(gradient: FloatTensor<Self>) -> FloatTensor<Self> {
        portable::sums::<Self>(gradient)
    }

    /// `x·y` of two matrices that may be transposed views.
    fn product(x: FloatTensor<Self>, y: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_matmul(x, y)
    }
}

/// The operations as compositions of Burn's own.
pub(crate) mod portable {
    use burn::backend::TensorMetadata;

    use super::*;

    pub(crate) fn affine<B: ElementwiseOps>(
        function: Option<Function>,
        x: FloatTensor<B>,
        weight: FloatTensor<B>,
        bias: FloatTensor<B>,
    ) -> FloatTensor<B> {
        let columns = bias.shape()[0];
        let row = B::float_reshape(bias, Shape::from([1, columns]));
        let sum = B::float_add(B::float_matmul(x, weight), row);
        match function {
            Some(function) => B::map(function, sum),
            None => sum,
        }
    }

    pub(crate) fn sums<B: ElementwiseOps>(x: FloatTensor<B>) -> FloatTensor<B> {
        let columns = x.shape()[1];
        B::float_reshape(B::float_sum_dim(x, 0), Shape::from([columns]))
    }
}

#[cfg(feature = "ndarray")]
impl AffineOps for burn::backend::NdArray {}

#[cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal", feature = "cuda", feature = "rocm"))]
impl AffineOps for burn::backend::Cube {}
