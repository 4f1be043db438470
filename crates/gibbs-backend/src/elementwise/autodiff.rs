//! Element-wise operations under automatic differentiation.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, binary, unary};
use burn::backend::{Autodiff, AutodiffBackend, tensor::FloatTensor};

use super::extension::ElementwiseOps;
use super::function::{BernoulliParam, Function};
use super::portable::column;
use crate::noise::philox::Cursor;

impl<B: ElementwiseOps, C: CheckpointStrategy> ElementwiseOps for Autodiff<B, C> {
    fn map(function: Function, x: FloatTensor<Self>) -> FloatTensor<Self> {
        match MapBackward(function).prepare::<C>([x.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let x = x.into_primitive();
                if function.derivative_from_result() {
                    let y = B::map(function, x);
                    prep.finish(y.clone(), y)
                } else {
                    prep.finish(x.clone(), B::map(function, x))
                }
            }
            OpsKind::UnTracked(prep) => prep.finish(B::map(function, x.into_primitive())),
        }
    }

    fn bce_rows(logits: FloatTensor<Self>, targets: FloatTensor<Self>) -> FloatTensor<Self> {
        let nodes = [logits.node(), targets.node()];
        let (x, t) = (logits.into_primitive(), targets.into_primitive());
        match BceRowsBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x.clone(), t.clone()), B::bce_rows(x, t)),
            OpsKind::UnTracked(prep) => prep.finish(B::bce_rows(x, t)),
        }
    }

    fn bernoulli(param: BernoulliParam, x: FloatTensor<Self>, cursor: Cursor) -> FloatTensor<Self> {
        Self::from_inner(B::bernoulli(param, x.into_primitive(), cursor))
    }
}

#[derive(Debug)]
struct MapBackward(Function);

impl<B: ElementwiseOps> Backward<B, 1> for MapBackward {
    type State = FloatTensor<B>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let saved = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |gradient| B::map_backward(self.0, saved, gradient));
    }
}

#[derive(Debug)]
struct BceRowsBackward;

impl<B: ElementwiseOps> Backward<B, 2> for BceRowsBackward {
    type State = (FloatTensor<B>, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (logits, targets) = ops.state;
        // With a second owner the backward pass could not write in place.
        let x = ops.parents[1].is_some().then(|| logits.clone());
        binary::<B, _, _>(
            ops.parents,
            ops.node,
            grads,
            |gradient| B::bce_rows_backward(logits, targets, gradient),
            |gradient| match x {
                Some(x) => B::float_neg(B::float_mul(x, column::<B>(gradient))),
                None => gradient,
            },
        );
    }
}
