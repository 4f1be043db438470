//! A sampler beside a continuous Hamiltonian: what is to be learned, and the figures.

use std::sync::Arc;

use anyhow::Result;
use gibbs_backend::Noise;
use gibbs_core::{
    LogProb, Sample,
    symmetry::{Symmetrized, SymmetryGroup},
    variational::Draws,
};
use gibbs_data::Binarization;
use gibbs_physics::system::{ContinuousSystemConfig, TargetDensity};

use crate::{
    config::DataConfig,
    evaluation::Evaluation,
    fault::Fault,
    free_energy::{self, FreeEnergy},
    system::{self, HAMILTONIAN},
    variational::{Symmetrization, Variational},
};

/// Images under the symmetries that are looked at when a sampler is measured, unless its settings say otherwise: a minute for
/// those of a lattice.
pub const IMAGES: usize = 1_000_000;

/// Draws whose images under the group pass through the sampler together with each other.
pub const AT_ONCE: usize = 500;

/// Whether a run on data of this name is given a Hamiltonian instead.
pub fn is_variational(data: &str) -> bool {
    data == HAMILTONIAN
}

/// Fills in shape and width of a run on a Hamiltonian.
///
/// # Errors
/// Another width, classes, or a system that cannot be built.
pub fn fit(
    system: &ContinuousSystemConfig,
    data: &mut DataConfig,
    n_visible: &mut Option<usize>,
    n_classes: usize,
) -> Result<TargetDensity> {
    let law = system.build().map_err(system::refuse)?;
    data.binarization.get_or_insert(Binarization::None);
    data.shape.get_or_insert_with(|| law.shape.clone());
    let width = law.n_variables();
    if let Some(n) = n_visible.replace(width).filter(|n| *n != width) {
        return Err(Fault::usage(format!(
            "model.n_visible = {n}: {} has {width} variables",
            system.describe()
        )));
    }
    match n_classes {
        0 => Ok(law),
        n => Err(Fault::usage(format!("model.n_classes = {n}: a Hamiltonian has no classes"))),
    }
}

/// The symmetries of a law that are asked for.
pub fn group(law: &TargetDensity, symmetrization: Symmetrization) -> SymmetryGroup {
    match symmetrization {
        Symmetrization::None => SymmetryGroup::trivial(law.n_variables()),
        Symmetrization::Reversal => law.group(false),
        Symmetrization::Lattice => law.group(true),
    }
}

/// What a sampler is to be like.
#[derive(Clone, Debug)]
pub struct Target {
    /// The law.
    pub law: TargetDensity,
    /// The group under which the sampler is averaged.
    pub group: Arc<SymmetryGroup>,
}

impl Target {
    /// The law of a system, with the symmetries asked for.
    ///
    /// # Errors
    /// A system that cannot be built.
    pub fn new(system: &ContinuousSystemConfig, symmetrization: Symmetrization) -> Result<Self> {
        let law = system.build().map_err(system::refuse)?;
        let group = Arc::new(group(&law, symmetrization));
        Ok(Self { law, group })
    }

    /// How figures are made of draws.
    pub fn free_energy(&self) -> FreeEnergy {
        let law = &self.law;
        FreeEnergy {
            n_sites: law.n_variables(),
            unit: law.unit,
            log_z_offset: law.log_z_offset,
            symmetries: self.group.order(),
            exact: law.exact,
        }
    }

    /// `model` averaged over the group.
    pub fn symmetrized<M>(&self, model: M) -> Symmetrized<M> {
        Symmetrized::new(model, self.group.clone())
    }

    /// Draws of the model with its symmetries.
    pub fn draws<M: LogProb + Sample + Clone>(&self, model: &M, n: usize, noise: &mut Noise) -> Draws {
        Draws::from_model(&self.symmetrized(model.clone()), &self.law.potential, n, AT_ONCE, noise, |_| ())
    }

    /// What the model's draws tell about the Hamiltonian, beside exact values where there are any.
    pub fn evaluate<M: LogProb + Sample + Clone>(
        &self,
        model: &M,
        variational: &Variational,
        seed: u64,
    ) -> Evaluation {
        let noise = &mut Noise::new(seed, "eval");
        let draws = self.draws(model, variational.draws(IMAGES, self.group.order()), noise);
        let mut evaluation = Evaluation::default();
        self.free_energy().add(&draws, &mut evaluation);
        free_energy::add_sampling(&draws, &draws.markov_chain(noise), &mut evaluation);
        evaluation
    }
}
