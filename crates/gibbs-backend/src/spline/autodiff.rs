//! Splines under automatic differentiation. Only the operands are stored.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, tensor::FloatTensor};

use super::extension::{Pass, SplineOps};

impl<B: SplineOps, C: CheckpointStrategy> SplineOps for Autodiff<B, C> {
    fn spline(x: FloatTensor<Self>, parameters: FloatTensor<Self>, pass: Pass) -> Option<FloatTensor<Self>> {
        let nodes = [x.node(), parameters.node()];
        let (x, parameters) = (x.into_primitive(), parameters.into_primitive());
        let result = B::spline(x.clone(), parameters.clone(), pass)?;
        Some(match SplineBackward(pass).prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish([x, parameters], result),
            OpsKind::UnTracked(prep) => prep.finish(result),
        })
    }
}

#[derive(Debug)]
struct SplineBackward(Pass);

impl<B: SplineOps> Backward<B, 2> for SplineBackward {
    type State = [FloatTensor<B>; 2];

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [x, parameters] = ops.state;
        let gradient = grads.consume::<B>(&ops.node);
        let Some((x, parameters)) = B::spline_backward(x, parameters, gradient, self.0) else {
            unreachable!("a backend with a spline has its gradients")
        };
        for (node, gradient) in ops.parents.into_iter().zip([x, parameters]) {
            if let Some(node) = node {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}
