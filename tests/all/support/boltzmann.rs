//! RBMs and stacks of them, with parameters of order one.

use burn::{module::Param, prelude::*};
use gibbs_backend::Noise;
pub(crate) use gibbs_boltzmann::AnyRbm;
use gibbs_boltzmann::{Dbn, RbmConfig, units::UnitKind};

use super::parameters::shaken;

/// States of each softmax unit.
pub(crate) const STATES: usize = 3;

/// All pairs of units that an RBM can have.
pub(crate) fn pairs() -> impl Iterator<Item = (UnitKind, UnitKind)> {
    let visible = [UnitKind::Binary, UnitKind::Spin, UnitKind::Softmax, UnitKind::Gaussian];
    let hidden = [UnitKind::Binary, UnitKind::Spin, UnitKind::Gaussian];
    visible.into_iter().flat_map(move |visible| hidden.map(|hidden| (visible, hidden)))
}

/// An RBM of `[visible, hidden]` columns. Weights get smaller with each Gaussian layer: between two of them the joint
/// precision must stay positive definite, so that the norm of the weights is kept near one half.
pub(crate) fn rbm_of(kinds: (UnitKind, UnitKind), sizes: [usize; 2], seed: u64, device: &Device) -> AnyRbm {
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
    shaken(rbm, noise)
}

/// A stack of binary RBMs of these widths, bottom to top, on `flex`; at the top a label of [`STATES`] states if
/// `labeled`; with upward weights of their own, other than the downward ones, if `untied`.
pub(crate) fn stack(widths: &[usize], labeled: bool, untied: bool, seed: u64) -> Dbn {
    let depth = widths.len() - 1;
    let layer = |k: usize| {
        let is_labeled = labeled && k + 1 == depth;
        let visible = if is_labeled { UnitKind::Labeled } else { UnitKind::Binary };
        let sizes = [widths[k] + if is_labeled { STATES } else { 0 }, widths[k + 1]];
        rbm_of((visible, UnitKind::Binary), sizes, 100 * seed + k as u64, &Device::flex())
    };
    let mut dbn = Dbn::new((0..depth).map(layer).collect()).unwrap();
    if untied {
        let mut noise = Noise::new(seed, "recognition");
        dbn = dbn.untied();
        for weight in &mut dbn.recognition {
            let moved = weight.val() + noise.normal(weight.dims(), &Device::flex()) * 0.2;
            *weight = Param::from_tensor(moved);
        }
    }
    dbn
}
