//! Bounded affine maps under automatic differentiation. Only the operands are stored.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::{Autodiff, tensor::FloatTensor};

use super::Scaling;
use super::extension::ScalingOps;

impl<B: ScalingOps, C: CheckpointStrategy> ScalingOps for Autodiff<B, C> {
    fn scaled(
        x: FloatTensor<Self>,
        parameters: FloatTensor<Self>,
        scaling: Scaling,
    ) -> Option<FloatTensor<Self>> {
        let nodes = [x.node(), parameters.node()];
        let (x, parameters) = (x.into_primitive(), parameters.into_primitive());
        let z = B::scaled(x.clone(), parameters.clone(), scaling.clone())?;
        Some(match ScaledBackward(scaling).prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish([x, parameters], z),
            OpsKind::UnTracked(prep) => prep.finish(z),
        })
    }

    fn log_scale_sums(parameters: FloatTensor<Self>, bound: f64) -> Option<FloatTensor<Self>> {
        let nodes = [parameters.node()];
        let parameters = parameters.into_primitive();
        let sums = B::log_scale_sums(parameters.clone(), bound)?;
        Some(match SumsBackward(bound).prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(parameters, sums),
            OpsKind::UnTracked(prep) => prep.finish(sums),
        })
    }
}

#[derive(Debug)]
struct ScaledBackward(Scaling);

impl<B: ScalingOps> Backward<B, 2> for ScaledBackward {
    type State = [FloatTensor<B>; 2];

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [x, parameters] = ops.state;
        let gradient = grads.consume::<B>(&ops.node);
        let Some((x, parameters)) = B::scaled_backward(x, parameters, gradient, self.0) else {
            unreachable!("a backend with the map has its gradients")
        };
        for (node, gradient) in ops.parents.into_iter().zip([x, parameters]) {
            if let Some(node) = node {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
struct SumsBackward(f64);

impl<B: ScalingOps> Backward<B, 1> for SumsBackward {
    type State = FloatTensor<B>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let parameters = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |gradient| {
            let Some(gradient) = B::log_scale_sums_backward(parameters, gradient, self.0) else {
                unreachable!("a backend with the sums has their gradient")
            };
            gradient
        });
    }
}
