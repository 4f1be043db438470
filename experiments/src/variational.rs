//! Settings of training by the variational bound of a Hamiltonian, whatever the sampler.

use anyhow::Result;
use gibbs_core::symmetry::SymmetryGroup;
use serde::{Deserialize, Serialize};

use crate::{
    boltzmann::{check_counts, check_part},
    fault::Fault,
};

/// Fewest and most draws by which a sampler is measured, unless its settings say otherwise: the error of a mean is then between
/// 1/16 and 1/140 of the spread.
const DRAWS: (usize, usize) = (250, 20_000);

/// Images of an example up to which a sampler can be trained on all of them.
const MOST_IMAGES: usize = 512;

/// Under which symmetries of the Hamiltonian a sampler is averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Symmetrization {
    /// None.
    None,
    /// The reversal of all signs.
    Reversal,
    /// The reversal, and the translations, rotations and reflections of the lattice.
    Lattice,
}

/// Training on a Hamiltonian; meant to be flattened into the `train` section of a configuration.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Variational {
    /// Steps of an epoch where there are no data.
    pub steps_per_epoch: usize,
    /// Part of the run over which the inverse temperature rises from zero to its value; `null` takes what the sampler needs.
    pub annealing: Option<f64>,
    /// Symmetries of the sampler in training, each of whose images costs as much as a pass.
    pub symmetry: Symmetrization,
    /// Draws by which the trained sampler is measured; `null` takes the fewer the more symmetries it has.
    pub samples: Option<usize>,
    /// Draws of a measurement along the way.
    pub valid_samples: usize,
}

impl Variational {
    /// With this part of the run to anneal in, and these symmetries.
    pub fn new(annealing: f64, symmetry: Symmetrization) -> Self {
        Self {
            steps_per_epoch: 100,
            annealing: Some(annealing),
            symmetry,
            samples: None,
            valid_samples: 1000,
        }
    }

    /// Checks what does not depend on the Hamiltonian.
    ///
    /// # Errors
    /// A count of zero, or a part outside \[0, 1\], by name.
    pub fn validate(&self) -> Result<()> {
        check_counts(&[
            ("train.steps_per_epoch", self.steps_per_epoch),
            ("train.samples", self.samples.unwrap_or(1)),
            ("train.valid_samples", self.valid_samples),
        ])?;
        match self.annealing {
            None | Some(1.0) => Ok(()),
            Some(part) => check_part("train.annealing", part),
        }
    }

    /// Whether a sampler can be trained under a group.
    ///
    /// # Errors
    /// More images than that.
    pub fn check_images(&self, group: &SymmetryGroup) -> Result<()> {
        let images = group.order();
        if images <= MOST_IMAGES {
            return Ok(());
        }
        Err(Fault::usage(format!(
            "train.symmetry: each draw has {images} images, more than {MOST_IMAGES}; take reversal (model.symmetry averages over \
             all of them when the trained model is measured)"
        )))
    }

    /// The inverse temperature of a step as a part of the last one.
    pub fn annealed(&self, step: usize, total_steps: usize) -> f64 {
        let rise = self.annealing.unwrap_or(0.0) * total_steps as f64;
        ((step + 1) as f64 / rise).min(1.0)
    }

    /// Draws by which a sampler with so many symmetries is measured, where so many images can be looked at.
    pub fn draws(&self, images: usize, symmetries: usize) -> usize {
        self.samples.unwrap_or((images / symmetries).clamp(DRAWS.0, DRAWS.1))
    }
}
