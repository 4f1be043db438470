//! A flow beside a continuous Hamiltonian: settings, what is to be learned, and the figures.

use std::sync::Arc;

use anyhow::{Context, Result};
use gibbs_backend::Noise;
use gibbs_core::{
    symmetry::{Symmetrized, SymmetryGroup},
    variational::Draws,
};
use gibbs_data::Binarization;
use gibbs_flow::{CouplingMask, Flow};
use serde::{Deserialize, Serialize};

use super::{
    RealNvpRun,
    config::{self, Coordinates, FlowKind},
};
use crate::{
    boltzmann::{check_counts, check_part},
    evaluation::Evaluation,
    fault::Fault,
    free_energy::{self, FreeEnergy},
    made::Widths,
    system::{ContinuousKind, HAMILTONIAN, Law},
    van::Symmetrization,
};

/// Images under the symmetries that are looked at when a flow is measured, unless its settings say otherwise: a minute for those
/// of a lattice.
const IMAGES: usize = 1_000_000;

/// Fewest and most draws for that.
const DRAWS: (usize, usize) = (1000, 20_000);

/// Steps of a run whose number is left open: a minute for laws of the plane, ten for 16×16 dual fields.
const STEPS: usize = 4000;

/// Images of an example up to which a flow can be trained on all of them.
const MOST_IMAGES: usize = 512;

/// Draws whose images under the group pass through the flow together with each other.
const AT_ONCE: usize = 500;

/// Training on a Hamiltonian.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Variational {
    /// Steps of an epoch where there are no data.
    pub steps_per_epoch: usize,
    /// Part of the run over which the energy rises from zero to its value.
    pub annealing: f64,
    /// Symmetries of the flow in training, each of whose images costs as much as a pass.
    pub symmetry: Symmetrization,
    /// Draws by which the trained flow is measured; `null` takes the fewer the more symmetries it has.
    pub samples: Option<usize>,
    /// Draws of a measurement along the way.
    pub valid_samples: usize,
}

impl Default for Variational {
    fn default() -> Self {
        Self {
            steps_per_epoch: 100,
            annealing: 0.2,
            symmetry: Symmetrization::Reversal,
            samples: None,
            valid_samples: 1000,
        }
    }
}

impl Variational {
    /// The energy of a step as a part of the last one.
    pub(super) fn annealed(&self, step: usize, total_steps: usize) -> f64 {
        let rise = self.annealing * total_steps as f64;
        ((step + 1) as f64 / rise).min(1.0)
    }
}

/// Whether a run is given a Hamiltonian, and not data.
pub(super) fn is_variational(config: &RealNvpRun) -> bool {
    config.data.name == HAMILTONIAN
}

/// Fills in the sizes, and checks what can be checked before training.
pub(super) fn settle(config: &mut RealNvpRun) -> Result<()> {
    let law = config.model.system.build()?;
    let (model, train) = (&mut config.model, &mut config.train);
    config.data.binarization.get_or_insert(Binarization::None);
    config.data.shape.get_or_insert_with(|| law.shape.clone());
    let width = law.n_variables();
    if let Some(n) = model.n_visible.replace(width).filter(|n| *n != width) {
        return Err(Fault::usage(format!(
            "model.n_visible = {n}: {} has {width} variables",
            model.system.describe()
        )));
    }
    if model.n_classes > 0 {
        return Err(Fault::usage(format!(
            "model.n_classes = {}: a Hamiltonian has no classes",
            model.n_classes
        )));
    }
    model.coordinates = Some(Coordinates::Data);
    if let [rows, columns] = law.shape[..] {
        model.mask.get_or_insert(CouplingMask::Checkerboard { rows, columns });
    }
    if model.system.kind == ContinuousKind::HarmonicChain {
        model.kind.get_or_insert(FlowKind::Realnvp);
        model.n_layers.get_or_insert(2);
        model.n_hidden.get_or_insert(Widths::One(32));
        model.linear.get_or_insert(true);
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
    let variational = &train.variational;
    check_counts(&[
        ("train.steps_per_epoch", variational.steps_per_epoch),
        ("train.samples", variational.samples.unwrap_or(1)),
        ("train.valid_samples", variational.valid_samples),
    ])?;
    if variational.annealing != 1.0 {
        check_part("train.annealing", variational.annealing)?;
    }
    let images = group(&law, variational.symmetry).order();
    if images > MOST_IMAGES {
        return Err(Fault::usage(format!(
            "train.symmetry: each draw has {images} images, more than {MOST_IMAGES}; take reversal (model.symmetry averages over \
             all of them when the trained flow is measured)"
        )));
    }
    if train.run.epochs == 0 {
        train.run.epochs = steps.div_ceil(variational.steps_per_epoch);
    }
    config::check_flow(model)
}

fn group(law: &Law, symmetrization: Symmetrization) -> SymmetryGroup {
    match symmetrization {
        Symmetrization::None => SymmetryGroup::trivial(law.n_variables()),
        Symmetrization::Reversal => law.group(false),
        Symmetrization::Lattice => law.group(true),
    }
}

/// What a flow is to be like.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The law.
    pub(super) law: Law,
    /// The group under which the flow is averaged.
    pub(super) group: Arc<SymmetryGroup>,
}

impl Target {
    /// That of a run, with the symmetries asked for; none where it has data.
    ///
    /// # Errors
    /// A system that cannot be built.
    pub(super) fn of(config: &RealNvpRun, symmetrization: Symmetrization) -> Result<Option<Self>> {
        if !is_variational(config) {
            return Ok(None);
        }
        let law = config.model.system.build().context("the configuration")?;
        let group = Arc::new(group(&law, symmetrization));
        Ok(Some(Self { law, group }))
    }

    /// How figures are made of draws.
    pub(super) fn free_energy(&self) -> FreeEnergy {
        let law = &self.law;
        FreeEnergy {
            n_sites: law.n_variables(),
            unit: law.unit,
            log_z_offset: law.log_z_offset,
            symmetries: self.group.order(),
            exact: law.exact,
        }
    }

    /// `flow` averaged over the group.
    pub(super) fn symmetrized(&self, flow: Flow) -> Symmetrized<Flow> {
        Symmetrized::new(flow, self.group.clone())
    }

    /// Draws of the flow with its symmetries.
    pub(super) fn draws(&self, flow: &Flow, n: usize, noise: &mut Noise) -> Draws {
        Draws::from_model(&self.symmetrized(flow.clone()), &self.law.potential, n, AT_ONCE, noise, |_| ())
    }

    /// What the flow's draws tell about the Hamiltonian, beside exact values where there are any.
    pub(super) fn evaluate(&self, config: &RealNvpRun, flow: &Flow) -> Result<Evaluation> {
        let noise = &mut Noise::new(config.seed, "eval");
        let n = config.train.variational.samples;
        let n = n.unwrap_or((IMAGES / self.group.order()).clamp(DRAWS.0, DRAWS.1));
        let draws = self.draws(flow, n, noise);
        let mut evaluation = Evaluation::default();
        self.free_energy().add(&draws, &mut evaluation);
        free_energy::add_sampling(&draws, &draws.markov_chain(noise), &mut evaluation);
        Ok(evaluation)
    }
}
