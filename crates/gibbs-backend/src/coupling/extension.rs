//! The backend extension for affine couplings: a kernel on `flex`, none on other backends.

use burn::backend::{Backend, backend_extension, tensor::FloatTensor};

use super::Couple;
use crate::network::extension::{Functions, Wanted};
use crate::tensors::Tensors;

/// Affine couplings on the tensors of one backend. Layers are the weight of each layer and its bias behind it, at least two of them.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub(crate) trait CouplingOps: Backend {
    /// See [`coupled`](super::coupled()). None without a kernel.
    fn coupled(
        x: FloatTensor<Self>,
        #[extension_type] layers: Tensors<Self>,
        map: CoupledMap,
    ) -> Option<FloatTensor<Self>> {
        None
    }

    /// The result, and two tensors that the backward pass needs.
    fn coupled_saved(
        x: FloatTensor<Self>,
        #[extension_type] layers: Tensors<Self>,
        map: CoupledMap,
    ) -> Option<(FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>)> {
        None
    }

    /// The gradients of weights and biases, layer by layer, if they are wanted, and that of `x` behind them.
    fn coupled_backward(
        x: FloatTensor<Self>,
        #[extension_type] layers: Tensors<Self>,
        map: CoupledMap,
        hidden: FloatTensor<Self>,
        parameters: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        wanted: Wanted,
    ) -> Option<Vec<FloatTensor<Self>>> {
        None
    }
}

crate::portable_on_other_backends!(CouplingOps);

/// Which columns are coupled, and the functions of the network that couples them.
#[derive(Clone, Debug)]
pub(crate) struct CoupledMap {
    pub(crate) couple: Couple,
    pub(crate) functions: Functions,
}
