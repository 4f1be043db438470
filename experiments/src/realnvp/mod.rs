//! Normalizing flows on the command line: couplings and masked autoregressive layers, affine and by splines; of data, and of
//! continuous Hamiltonians.

mod config;
mod evaluate;
mod hamiltonian;
mod image;
mod kind;
mod measure;
mod physics;
mod pictures;
mod sample;
mod train;

use std::path::PathBuf;

use anyhow::{Context, Result};
use burn::prelude::*;
use clap::Subcommand;
use gibbs_backend::Noise;
use gibbs_data::Splits;
use gibbs_flow::Flow;
use gibbs_train::{
    run_folder::{RunFiles, RunFolder},
    training::TrainTask,
};

use crate::{
    backprop::Backprop,
    cli::{self, Part, Preset, Shared},
    config::{ConfigOf, RunConfig},
    coordinates::{self, Coordinates},
    evaluation::Evaluation,
    experiment::Experiment,
    fault::Fault,
    hamiltonian::{Target, is_variational},
    path_training::PathTraining,
    preparation::Preparation,
    system::ContinuousArgs,
    variational::Symmetrization,
};

pub use config::{RealNvpModel, RealNvpTrain};
pub use image::ImageSizes;
pub use kind::FlowKind;
pub use measure::Measure;
pub use sample::RealNvpSampleArgs;

/// Configuration of a run.
pub type RealNvpRun = RunConfig<RealNvpModel, RealNvpTrain>;

/// Commands of `realnvp` alone.
#[derive(Subcommand, Debug)]
pub enum RealNvpCommands {
    /// Sample a Hamiltonian without bias by Hamiltonian Monte Carlo in the latent space of a flow trained on it
    Measure(Measure),
}

/// A trained flow with its configuration.
pub struct RealNvpExperiment {
    config: RealNvpRun,
    flow: Flow,
    preparation: Preparation,
    target: Option<Target>,
    device: Device,
}

impl Experiment for RealNvpExperiment {
    const NAME: &'static str = "realnvp";
    const DATA: &'static str = "digits";
    const FILES: &'static [&'static str] = &[
        "samples.png",
        "density.png",
        "modes.png",
        "interpolation.png",
        "curves.png",
        "curves.svg",
        "measure.json",
    ];
    const SHOWN: &'static [&'static str] = &["free_energy", "loss", "valid_log_prob", "train_log_prob"];
    type Model = RealNvpModel;
    type Train = RealNvpTrain;
    type TrainArgs = ContinuousArgs;
    type SampleArgs = RealNvpSampleArgs;
    type Commands = RealNvpCommands;

    fn preset(preset: Preset, data: &str) -> (RealNvpModel, RealNvpTrain) {
        config::preset(preset, data)
    }

    fn label(config: &RealNvpRun) -> String {
        match is_variational(&config.data.name) {
            true => config.model.system.kind.name().into(),
            false => config.data.name.clone(),
        }
    }

    fn describe(config: &RealNvpRun, data: &Splits) -> String {
        match is_variational(&config.data.name) {
            true => config.model.system.describe(),
            false => data.train.describe(),
        }
    }

    fn data(config: &mut RealNvpRun, shared: &Shared) -> Result<Splits> {
        if is_variational(&config.data.name) {
            config.model.system.settle()?;
            return config.model.system.without_data();
        }
        let data = gibbs_data::load(&config.data.name, &shared.data_dir)?;
        if let Some(width) = config.model.n_visible {
            data.train.require_width(width)?;
        }
        coordinates::continuous(&mut config.model.coordinates, Coordinates::Logit, data, config.seed)
    }

    fn settle(config: &mut ConfigOf<Self>, data: &Splits) -> Result<()> {
        match is_variational(&config.data.name) {
            true => hamiltonian::settle(config),
            false => config::settle(config, data),
        }
    }

    fn task(config: &ConfigOf<Self>, data: &Splits, device: &Device) -> Result<Box<dyn TrainTask>> {
        if !is_variational(&config.data.name) && config.model.symmetry != Symmetrization::None {
            return Err(Fault::usage("model.symmetry: data are taken as they are; take none"));
        }
        Ok(match target(config, config.train.variational.symmetry)? {
            Some(target) => {
                let (train, noise) = (&config.train, &mut Noise::new(config.seed, "init"));
                let flow = config.model.flow()?.init(device, noise)?;
                let flow = match hamiltonian::starts_from_fields(&config.model) {
                    true => {
                        let noise = &mut Noise::new(config.seed, "fields");
                        gibbs_flow::fit_to_energy(flow, &target.law.potential, &target.group, device, noise)
                    }
                    false => flow,
                };
                let training = Backprop::new(flow, train.adam().init()?, train.average, device);
                Box::new(PathTraining {
                    target,
                    training: training.clipped(train.clip),
                    variational: train.variational,
                    learning_rate: train.learning_rate.clone(),
                    batch_size: train.batch_size,
                    seed: config.seed,
                })
            }
            None => Box::new(train::FlowTask::new(config, data, device)?),
        })
    }

    fn load(config: &ConfigOf<Self>, bytes: &[u8], device: &Device) -> Result<Self> {
        let flow = config.model.flow()?.init(device, &mut Noise::new(config.seed, "init"));
        let is_whitened = config.model.whitened == Some(true);
        let width = config.model.n_visible.filter(|_| is_whitened);
        let flow = flow.context("the configuration")?;
        let (flow, preparation) = preparation(&config.model)?.load(flow, width, bytes, device)?;
        let target = target(config, config.model.symmetry)?;
        Ok(Self { config: config.clone(), flow, preparation, target, device: device.clone() })
    }

    fn evaluate(&self, data: &Splits, part: Part, _files: &RunFiles) -> Result<Evaluation> {
        match &self.target {
            Some(target) if is_variational(&self.config.data.name) => {
                let (variational, seed) = (&self.config.train.variational, self.config.seed);
                Ok(target.evaluate(&self.flow, variational, seed))
            }
            _ => evaluate::evaluate(self, data, part),
        }
    }

    fn sample(&self, args: &cli::Sample, family: &RealNvpSampleArgs, _shared: &Shared) -> Result<PathBuf> {
        sample::sample(self, args, family)
    }

    fn draw_pictures(&self, data: &Splits, folder: &RunFolder) -> Result<()> {
        pictures::draw(self, data, folder)
    }

    fn run(command: &RealNvpCommands, shared: &Shared) -> Result<()> {
        match command {
            RealNvpCommands::Measure(measure) => measure.run(shared),
        }
    }
}

/// What a run is to learn; none where it learned data. A run on a Hamiltonian that is shown data is known by its symmetries.
fn target(config: &RealNvpRun, symmetrization: Symmetrization) -> Result<Option<Target>> {
    let target = || Target::new(&config.model.system, symmetrization).context("the configuration");
    let has_target = is_variational(&config.data.name) || config.model.symmetry != Symmetrization::None;
    has_target.then(target).transpose()
}

/// The fixed map before the flow.
fn preparation(model: &RealNvpModel) -> Result<Preparation> {
    Preparation::new(model.coordinates, model.margin, model.standardization.as_ref())
}

impl RealNvpExperiment {
    fn shape(&self) -> (usize, usize) {
        self.config.data.picture_shape(self.flow.n_variables())
    }
}
