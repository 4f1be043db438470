//! Affine couplings under automatic differentiation: one node for network and map.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, tensor::FloatTensor};

use super::extension::{CoupledMap, CouplingOps};
use crate::network::extension::Wanted;
use crate::tensors::Tensors;

impl<B: CouplingOps, C: CheckpointStrategy> CouplingOps for Autodiff<B, C> {
    fn coupled(x: FloatTensor<Self>, layers: Tensors<Self>, map: CoupledMap) -> Option<FloatTensor<Self>> {
        match layers.0.len() {
            4 => tracked::<B, C, 5>(x, layers, map),
            6 => tracked::<B, C, 7>(x, layers, map),
            8 => tracked::<B, C, 9>(x, layers, map),
            _ => None,
        }
    }
}

/// The coupling as a node with `N` parents: `x`, weights and biases.
fn tracked<B: CouplingOps, C: CheckpointStrategy, const N: usize>(
    x: FloatTensor<Autodiff<B, C>>,
    Tensors(layers): Tensors<Autodiff<B, C>>,
    map: CoupledMap,
) -> Option<FloatTensor<Autodiff<B, C>>> {
    let nodes: Vec<_> = std::iter::once(&x).chain(&layers).map(|tensor| tensor.node()).collect();
    let Ok(nodes) = <[_; N]>::try_from(nodes) else { unreachable!("as many parents as tensors") };
    let x = x.into_primitive();
    let layers = Tensors(layers.into_iter().map(|tensor| tensor.into_primitive()).collect());
    Some(match CoupledBackward(map.clone()).prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => {
            let (z, hidden, parameters) = B::coupled_saved(x.clone(), layers.clone(), map)?;
            prep.finish((x, layers, [hidden, parameters]), z)
        }
        OpsKind::UnTracked(prep) => prep.finish(B::coupled(x, layers, map)?),
    })
}

#[derive(Debug)]
struct CoupledBackward(CoupledMap);

impl<B: CouplingOps, const N: usize> Backward<B, N> for CoupledBackward {
    type State = (FloatTensor<B>, Tensors<B>, [FloatTensor<B>; 2]);

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let (x, layers, [hidden, parameters]) = ops.state;
        let mut parents = ops.parents.into_iter();
        let x_node = parents.next().flatten();
        let of_layers: Vec<_> = parents.collect();
        let wanted = Wanted { layers: of_layers.iter().any(Option::is_some), x: true };
        let gradients = B::coupled_backward(x, layers, self.0, hidden, parameters, gradient, wanted);
        let Some(gradients) = gradients else { unreachable!("a backend with couplings has their gradients") };
        let nodes = of_layers.into_iter().filter(|_| wanted.layers).chain([x_node]);
        for (node, gradient) in nodes.zip(gradients) {
            if let Some(node) = node {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}
