//! Affine couplings as one operation.

mod autodiff;
#[allow(unused_variables, reason = "the default methods have no kernel and do not read their arguments")]
pub(crate) mod extension;
#[cfg(feature = "flex")]
mod flex;

use std::sync::Arc;

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::Function;
use crate::network::extension::Functions;
use crate::network::tensors;
use extension::{CoupledMap, CouplingOps};

/// Columns of a [`coupled`] matrix in blocks of one shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Couple {
    /// Number of blocks, at least 1.
    pub blocks: usize,
    /// The columns that the network reads, block by block, at least one in each.
    pub kept: Arc<[usize]>,
    /// The columns that are changed, block by block, at least one in each. No column occurs twice in both lists together.
    pub changed: Arc<[usize]>,
    /// Bound `S` of the logarithms of the scales, above 0.
    pub bound: f64,
    /// Whether the inverse is applied.
    pub inverse: bool,
}

/// Affine couplings of all blocks of columns of `x [n, D + 1]` at once, whose last column is a log-determinant. `None` if the device has
/// no kernel for it, or the network is not one of two to four small layers with relu, tanh or silu.
///
/// ```text
/// for each block:   (t, a) = network(x_A),   s = S·tanh(a/S),   z_B = x_B ⊙ e^s + t,       ladj += Σ s
/// or the inverse:   (t, a) = network(z_A),                      x_B = (z_B - t) ⊙ e^-s,    ladj -= Σ s
/// ```
///
/// `A` are the kept columns of a block and `B` the changed ones. The network has weights `W_l [in, out]` and biases `b_l [out]`, as for
/// [`network`](crate::network()), and gives the shifts `t` of all changed columns, then the `a` of all. All blocks share it. On `flex`,
/// in f32 and f64, a block of rows passes through the network and the map while it is in the cache, forward and backward. The result
/// does not depend on the number of threads.
///
/// # Panics
///
/// If the lists do not fit the blocks, the network, or `x`.
pub fn coupled(
    x: Tensor<2>,
    layers: &[(Tensor<2>, Tensor<1>)],
    function: Function,
    couple: &Couple,
) -> Option<Tensor<2>> {
    let (n_kept, n_changed) = (couple.kept.len() / couple.blocks, couple.changed.len() / couple.blocks);
    let fits =
        n_kept * couple.blocks == couple.kept.len() && n_changed * couple.blocks == couple.changed.len();
    assert!(fits && n_kept > 0 && n_changed > 0, "coupled: columns of {} blocks: {couple:?}", couple.blocks);
    let [_, width] = x.dims();
    let largest = couple.kept.iter().chain(couple.changed.iter()).max();
    assert!(largest.is_some_and(|&column| column + 1 < width), "coupled: column {largest:?} of {width}");
    let [first, .., last] = layers else { return None };
    let (found, expected) = ([first.0.dims()[0], last.1.dims()[0]], [n_kept, 2 * n_changed]);
    assert_eq!(found, expected, "coupled: inputs and outputs of the network of a block");
    if x.dims()[0] == 0
        || layers.len() > crate::network::DEEPEST
        || !layers.iter().all(crate::network::is_small)
    {
        return None;
    }
    let layers = tensors(x.dtype(), n_kept, layers)?;
    let functions = Functions { hidden: function, at_last: false };
    let map = CoupledMap { couple: couple.clone(), functions };
    <Dispatch as CouplingOps>::coupled(x.into_dispatch(), layers, map).map(Tensor::from_dispatch)
}

#[cfg(test)]
#[cfg(feature = "flex")]
mod tests;
