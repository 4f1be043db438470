//! The backend extension for bounded affine maps: a kernel on `flex`, none on other backends.

use burn::backend::{Backend, backend_extension, tensor::FloatTensor};

use super::Scaling;

/// Bounded affine maps on the tensors of one backend.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub(crate) trait ScalingOps: Backend {
    /// See [`scaled`](super::scaled()). None without a kernel.
    fn scaled(
        x: FloatTensor<Self>,
        parameters: FloatTensor<Self>,
        scaling: Scaling,
    ) -> Option<FloatTensor<Self>> {
        None
    }

    /// The gradients of `x` and `parameters` from that of the result.
    fn scaled_backward(
        x: FloatTensor<Self>,
        parameters: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        scaling: Scaling,
    ) -> Option<(FloatTensor<Self>, FloatTensor<Self>)> {
        None
    }

    /// See [`log_scale_sums`](super::log_scale_sums()). None without a kernel.
    fn log_scale_sums(parameters: FloatTensor<Self>, bound: f64) -> Option<FloatTensor<Self>> {
        None
    }

    /// The gradient of `parameters` from that of the sums, `[n]`.
    fn log_scale_sums_backward(
        parameters: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        bound: f64,
    ) -> Option<FloatTensor<Self>> {
        None
    }
}

crate::portable_on_other_backends!(ScalingOps);
