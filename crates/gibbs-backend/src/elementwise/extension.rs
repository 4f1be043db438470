//! The backend extension for element-wise functions: own kernels on `flex`, Burn's operations on other backends.

use burn::backend::{Backend, backend_extension, tensor::FloatTensor};

use super::function::{BernoulliParam, Function};
use super::portable;
use crate::noise::philox::Cursor;

/// Element-wise operations on the tensors of one backend.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub(crate) trait ElementwiseOps: Backend {
    /// The function of each element.
    fn map(function: Function, x: FloatTensor<Self>) -> FloatTensor<Self> {
        portable::map::<Self>(function, x)
    }

    /// `gradient` times the derivative. `saved` is the result or the argument, see [`Function::derivative_from_result`].
    fn map_backward(
        function: Function,
        saved: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        portable::map_backward::<Self>(function, saved, gradient)
    }

    /// Binary cross-entropy of each row, `[n, d]` to `[n]`.
    fn bce_rows(logits: FloatTensor<Self>, targets: FloatTensor<Self>) -> FloatTensor<Self> {
        portable::bce_rows::<Self>(logits, targets)
    }

    /// The gradient of [`bce_rows`](Self::bce_rows) with respect to the logits, from that of its result, `[n]`.
    fn bce_rows_backward(
        logits: FloatTensor<Self>,
        targets: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        portable::bce_rows_backward::<Self>(logits, targets, gradient)
    }

    /// A random bit for each element. Each costs one word of the stream.
    fn bernoulli(param: BernoulliParam, x: FloatTensor<Self>, cursor: Cursor) -> FloatTensor<Self> {
        portable::bernoulli::<Self>(param, x, cursor)
    }
}

crate::portable_on_other_backends!(ElementwiseOps);
