//! A flow beside a continuous Hamiltonian: settings, what is to be learned, and the figures.

use std::sync::Arc;

use anyhow::{Context, Result};
use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{
    hmc::{DualAveraging, Hmc, HmcState},
    symmetry::{Symmetrized, SymmetryGroup},
    variational::Draws,
};
use gibbs_data::Binarization;
use gibbs_flow::{CouplingMask, Flow};

use super::{
    RealNvpRun,
    config::{self, Coordinates, RealNvpModel},
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

/// Steps of a run whose number is left open: a minute for laws of the plane, eight for 16×16 dual fields.
const STEPS: usize = 4000;

/// Fields to which normalizations are fitted before training: their standard deviations are then known to `1/√(2·512)`, 3 %.
const FIELDS: usize = 512;

/// Trajectories by which they come from a constant field, and steps of each: enough for all but the longest waves.
const TRAJECTORIES: usize = 60;
const LEAPFROGS: usize = 10;

/// Acceptance of trajectories at which step sizes are most efficient (Neal 2011, section 5.4.4.3).
const ACCEPTANCE: f64 = 0.65;

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
    variational.check_images(&group(&law, variational.symmetry))?;
    if train.run.epochs == 0 {
        train.run.epochs = steps.div_ceil(variational.steps_per_epoch);
    }
    config::check_flow(model)
}

/// Whether the flow has normalizations that are fitted to fields before training.
pub(super) fn starts_from_fields(model: &RealNvpModel) -> bool {
    model.act_norm == Some(true) || model.kind == Some(FlowKind::Lattice)
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
    /// That of a run, with the symmetries asked for; none where it learned data. A run on a Hamiltonian that is shown data is known
    /// by its symmetries.
    ///
    /// # Errors
    /// A system that cannot be built.
    pub(super) fn of(config: &RealNvpRun, symmetrization: Symmetrization) -> Result<Option<Self>> {
        if !is_variational(config) && config.model.symmetry == Symmetrization::None {
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

    /// The flow with its normalizations fitted to fields of Hamiltonian Monte Carlo that have not forgotten where they began, so
    /// that they show the scales of the law but need not be draws of it. Where the flow is averaged over both signs, fields with
    /// negative mean are turned around: it begins as one half of the law.
    pub(super) fn fitted(&self, flow: Flow, device: &Device, noise: &mut Noise) -> Flow {
        let potential = &self.law.potential;
        let mut sizes = DualAveraging::new(0.1, ACCEPTANCE);
        let hmc = Hmc::new(sizes.trial(), LEAPFROGS).with_jitter(0.2);
        let mut state = HmcState::new(potential, Tensor::ones([FIELDS, self.law.n_variables()], device));
        for _ in 0..TRAJECTORIES {
            let (next, transition) = hmc.with_step_size(sizes.trial()).step(potential, state, noise);
            state = next;
            sizes.update(transition.acceptance().into_scalar::<f64>());
        }
        let x = state.x().clone();
        let turns = self.group.elements().iter().any(|g| g.negates());
        let x = if turns { x.clone() * x.mean_dim(1).sign() } else { x };
        flow.fitted(x, None)
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
