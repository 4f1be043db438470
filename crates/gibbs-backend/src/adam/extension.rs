//! The backend extension for Adam: one pass on `flex`, Burn's operations on other backends.

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::{Autodiff, Backend, backend_extension, tensor::FloatTensor};

use super::AdamStep;

/// Steps of optimizers on the tensors of one backend.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub(crate) trait AdamOps: Backend {
    /// The next parameter, first and second moment, see [`adam_step`](super::adam_step).
    fn adam(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        portable::<Self>(parameter, gradient, first, second, step)
    }
}

pub(crate) fn portable<B: Backend>(
    parameter: FloatTensor<B>,
    gradient: FloatTensor<B>,
    first: FloatTensor<B>,
    second: FloatTensor<B>,
    step: AdamStep,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let scaled = |x, factor: f64| B::float_mul_scalar(x, factor.into());
    let square = B::float_mul(gradient.clone(), gradient.clone());
    let first = B::float_add(scaled(first, step.beta_1), scaled(gradient, 1.0 - step.beta_1));
    let second = B::float_add(scaled(second, step.beta_2), scaled(square, 1.0 - step.beta_2));
    let scale = B::float_add_scalar(B::float_sqrt(second.clone()), step.epsilon.into());
    let change = B::float_div(scaled(first.clone(), step.rate), scale);
    (B::float_sub(scaled(parameter, step.keep), change), first, second)
}

impl<B: AdamOps, C: CheckpointStrategy> AdamOps for Autodiff<B, C> {}

crate::portable_on_other_backends!(AdamOps);
