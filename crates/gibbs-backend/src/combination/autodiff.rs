//! Linear combinations under automatic differentiation: one node, whose backward pass scales the gradient for each term.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, tensor::FloatTensor};

use super::extension::{CombinationOps, portable};
use crate::tensors::Tensors;

impl<B: CombinationOps, C: CheckpointStrategy> CombinationOps for Autodiff<B, C> {
    fn combination(tensors: Tensors<Self>, weights: Vec<f64>, with_start: bool) -> FloatTensor<Self> {
        match tensors.0.len() {
            2 => tracked::<B, C, 2>(tensors, weights, with_start),
            3 => tracked::<B, C, 3>(tensors, weights, with_start),
            4 => tracked::<B, C, 4>(tensors, weights, with_start),
            5 => tracked::<B, C, 5>(tensors, weights, with_start),
            6 => tracked::<B, C, 6>(tensors, weights, with_start),
            7 => tracked::<B, C, 7>(tensors, weights, with_start),
            8 => tracked::<B, C, 8>(tensors, weights, with_start),
            _ => portable::<Self>(tensors, weights, with_start),
        }
    }
}

fn tracked<B: CombinationOps, C: CheckpointStrategy, const N: usize>(
    Tensors(tensors): Tensors<Autodiff<B, C>>,
    weights: Vec<f64>,
    with_start: bool,
) -> FloatTensor<Autodiff<B, C>> {
    let nodes: Vec<_> = tensors.iter().map(|tensor| tensor.node()).collect();
    let Ok(nodes) = <[_; N]>::try_from(nodes) else { unreachable!("as many parents as tensors") };
    let inner = Tensors(tensors.into_iter().map(|tensor| tensor.into_primitive()).collect());
    match CombinationBackward.prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => {
            let sum = B::combination(inner, weights.clone(), with_start);
            let start = with_start.then_some(1.0);
            prep.finish(start.into_iter().chain(weights).collect(), sum)
        }
        OpsKind::UnTracked(prep) => prep.finish(B::combination(inner, weights, with_start)),
    }
}

#[derive(Debug)]
struct CombinationBackward;

impl<B: CombinationOps, const N: usize> Backward<B, N> for CombinationBackward {
    /// The weight of each parent.
    type State = Vec<f64>;

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        for (node, weight) in ops.parents.into_iter().zip(ops.state) {
            if let Some(node) = node {
                let own = match weight {
                    1.0 => gradient.clone(),
                    _ => B::float_mul_scalar(gradient.clone(), weight.into()),
                };
                grads.register::<B>(node.id, own);
            }
        }
    }
}
