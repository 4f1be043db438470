//! Settings of a continuous flow beside a continuous Hamiltonian.

use anyhow::Result;

use super::{
    CnfRun,
    config::{FieldKind, check},
    recipe::Recipe,
};
use crate::{
    coordinates::Coordinates,
    hamiltonian::{fit, group},
    variational::Symmetrization,
};

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
    if kind != FieldKind::Potential {
        model.invariance = Symmetrization::None;
    }
    let recipe = Recipe::of_hamiltonian(kind, is_lattice);
    recipe.settle_model(model, None);
    recipe.settle_train(train);
    check(model, train, Some(&law.shape))?;
    train.variational.validate()?;
    train.variational.check_images(&group(&law, train.variational.symmetry))?;
    train.variational.check_images(&group(&law, model.invariance))?;
    if train.run.epochs == 0 {
        let steps = train.steps.unwrap_or(recipe.steps);
        train.run.epochs = steps.div_ceil(train.variational.steps_per_epoch);
    }
    Ok(())
}
