//! Settings of a flow beside a continuous Hamiltonian.

use anyhow::Result;
use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::hmc::{DualAveraging, Hmc, HmcState};
use gibbs_flow::{CouplingMask, Flow};
use gibbs_physics::system::ContinuousKind;

use super::{
    RealNvpRun,
    config::{self, RealNvpModel},
    kind::FlowKind,
};
use crate::{
    coordinates::Coordinates,
    hamiltonian::{self, Target},
    made::Widths,
};

/// Steps of a run whose number is left open: a minute for laws of the plane, eight for 16×16 dual fields.
const STEPS: usize = 4000;

/// Fields to which normalizations are fitted before training: their standard deviations are then known to `1/√(2·512)`, 3 %.
const FIELDS: usize = 512;

/// Trajectories by which they come from a constant field, and steps of each: enough for all but the longest waves.
const TRAJECTORIES: usize = 60;
const LEAPFROGS: usize = 10;

/// Acceptance of trajectories at which step sizes are most efficient (Neal 2011, section 5.4.4.3).
const ACCEPTANCE: f64 = 0.65;

/// Fills in the sizes, and checks what can be checked before training.
pub(super) fn settle(config: &mut RealNvpRun) -> Result<()> {
    let (model, train) = (&mut config.model, &mut config.train);
    let law = hamiltonian::fit(&model.system, &mut config.data, &mut model.n_visible, model.n_classes)?;
    let width = law.n_variables();
    model.coordinates = Some(Coordinates::Data);
    model.whitened = Some(false);
    if let [rows, columns] = law.shape[..] {
        model.mask.get_or_insert(CouplingMask::Checkerboard { rows, columns });
    }
    if model.system.kind == ContinuousKind::HarmonicChain {
        model.kind.get_or_insert(FlowKind::Realnvp);
        model.n_layers.get_or_insert(2);
        model.n_hidden.get_or_insert(Widths::One(32));
        model.linear.get_or_insert(true);
    }
    if law.shape.len() == 2 {
        let kind = *model.kind.get_or_insert(FlowKind::Lattice);
        if kind == FlowKind::Lattice {
            model.n_layers.get_or_insert(4);
            model.n_hidden.get_or_insert(Widths::Many(vec![64, 64]));
            model.linear.get_or_insert(false);
        }
    }
    if law.shape.len() > 1 {
        model.kind.get_or_insert(FlowKind::Realnvp);
        model.n_layers.get_or_insert(4);
        model.n_hidden.get_or_insert(Widths::One(256));
        model.linear.get_or_insert(true);
    }
    if width == 2 {
        model.kind.get_or_insert(FlowKind::Spline);
        model.n_layers.get_or_insert(6);
        model.n_hidden.get_or_insert(Widths::Many(vec![64, 64]));
    }
    model.settle();
    let steps = *train.steps.get_or_insert(STEPS);
    config::check(model, train)?;
    let variational = train.variational;
    variational.validate()?;
    variational.check_images(&hamiltonian::group(&law, variational.symmetry))?;
    if train.run.epochs == 0 {
        train.run.epochs = steps.div_ceil(variational.steps_per_epoch);
    }
    config::check_flow(model)
}

/// Whether the flow has normalizations that are fitted to fields before training.
pub(super) fn starts_from_fields(model: &RealNvpModel) -> bool {
    model.act_norm == Some(true) || model.kind == Some(FlowKind::Lattice)
}

/// The flow with its normalizations fitted to fields of Hamiltonian Monte Carlo that have not forgotten where they began, so
/// that they show the scales of the law but need not be draws of it. Where the flow is averaged over both signs, fields with
/// negative mean are turned around: it begins as one half of the law.
pub(super) fn fitted(flow: Flow, target: &Target, device: &Device, noise: &mut Noise) -> Flow {
    let potential = &target.law.potential;
    let mut sizes = DualAveraging::new(0.1, ACCEPTANCE);
    let hmc = Hmc::new(sizes.trial(), LEAPFROGS).with_jitter(0.2);
    let mut state = HmcState::new(potential, Tensor::ones([FIELDS, target.law.n_variables()], device));
    for _ in 0..TRAJECTORIES {
        let (next, transition) = hmc.with_step_size(sizes.trial()).step(potential, state, noise);
        state = next;
        sizes.update(transition.acceptance().into_scalar::<f64>());
    }
    let x = state.x().clone();
    let turns = target.group.elements().iter().any(|g| g.negates());
    let x = if turns { x.clone() * x.mean_dim(1).sign() } else { x };
    flow.fitted(x, None)
}
