//! Settings of a continuous flow beside a continuous Hamiltonian.

use anyhow::Result;
use gibbs_flow::continuous::LatticeFieldConfig;
use serde::{Deserialize, Serialize};

use super::{
    CnfRun,
    config::{FieldKind, check},
    recipe::Recipe,
};
use crate::{
    cli::Preset,
    coordinates::Coordinates,
    fault::Fault,
    hamiltonian::{fit, group},
    variational::Symmetrization,
};

/// Convolutions as wide as a periodic lattice.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatticeSizes {
    /// Sines of the fields.
    pub features: usize,
    /// Their mixtures, each with a kernel.
    pub channels: usize,
    /// Cosines in time.
    pub waves: usize,
}

impl LatticeSizes {
    /// Sizes to start from.
    pub(super) fn preset(preset: Preset) -> Self {
        match preset {
            Preset::Tiny => Self { features: 2, channels: 1, waves: 2 },
            Preset::Default | Preset::Paper => Self { features: 8, channels: 2, waves: 4 },
        }
    }

    /// The field on a lattice of this shape.
    ///
    /// # Errors
    /// If it has not as many sites as there are variables.
    pub(super) fn field(&self, shape: Option<&[usize]>, width: usize) -> Result<LatticeFieldConfig> {
        let lengths = shape.filter(|shape| shape.iter().product::<usize>() == width).ok_or_else(|| {
            Fault::usage("model.kind = lattice: the examples are no lattice; take model.kind=perceptron")
        })?;
        Ok(LatticeFieldConfig::new(lengths.to_vec())
            .with_features(self.features)
            .with_channels(self.channels)
            .with_frequencies(self.waves))
    }
}

/// Fills in the sizes, and checks what can be checked before training.
pub(super) fn settle(config: &mut CnfRun) -> Result<()> {
    let (model, train) = (&mut config.model, &mut config.train);
    let law = fit(&model.system, &mut config.data, &mut model.n_visible, model.n_classes)?;
    model.coordinates = Some(Coordinates::Data);
    model.whitened = Some(false);
    let is_lattice = law.shape.len() > 1;
    let kind = *model.kind.get_or_insert(match (is_lattice, law.n_variables() > 2) {
        (true, _) => FieldKind::Lattice,
        (false, true) => FieldKind::Potential,
        (false, false) => FieldKind::Perceptron,
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
