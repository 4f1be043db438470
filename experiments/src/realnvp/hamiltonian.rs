//! Settings of a flow beside a continuous Hamiltonian.

use anyhow::Result;
use gibbs_flow::CouplingMask;

use super::{
    RealNvpRun,
    config::{self, RealNvpModel},
    kind::FlowKind,
};
use crate::{coordinates::Coordinates, hamiltonian, made::Widths, system::ContinuousKind};

/// Steps of a run whose number is left open: a minute for laws of the plane, eight for 16×16 dual fields.
const STEPS: usize = 4000;

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
