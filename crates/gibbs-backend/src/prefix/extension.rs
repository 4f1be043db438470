//! The backend extension for networks on prefixes: own kernels on `flex`, Burn's operations on other backends.

use burn::backend::{backend_extension, tensor::FloatTensor};

use super::portable::{self, Layers};
use crate::affine::extension::AffineOps;

/// Networks on prefixes on the tensors of one backend.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub(crate) trait PrefixOps: AffineOps {
    /// See [`prefix_networks`](super::prefix_networks).
    fn prefix_networks(
        start: FloatTensor<Self>,
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        v: FloatTensor<Self>,
        b: FloatTensor<Self>,
        layers: Layers,
    ) -> FloatTensor<Self> {
        portable::prefix_networks::<Self>([start, x, w, v], b, layers)
    }

    /// The gradients of `start`, `x` (if `with_x`), `w` and `v`, from that of the result.
    fn prefix_networks_backward(
        start: FloatTensor<Self>,
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        v: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        layers: Layers,
        with_x: bool,
    ) -> (FloatTensor<Self>, Option<FloatTensor<Self>>, FloatTensor<Self>, FloatTensor<Self>) {
        portable::prefix_networks_backward::<Self>([start, x, w, v], gradient, layers, with_x)
    }
}

crate::portable_on_other_backends!(PrefixOps);
