//! The backend extension for affine layers: own kernels on `flex`, Burn's operations on other backends.

use burn::backend::{backend_extension, tensor::FloatTensor};
use burn::tensor::Shape;

use crate::elementwise::extension::ElementwiseOps;
use crate::{Function, Pattern};

/// Affine layers on the tensors of one backend.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub(crate) trait AffineOps: ElementwiseOps {
    /// `f(x·(M⊙W) + b)`. Without a function it is `x·(M⊙W) + b`; without a pattern `M` is all ones.
    fn affine(
        function: Option<Function>,
        pattern: Option<Pattern>,
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        portable::affine::<Self>(function, pattern, x, weight, bias)
    }

    /// `gradient` times the derivative, see [`map_backward`](ElementwiseOps::map_backward), and its sum over the rows.
    fn slopes(
        function: Function,
        saved: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        portable::slopes::<Self>(function, saved, gradient)
    }

    /// The sum over the rows, `[n, d]` to `[d]`.
    fn sums(gradient: FloatTensor<Self>) -> FloatTensor<Self> {
        portable::sums::<Self>(gradient)
    }

    /// `M⊙(xᵀ·δ)`, the gradient of the weight.
    fn weight_gradient(
        pattern: Option<Pattern>,
        x: FloatTensor<Self>,
        slopes: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        portable::weight_gradient::<Self>(pattern, x, slopes)
    }

    /// `δ·(M⊙W)ᵀ`, the gradient of `x`.
    fn input_gradient(
        pattern: Option<Pattern>,
        slopes: FloatTensor<Self>,
        weight: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        portable::input_gradient::<Self>(pattern, slopes, weight)
    }
}

/// The operations as compositions of Burn's operations.
pub(crate) mod portable {
    use burn::backend::{Backend, TensorMetadata};

    use super::*;

    pub(crate) fn affine<B: ElementwiseOps>(
        function: Option<Function>,
        pattern: Option<Pattern>,
        x: FloatTensor<B>,
        weight: FloatTensor<B>,
        bias: FloatTensor<B>,
    ) -> FloatTensor<B> {
        let columns = bias.shape()[0];
        let row = B::float_reshape(bias, Shape::from([1, columns]));
        let sum = B::float_add(B::float_matmul(x, masked::<B>(pattern, weight)), row);
        match function {
            Some(function) => B::map(function, sum),
            None => sum,
        }
    }

    pub(crate) fn slopes<B: ElementwiseOps>(
        function: Function,
        saved: FloatTensor<B>,
        gradient: FloatTensor<B>,
    ) -> (FloatTensor<B>, FloatTensor<B>) {
        let slopes = B::map_backward(function, saved, gradient);
        (slopes.clone(), sums::<B>(slopes))
    }

    pub(crate) fn sums<B: ElementwiseOps>(x: FloatTensor<B>) -> FloatTensor<B> {
        let columns = x.shape()[1];
        B::float_reshape(B::float_sum_dim(x, 0), Shape::from([columns]))
    }

    pub(crate) fn weight_gradient<B: Backend>(
        pattern: Option<Pattern>,
        x: FloatTensor<B>,
        slopes: FloatTensor<B>,
    ) -> FloatTensor<B> {
        masked::<B>(pattern, B::float_matmul(B::float_swap_dims(x, 0, 1), slopes))
    }

    pub(crate) fn input_gradient<B: Backend>(
        pattern: Option<Pattern>,
        slopes: FloatTensor<B>,
        weight: FloatTensor<B>,
    ) -> FloatTensor<B> {
        B::float_matmul(slopes, B::float_swap_dims(masked::<B>(pattern, weight), 0, 1))
    }

    fn masked<B: Backend>(pattern: Option<Pattern>, matrix: FloatTensor<B>) -> FloatTensor<B> {
        match pattern {
            Some(pattern) => {
                let mask = pattern.tensor::<B>(&matrix.device(), matrix.dtype());
                B::float_mul(matrix, mask)
            }
            None => matrix,
        }
    }
}

crate::portable_on_other_backends!(AffineOps);
