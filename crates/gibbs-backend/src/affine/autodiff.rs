//! Affine layers under automatic differentiation.
//!
//! ```text
//! δ = ∂/∂y ⊙ f'(x·(M⊙W) + b),    ∂/∂b = Σ_rows δ,    ∂/∂W = M⊙(xᵀ·δ),    ∂/∂x = δ·(M⊙W)ᵀ
//! ```

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, tensor::FloatTensor};

use super::extension::AffineOps;
use crate::{Function, Pattern};

impl<B: AffineOps, C: CheckpointStrategy> AffineOps for Autodiff<B, C> {
    fn affine(
        function: Option<Function>,
        pattern: Option<Pattern>,
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let (x_tracked, weight_tracked) = (x.is_tracked(), weight.is_tracked());
        let nodes = [x.node(), weight.node(), bias.node()];
        let (x, weight, bias) = (x.into_primitive(), weight.into_primitive(), bias.into_primitive());
        match AffineBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let mut saved = Saved {
                    x: weight_tracked.then(|| x.clone()),
                    weight: x_tracked.then(|| weight.clone()),
                    pattern: pattern.clone(),
                    function: None,
                };
                let y = match function {
                    // The derivative needs the argument of the function, so that is made first.
                    Some(function) if !function.derivative_from_result() => {
                        let argument = B::affine(None, pattern, x, weight, bias);
                        saved.function = Some((function, argument.clone()));
                        B::map(function, argument)
                    }
                    _ => {
                        let y = B::affine(function, pattern, x, weight, bias);
                        saved.function = function.map(|function| (function, y.clone()));
                        y
                    }
                };
                prep.finish(saved, y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::affine(function, pattern, x, weight, bias)),
        }
    }
}

#[derive(Debug)]
struct AffineBackward;

/// What the backward pass reads: the factors as far as the other one is differentiated, the pattern, and the function
/// with its result or argument.
#[derive(Clone, Debug)]
struct Saved<T> {
    x: Option<T>,
    weight: Option<T>,
    pattern: Option<Pattern>,
    function: Option<(Function, T)>,
}

impl<B: AffineOps> Backward<B, 3> for AffineBackward {
    type State = Saved<FloatTensor<B>>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [x_node, weight_node, bias_node] = ops.parents;
        let Saved { x, weight, pattern, function } = ops.state;
        let gradient = grads.consume::<B>(&ops.node);
        let (slopes, sums) = match function {
            Some((function, saved)) => B::slopes(function, saved, gradient),
            None => (gradient.clone(), B::sums(gradient)),
        };
        if let Some(node) = bias_node {
            grads.register::<B>(node.id, sums);
        }
        if let (Some(node), Some(x)) = (weight_node, x) {
            grads.register::<B>(node.id, B::weight_gradient(pattern.clone(), x, slopes.clone()));
        }
        if let (Some(node), Some(weight)) = (x_node, weight) {
            grads.register::<B>(node.id, B::input_gradient(pattern, slopes, weight));
        }
    }
}
