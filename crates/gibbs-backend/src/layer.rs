//! Layers `y = f(L(x, W) + b)` under automatic differentiation, where `L` is linear in `x` and in `W`.
//!
//! ```text
//! δ = ∂/∂y ⊙ f'(L(x, W) + b),    ∂/∂b = Σ_rows δ
//! ```

use std::fmt::Debug;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, tensor::FloatTensor};

use crate::Function;
use crate::affine::extension::AffineOps;

/// A bilinear map `L(x, W)` with its gradients.
pub(crate) trait Bilinear<B: AffineOps>: Clone + Debug + Send + 'static {
    /// `f(L(x, W) + b)` of `x`, `W` and `b`.
    fn layer(self, function: Option<Function>, operands: [FloatTensor<B>; 3]) -> FloatTensor<B>;

    /// The gradient of `W` from `δ`.
    fn weight_gradient(self, x: FloatTensor<B>, slopes: FloatTensor<B>) -> FloatTensor<B>;

    /// The gradient of `x` from `δ`.
    fn input_gradient(self, slopes: FloatTensor<B>, weight: FloatTensor<B>) -> FloatTensor<B>;
}

/// The layer as a node of the graph.
pub(crate) fn tracked<L: Bilinear<B>, B: AffineOps, C: CheckpointStrategy>(
    map: L,
    function: Option<Function>,
    [x, weight, bias]: [FloatTensor<Autodiff<B, C>>; 3],
) -> FloatTensor<Autodiff<B, C>> {
    let (x_tracked, weight_tracked) = (x.is_tracked(), weight.is_tracked());
    let nodes = [x.node(), weight.node(), bias.node()];
    let (x, weight, bias) = (x.into_primitive(), weight.into_primitive(), bias.into_primitive());
    match LayerBackward(map.clone()).prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => {
            let mut saved = Saved {
                x: weight_tracked.then(|| x.clone()),
                weight: x_tracked.then(|| weight.clone()),
                function: None,
            };
            let y = match function {
                // The derivative needs the argument of the function.
                Some(function) if !function.derivative_from_result() => {
                    let argument = map.layer(None, [x, weight, bias]);
                    saved.function = Some((function, argument.clone()));
                    B::map(function, argument)
                }
                _ => {
                    let y = map.layer(function, [x, weight, bias]);
                    saved.function = function.map(|function| (function, y.clone()));
                    y
                }
            };
            prep.finish(saved, y)
        }
        OpsKind::UnTracked(prep) => prep.finish(map.layer(function, [x, weight, bias])),
    }
}

#[derive(Debug)]
struct LayerBackward<L>(L);

/// What the backward pass reads: each factor if the other one has a gradient, and the function with its result or argument.
#[derive(Clone, Debug)]
struct Saved<T> {
    x: Option<T>,
    weight: Option<T>,
    function: Option<(Function, T)>,
}

impl<L: Bilinear<B>, B: AffineOps> Backward<B, 3> for LayerBackward<L> {
    type State = Saved<FloatTensor<B>>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [x_node, weight_node, bias_node] = ops.parents;
        let Saved { x, weight, function } = ops.state;
        let gradient = grads.consume::<B>(&ops.node);
        let (slopes, sums) = match function {
            Some((function, saved)) => B::slopes(function, saved, gradient),
            None => (gradient.clone(), B::sums(gradient)),
        };
        if let Some(node) = bias_node {
            grads.register::<B>(node.id, sums);
        }
        if let (Some(node), Some(x)) = (weight_node, x) {
            grads.register::<B>(node.id, self.0.clone().weight_gradient(x, slopes.clone()));
        }
        if let (Some(node), Some(weight)) = (x_node, weight) {
            grads.register::<B>(node.id, self.0.input_gradient(slopes, weight));
        }
    }
}
