//! The backend extension for convolutions: own kernels on `flex`, Burn's convolution on other backends.

use burn::backend::{backend_extension, tensor::FloatTensor};

use super::{Window, portable};
use crate::Function;
use crate::affine::extension::AffineOps;

/// Convolutions on the tensors of one backend.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub(crate) trait ConvolutionOps: AffineOps {
    /// See [`convolution`](super::convolution); the result is `[n·R·C, out]`.
    fn convolution(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
        function: Option<Function>,
    ) -> FloatTensor<Self> {
        portable::convolution::<Self>(x, weight, bias, window, function)
    }

    /// `Σ x_{r+i, c+j}ᵀ·δ_rc`, the gradient of the weight, for `δ [n·R·C, out]`.
    fn convolution_weight_gradient(
        x: FloatTensor<Self>,
        slopes: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self> {
        portable::weight_gradient::<Self>(x, slopes, window)
    }
}

crate::portable_on_other_backends!(ConvolutionOps);
