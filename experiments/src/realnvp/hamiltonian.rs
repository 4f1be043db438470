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

use super::{
    RealNvpRun,
    config::{self, Coordinates},
    kind::FlowKind,
};
use crate::{
    evaluation::Evaluation,
    fault::Fault,
    free_energy::{self, FreeEnergy},
    made::Widths,
    system::{ContinuousKind, HAMILTONIAN, Law},
    variational::Symmetrization,
};

/// Images under the symmetries that are looked at when a flow is measured, unless its settings say otherwise: a minute for those
/// of a lattice.
pub(super) const IMAGES: usize = 1_000_000;

/// Steps of a run whose number is left open: a minute for laws of the plane, ten for 16×16 dual fields.
const STEPS: usize = 4000;

/// Draws whose images under the group pass through the flow together with each other.
pub(super) const AT_ONCE: usize = 500;

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
    let variational = train.variational;
    variational.validate()?;
    variational.check_images(&group(&law, variational.symmetry))?;
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
        let n = config.train.variational.draws(IMAGES, self.group.order());
        let draws = self.draws(flow, n, noise);
        let mut evaluation = Evaluation::default();
        self.free_energy().add(&draws, &mut evaluation);
        free_energy::add_sampling(&draws, &draws.markov_chain(noise), &mut evaluation);
        Ok(evaluation)
    }
}
