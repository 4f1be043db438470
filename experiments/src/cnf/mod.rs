//! Continuous flows on the command line: trained by likelihood or by flow matching on data, by the variational bound on
//! continuous Hamiltonians.

mod config;
mod evaluate;
mod hamiltonian;
mod pictures;
mod recipe;
mod sample;
mod train;

use std::path::PathBuf;

use anyhow::{Context, Result};
use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_data::Splits;
use gibbs_flow::{
    ContinuousFlow,
    continuous::{Field, Trace},
    ode::Solver,
};
use gibbs_train::{
    run_folder::{RunFiles, RunFolder},
    training::TrainTask,
};

use crate::{
    backprop::Backprop,
    cli::{self, NoCommands, Part, Preset, Shared},
    config::{ConfigOf, RunConfig},
    coordinates::{self, Coordinates},
    evaluation::Evaluation,
    experiment::Experiment,
    hamiltonian::{Target, group, is_variational},
    path_training::PathTraining,
    preparation::Preparation,
    system::{self, ContinuousArgs},
    variational::Symmetrization,
};

pub use config::{CnfModel, CnfTrain, FieldKind, ImageSizes, Training};
pub use hamiltonian::LatticeSizes;
pub use sample::CnfSampleArgs;

/// Configuration of a run.
pub type CnfRun = RunConfig<CnfModel, CnfTrain>;

/// A trained flow with its configuration.
pub struct CnfExperiment {
    config: CnfRun,
    flow: ContinuousFlow,
    preparation: Preparation,
    target: Option<Target>,
    device: Device,
}

impl Experiment for CnfExperiment {
    const NAME: &'static str = "cnf";
    const DATA: &'static str = "digits";
    const FILES: &'static [&'static str] =
        &["samples.png", "density.png", "flow.png", "curves.png", "curves.svg"];
    const SHOWN: &'static [&'static str] =
        &["free_energy", "loss", "valid_log_prob", "train_log_prob", "valid_loss"];
    type Model = CnfModel;
    type Train = CnfTrain;
    type TrainArgs = ContinuousArgs;
    type SampleArgs = CnfSampleArgs;
    type Commands = NoCommands;

    fn preset(preset: Preset, data: &str) -> (CnfModel, CnfTrain) {
        config::preset(preset, data)
    }

    fn label(config: &CnfRun) -> String {
        match is_variational(&config.data.name) {
            true => config.model.system.kind.name().into(),
            false => config.data.name.clone(),
        }
    }

    fn describe(config: &CnfRun, data: &Splits) -> String {
        match is_variational(&config.data.name) {
            true => config.model.system.describe(),
            false => data.train.describe(),
        }
    }

    fn data(config: &mut CnfRun, shared: &Shared) -> Result<Splits> {
        if is_variational(&config.data.name) {
            system::complete_continuous(&mut config.model.system);
            let target = config.model.system.build().map_err(system::refuse)?;
            return system::without_data(config.model.system.describe(), &target.shape);
        }
        let data = gibbs_data::load(&config.data.name, &shared.data_dir)?;
        if let Some(width) = config.model.n_visible {
            data.train.require_width(width)?;
        }
        // A potential has the published coordinates; matching paths are straight, and logits of black and white far away.
        let grey = match config.model.kind {
            Some(FieldKind::Potential) => Coordinates::Logit,
            _ => Coordinates::Signed,
        };
        coordinates::continuous(&mut config.model.coordinates, grey, data, config.seed)
    }

    fn settle(config: &mut ConfigOf<Self>, data: &Splits) -> Result<()> {
        match is_variational(&config.data.name) {
            true => hamiltonian::settle(config),
            false => recipe::settle(config, data),
        }
    }

    fn task(config: &ConfigOf<Self>, data: &Splits, device: &Device) -> Result<Box<dyn TrainTask>> {
        let train = &config.train;
        let flow = flow(config, train.solver, device)?;
        let training = Backprop::new(flow, train.adam().init()?, train.average, device).clipped(train.clip);
        Ok(match target(config, train.variational.symmetry)? {
            Some(target) => Box::new(PathTraining {
                target,
                training,
                variational: train.variational,
                learning_rate: train.rate()?,
                batch_size: train.batch_size()?,
                seed: config.seed,
            }),
            None => Box::new(train::FlowTask::new(config, training, data, device)?),
        })
    }

    fn load(config: &ConfigOf<Self>, bytes: &[u8], device: &Device) -> Result<Self> {
        let flow = flow(config, config.model.solver, device).context("the configuration")?;
        let is_whitened = config.model.whitened == Some(true);
        let width = config.model.n_visible.filter(|_| is_whitened);
        let (flow, preparation) = preparation(&config.model)?.load(flow, width, bytes, device)?;
        let target = target(config, config.model.symmetry)?;
        Ok(Self { config: config.clone(), flow, preparation, target, device: device.clone() })
    }

    fn measure_all(&mut self) {
        self.config.model.measured = None;
    }

    fn evaluate(&self, data: &Splits, part: Part, _files: &RunFiles) -> Result<Evaluation> {
        match &self.target {
            Some(target) => {
                let (variational, seed) = (&self.config.train.variational, self.config.seed);
                Ok(target.evaluate(&self.flow, variational, seed))
            }
            None => evaluate::evaluate(self, data, part),
        }
    }

    fn sample(&self, args: &cli::Sample, family: &CnfSampleArgs, _shared: &Shared) -> Result<PathBuf> {
        sample::sample(self, args, family)
    }

    fn draw_pictures(&self, data: &Splits, folder: &RunFolder) -> Result<()> {
        pictures::draw(self, data, folder)
    }

    fn run(command: &NoCommands, _shared: &Shared) -> Result<()> {
        match *command {}
    }
}

/// What a run is to learn; none where it has data.
fn target(config: &CnfRun, symmetrization: Symmetrization) -> Result<Option<Target>> {
    let target = || Target::new(&config.model.system, symmetrization).context("the configuration");
    is_variational(&config.data.name).then(target).transpose()
}

/// The fixed map before the flow.
fn preparation(model: &CnfModel) -> Result<Preparation> {
    Preparation::new(model.coordinates, Some(model.margin), model.standardization.as_ref())
}

/// A flow at its start.
fn flow(config: &CnfRun, solver: Solver, device: &Device) -> Result<ContinuousFlow> {
    let model = &config.model;
    let field = model.field(config.data.shape.as_deref())?;
    let field = match field.init(device, &mut Noise::new(config.seed, "init"))? {
        Field::Potential(potential) if is_variational(&config.data.name) => {
            let law = model.system.build().map_err(system::refuse)?;
            Field::Potential(potential.symmetrized(group(&law, model.invariance)))
        }
        field => field,
    };
    Ok(ContinuousFlow::new(field, solver, model.trace.unwrap_or(Trace::Exact))?)
}

impl CnfExperiment {
    fn shape(&self) -> (usize, usize) {
        self.config.data.picture_shape(self.config.model.n_visible.unwrap_or(1))
    }
}
