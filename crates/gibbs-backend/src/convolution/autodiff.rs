//! Convolutions under automatic differentiation.
//!
//! ```text
//! ∂/∂K_ij = Σ_rc x_{r+i, c+j}ᵀ·δ_rc,    ∂/∂x_rc = Σ_ij δ_{r-i, c-j}·K_ijᵀ
//! ```
//!
//! The gradient of `x` is a convolution too, with the reversed window.

use burn::backend::TensorMetadata;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::{Autodiff, tensor::FloatTensor};
use burn::tensor::Shape;

use super::extension::ConvolutionOps;
use super::{Window, portable};
use crate::Function;
use crate::layer::{Bilinear, tracked};

impl<B: ConvolutionOps, C: CheckpointStrategy> ConvolutionOps for Autodiff<B, C> {
    fn convolution(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
        function: Option<Function>,
    ) -> FloatTensor<Self> {
        let [n, rows, columns, _] = x.shape().dims();
        let maps = [n, window.rows_out(rows), columns];
        tracked::<_, B, C>(Convolution { window, maps }, function, [x, weight, bias])
    }
}

#[derive(Clone, Debug)]
struct Convolution {
    window: Window,
    /// Sizes of the result: examples, rows, columns.
    maps: [usize; 3],
}

impl<B: ConvolutionOps> Bilinear<B> for Convolution {
    fn layer(self, function: Option<Function>, [x, weight, bias]: [FloatTensor<B>; 3]) -> FloatTensor<B> {
        B::convolution(x, weight, bias, self.window, function)
    }

    fn weight_gradient(self, x: FloatTensor<B>, slopes: FloatTensor<B>) -> FloatTensor<B> {
        B::convolution_weight_gradient(x, slopes, self.window)
    }

    fn input_gradient(self, slopes: FloatTensor<B>, weight: FloatTensor<B>) -> FloatTensor<B> {
        let ([inputs, n_out], [n, rows, columns]) = (weight.shape().dims(), self.maps);
        let n_in = inputs / self.window.taps();
        let nothing = B::float_zeros(Shape::from([n_in]), &slopes.device(), slopes.dtype().into());
        let slopes = B::float_reshape(slopes, Shape::from([n, rows, columns, n_out]));
        let weight = portable::reversed::<B>(weight, self.window);
        let adjoint = self.window.adjoint();
        let gradient = B::convolution(slopes, weight, nothing, adjoint, None);
        B::float_reshape(gradient, Shape::from([n, adjoint.rows_out(rows), columns, n_in]))
    }
}
