//! The backend extension for splines: a kernel on `flex`, none on other backends.

use burn::backend::{Backend, backend_extension, tensor::FloatTensor};

use super::Spline;

/// A spline in one direction.
#[cfg_attr(not(feature = "flex"), allow(dead_code, reason = "only kernels read it"))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pass {
    pub(crate) spline: Spline,
    pub(crate) inverse: bool,
}

impl Pass {
    /// Number of parameters of each element.
    pub(crate) fn n_parameters(self) -> usize {
        3 * self.spline.bins - 1
    }
}

/// Splines on the tensors of one backend.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub(crate) trait SplineOps: Backend {
    /// See [`spline`](super::spline()). None without a kernel.
    fn spline(x: FloatTensor<Self>, parameters: FloatTensor<Self>, pass: Pass) -> Option<FloatTensor<Self>> {
        None
    }

    /// The gradients of `x` and `parameters` from that of the result.
    fn spline_backward(
        x: FloatTensor<Self>,
        parameters: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        pass: Pass,
    ) -> Option<(FloatTensor<Self>, FloatTensor<Self>)> {
        None
    }
}

crate::portable_on_other_backends!(SplineOps);
