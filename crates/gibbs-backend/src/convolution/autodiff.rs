//! Convolutions under automatic differentiation.
//!
//! ```text
//! δ = ∂/∂y ⊙ f',    ∂/∂b = Σ_rc δ_rc,    ∂/∂K_ij = Σ_rc x_{r+i, c+j}ᵀ·δ_rc,    ∂/∂x_rc = Σ_ij δ_{r-i, c-j}·K_ijᵀ
//! ```
//!
//! The last is a convolution too, with the window seen from the other end.

use burn::backend::TensorMetadata;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, tensor::FloatTensor};
use burn::tensor::Shape;

use super::extension::ConvolutionOps;
use super::{Window, portable};
use crate::Function;

impl<B: ConvolutionOps, C: CheckpointStrategy> ConvolutionOps for Autodiff<B, C> {
    fn convolution(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
        function: Option<Function>,
    ) -> FloatTensor<Self> {
        let (x_tracked, weight_tracked) = (x.is_tracked(), weight.is_tracked());
        let nodes = [x.node(), weight.node(), bias.node()];
        let (x, weight, bias) = (x.into_primitive(), weight.into_primitive(), bias.into_primitive());
        match ConvolutionBackward(window).prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let [n, rows, columns, _] = x.shape().dims();
                let mut saved = Saved {
                    maps: [n, window.rows_out(rows), columns],
                    x: weight_tracked.then(|| x.clone()),
                    weight: x_tracked.then(|| weight.clone()),
                    function: None,
                };
                let y = match function {
                    // The derivative needs the argument of the function, so that is made first.
                    Some(function) if !function.derivative_from_result() => {
                        let argument = B::convolution(x, weight, bias, window, None);
                        saved.function = Some((function, argument.clone()));
                        B::map(function, argument)
                    }
                    _ => {
                        let y = B::convolution(x, weight, bias, window, function);
                        saved.function = function.map(|function| (function, y.clone()));
                        y
                    }
                };
                prep.finish(saved, y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::convolution(x, weight, bias, window, function)),
        }
    }
}

#[derive(Debug)]
struct ConvolutionBackward(Window);

/// What the backward pass reads: the extents of the result, the factors as far as the other one is differentiated, and the
/// function with its result or argument.
#[derive(Clone, Debug)]
struct Saved<T> {
    maps: [usize; 3],
    x: Option<T>,
    weight: Option<T>,
    function: Option<(Function, T)>,
}

impl<B: ConvolutionOps> Backward<B, 3> for ConvolutionBackward {
    type State = Saved<FloatTensor<B>>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [x_node, weight_node, bias_node] = ops.parents;
        let Saved { maps: [n, rows, columns], x, weight, function } = ops.state;
        let gradient = grads.consume::<B>(&ops.node);
        let (slopes, sums) = match function {
            Some((function, saved)) => B::slopes(function, saved, gradient),
            None => (gradient.clone(), B::sums(gradient)),
        };
        if let Some(node) = bias_node {
            grads.register::<B>(node.id, sums);
        }
        if let (Some(node), Some(x)) = (weight_node, x) {
            grads.register::<B>(node.id, B::convolution_weight_gradient(x, slopes.clone(), self.0));
        }
        if let (Some(node), Some(weight)) = (x_node, weight) {
            let [inputs, n_out] = weight.shape().dims();
            let n_in = inputs / self.0.taps();
            let nothing = B::float_zeros(Shape::from([n_in]), &slopes.device(), slopes.dtype().into());
            let slopes = B::float_reshape(slopes, Shape::from([n, rows, columns, n_out]));
            let weight = portable::reversed::<B>(weight, self.0);
            let adjoint = self.0.adjoint();
            let gradient = B::convolution(slopes, weight, nothing, adjoint, None);
            let rows = adjoint.rows_out(rows);
            let gradient = B::float_reshape(gradient, Shape::from([n, rows, columns, n_in]));
            grads.register::<B>(node.id, gradient);
        }
    }
}
