//! Networks under automatic differentiation: one node for all layers.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, tensor::FloatTensor};

use super::extension::{Functions, NetworkOps, Wanted};
use crate::tensors::Tensors;

impl<B: NetworkOps, C: CheckpointStrategy> NetworkOps for Autodiff<B, C> {
    fn network(
        x: FloatTensor<Self>,
        layers: Tensors<Self>,
        functions: Functions,
    ) -> Option<FloatTensor<Self>> {
        match layers.0.len() {
            4 => tracked::<B, C, 5>(x, layers, functions),
            6 => tracked::<B, C, 7>(x, layers, functions),
            8 => tracked::<B, C, 9>(x, layers, functions),
            _ => None,
        }
    }
}

/// The network as a node with `N` parents: `x`, weights and biases.
fn tracked<B: NetworkOps, C: CheckpointStrategy, const N: usize>(
    x: FloatTensor<Autodiff<B, C>>,
    Tensors(layers): Tensors<Autodiff<B, C>>,
    functions: Functions,
) -> Option<FloatTensor<Autodiff<B, C>>> {
    let nodes: Vec<_> = std::iter::once(&x).chain(&layers).map(|tensor| tensor.node()).collect();
    let Ok(nodes) = <[_; N]>::try_from(nodes) else { unreachable!("as many parents as tensors") };
    let x = x.into_primitive();
    let layers = Tensors(layers.into_iter().map(|tensor| tensor.into_primitive()).collect());
    Some(match NetworkBackward(functions).prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => {
            let (y, saved) = B::network_saved(x.clone(), layers.clone(), functions)?;
            prep.finish((x, layers, saved), y)
        }
        OpsKind::UnTracked(prep) => prep.finish(B::network(x, layers, functions)?),
    })
}

#[derive(Debug)]
struct NetworkBackward(Functions);

impl<B: NetworkOps, const N: usize> Backward<B, N> for NetworkBackward {
    type State = (FloatTensor<B>, Tensors<B>, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let (x, layers, saved) = ops.state;
        let mut parents = ops.parents.into_iter();
        let x_node = parents.next().flatten();
        let of_layers: Vec<_> = parents.collect();
        let wanted = Wanted { layers: of_layers.iter().any(Option::is_some), x: x_node.is_some() };
        let gradients = B::network_backward(x, layers, self.0, saved, gradient, wanted);
        let Some(gradients) = gradients else { unreachable!("a backend with a network has its gradients") };
        let nodes = of_layers.into_iter().filter(|_| wanted.layers).chain([x_node]);
        for (node, gradient) in nodes.zip(gradients) {
            if let Some(node) = node {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}
