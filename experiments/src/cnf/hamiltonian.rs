//! Settings of a continuous flow beside a continuous Hamiltonian.

use anyhow::Result;

use super::{
    CnfRun,
    config::{self, FieldKind},
};
use crate::{
    coordinates::Coordinates,
    hamiltonian::{fit, group},
    made::Widths,
    variational::Symmetrization,
};

/// Steps of a run whose number is left open.
const STEPS: usize = 1000;

/// Fills in the sizes, and checks what can be checked before training.
pub(super) fn settle(config: &mut CnfRun) -> Result<()> {
    let (model, train) = (&mut config.model, &mut config.train);
    let law = fit(&model.system, &mut config.data, &mut model.n_visible, model.n_classes)?;
    model.coordinates = Some(Coordinates::Data);
    model.whitened = Some(false);
    let is_lattice = law.shape.len() > 1;
    let kind = *model.kind.get_or_insert(match is_lattice || law.n_variables() > 2 {
        true => FieldKind::Potential,
        false => FieldKind::Perceptron,
    });
    if kind == FieldKind::Potential {
        model.n_hidden.get_or_insert(Widths::One(if is_lattice { 512 } else { 64 }));
    } else {
        model.n_hidden.get_or_insert(Widths::Many(vec![64, 64]));
        model.invariance = Symmetrization::None;
    }
    model.settle(&law.shape, None);
    train.steps.get_or_insert(STEPS);
    train.settle(2e-3, config::SOLVER_STEPS);
    config::check(model, train, Some(&law.shape))?;
    train.variational.validate()?;
    train.variational.check_images(&group(&law, train.variational.symmetry))?;
    train.variational.check_images(&group(&law, model.invariance))?;
    if train.run.epochs == 0 {
        let steps = train.steps.unwrap_or(STEPS);
        train.run.epochs = steps.div_ceil(train.variational.steps_per_epoch);
    }
    Ok(())
}
