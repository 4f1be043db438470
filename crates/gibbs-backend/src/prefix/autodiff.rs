//! Networks on prefixes under automatic differentiation. Only the operands are stored.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, tensor::FloatTensor};

use super::extension::PrefixOps;
use super::portable::Layers;

impl<B: PrefixOps, C: CheckpointStrategy> PrefixOps for Autodiff<B, C> {
    fn prefix_networks(
        start: FloatTensor<Self>,
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        v: FloatTensor<Self>,
        b: FloatTensor<Self>,
        layers: Layers,
    ) -> FloatTensor<Self> {
        let nodes = [start.node(), x.node(), w.node(), v.node(), b.node()];
        let [start, x, w, v, b] = [start, x, w, v, b].map(|operand| operand.into_primitive());
        match PrefixBackward(layers).prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let saved = [start.clone(), x.clone(), w.clone(), v.clone()];
                prep.finish(saved, B::prefix_networks(start, x, w, v, b, layers))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::prefix_networks(start, x, w, v, b, layers)),
        }
    }
}

#[derive(Debug)]
struct PrefixBackward(Layers);

impl<B: PrefixOps> Backward<B, 5> for PrefixBackward {
    type State = [FloatTensor<B>; 4];

    fn backward(self, ops: Ops<Self::State, 5>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [start_node, x_node, w_node, v_node, b_node] = ops.parents;
        let [start, x, w, v] = ops.state;
        let gradient = grads.consume::<B>(&ops.node);
        if let Some(node) = b_node {
            grads.register::<B>(node.id, B::sums(gradient.clone()));
        }
        let (start, x, w, v) =
            B::prefix_networks_backward(start, x, w, v, gradient, self.0, x_node.is_some());
        for (node, gradient) in [(start_node, Some(start)), (x_node, x), (w_node, Some(w)), (v_node, Some(v))]
        {
            if let (Some(node), Some(gradient)) = (node, gradient) {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}
