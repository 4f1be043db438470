//! The backend extension for linear combinations: one pass on `flex`, Burn's operations on other backends.

use burn::backend::{Backend, backend_extension, tensor::FloatTensor};

use crate::tensors::Tensors;

/// Linear combinations on the tensors of one backend.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub(crate) trait CombinationOps: Backend {
    /// See [`combination`](super::combination()). With `with_start` the first tensor has no weight.
    fn combination(
        #[extension_type] tensors: Tensors<Self>,
        weights: Vec<f64>,
        with_start: bool,
    ) -> FloatTensor<Self> {
        portable::<Self>(tensors, weights, with_start)
    }
}

pub(crate) fn portable<B: Backend>(
    Tensors(tensors): Tensors<B>,
    weights: Vec<f64>,
    with_start: bool,
) -> FloatTensor<B> {
    let mut tensors = tensors.into_iter();
    let start = if with_start { tensors.next() } else { None };
    let terms = tensors.zip(weights).map(|(tensor, weight)| B::float_mul_scalar(tensor, weight.into()));
    match (start, terms.reduce(B::float_add)) {
        (Some(start), Some(sum)) => B::float_add(start, sum),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => unreachable!("at least one term"),
    }
}

crate::portable_on_other_backends!(CombinationOps);
