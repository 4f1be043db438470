//! Affine layers under automatic differentiation.
//!
//! ```text
//! L(x, W) = x·(M⊙W),    ∂/∂W = M⊙(xᵀ·δ),    ∂/∂x = δ·(M⊙W)ᵀ
//! ```

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::{Autodiff, tensor::FloatTensor};

use super::extension::AffineOps;
use crate::layer::{Bilinear, tracked};
use crate::{Function, Pattern};

impl<B: AffineOps, C: CheckpointStrategy> AffineOps for Autodiff<B, C> {
    fn affine(
        function: Option<Function>,
        pattern: Option<Pattern>,
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        tracked::<_, B, C>(pattern, function, [x, weight, bias])
    }
}

impl<B: AffineOps> Bilinear<B> for Option<Pattern> {
    fn layer(self, function: Option<Function>, [x, weight, bias]: [FloatTensor<B>; 3]) -> FloatTensor<B> {
        B::affine(function, self, x, weight, bias)
    }

    fn weight_gradient(self, x: FloatTensor<B>, slopes: FloatTensor<B>) -> FloatTensor<B> {
        B::weight_gradient(self, x, slopes)
    }

    fn input_gradient(self, slopes: FloatTensor<B>, weight: FloatTensor<B>) -> FloatTensor<B> {
        B::input_gradient(self, slopes, weight)
    }
}
