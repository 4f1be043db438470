//! Boltzmann machines with parameters of order one.

use burn::{
    module::{Module, ModuleMapper, Param},
    prelude::*,
};
use gibbs_backend::Noise;
pub(crate) use gibbs_boltzmann::AnyRbm;
use gibbs_boltzmann::{RbmConfig, units::UnitKind};

/// States of each softmax unit.
pub(crate) const STATES: usize = 3;

/// All pairs of units that a machine can have.
pub(crate) fn pairs() -> impl Iterator<Item = (UnitKind, UnitKind)> {
    let visible = [UnitKind::Binary, UnitKind::Spin, UnitKind::Softmax, UnitKind::Gaussian];
    let hidden = [UnitKind::Binary, UnitKind::Spin, UnitKind::Gaussian];
    visible.into_iter().flat_map(move |visible| hidden.map(|hidden| (visible, hidden)))
}

/// A machine of `[visible, hidden]` columns. Weights get smaller with each Gaussian layer: between two of them the joint
/// precision must stay positive definite, so that the norm of the weights is kept near one half.
pub(crate) fn machine(kinds: (UnitKind, UnitKind), sizes: [usize; 2], seed: u64, device: &Device) -> AnyRbm {
    let gaussian = [kinds.0, kinds.1].iter().filter(|kind| **kind == UnitKind::Gaussian).count();
    // The largest singular value of a matrix of independent normal numbers is near √rows + √columns.
    let norm: f64 = sizes.iter().map(|&size| (size as f64).sqrt()).sum();
    let config = RbmConfig::new(sizes[0], sizes[1])
        .with_visible(kinds.0)
        .with_hidden(kinds.1)
        .with_states(STATES)
        .with_weight_std([1.0, 0.5, 0.5 / norm][gaussian]);
    let mut noise = Noise::new(seed, "machine");
    let rbm = config.init(device, &mut noise).unwrap();
    rbm.map(&mut Shake(noise))
}

/// Moves every vector of a module, the biases, by normal numbers.
struct Shake(Noise);

impl ModuleMapper for Shake {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let moved = match D {
            1 => tensor.clone() + self.0.normal(tensor.dims(), &tensor.device()) * 0.4,
            _ => tensor,
        };
        Param::from_mapped_value(id, moved, mapper)
    }
}
