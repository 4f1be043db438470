//! The backend extension for networks: own kernels on `flex`, none on other backends, which compute layer by layer.

use burn::backend::{Backend, backend_extension, tensor::FloatTensor};

use crate::Function;
use crate::tensors::Tensors;

/// Networks on the tensors of one backend. Layers are the weight of each layer and its bias behind it, at least two of them.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub(crate) trait NetworkOps: Backend {
    /// The outputs; `None` without a kernel.
    fn network(
        x: FloatTensor<Self>,
        #[extension_type] layers: Tensors<Self>,
        functions: Functions,
    ) -> Option<FloatTensor<Self>> {
        None
    }

    /// The outputs, and the numbers that the backward pass needs.
    fn network_saved(
        x: FloatTensor<Self>,
        #[extension_type] layers: Tensors<Self>,
        functions: Functions,
    ) -> Option<(FloatTensor<Self>, FloatTensor<Self>)> {
        None
    }

    /// The outputs `[n, out]` of three layers, and `f'(a_1)·M·f'(a_2)ᵀ` of each row, `[n]`. Without gradients.
    fn network_traced(
        x: FloatTensor<Self>,
        #[extension_type] layers: Tensors<Self>,
        functions: Functions,
        joint: FloatTensor<Self>,
    ) -> Option<(FloatTensor<Self>, FloatTensor<Self>)> {
        None
    }

    /// The gradients of weights and biases, layer by layer, and that of `x` behind them, as far as they are wanted.
    fn network_backward(
        x: FloatTensor<Self>,
        #[extension_type] layers: Tensors<Self>,
        functions: Functions,
        saved: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        wanted: Wanted,
    ) -> Option<Vec<FloatTensor<Self>>> {
        None
    }
}

crate::portable_on_other_backends!(NetworkOps);

/// Which gradients of a network are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// Of weights and biases.
    pub(crate) layers: bool,
    /// Of the inputs.
    pub(crate) x: bool,
}

/// The functions of a network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Functions {
    /// Of the hidden layers.
    pub(crate) hidden: Function,
    /// Whether the last layer has it too.
    pub(crate) at_last: bool,
}
