//! Normalizing flows on the command line: couplings and masked autoregressive layers, affine and by splines; of data, and of
//! continuous Hamiltonians.

mod config;
mod coordinates;
mod evaluate;
mod hamiltonian;
mod image;
mod kind;
mod measure;
mod physics;
mod pictures;
mod sample;
mod train;
mod variational;

use std::path::PathBuf;

use anyhow::{Context, Result};
use burn::prelude::*;
use clap::Subcommand;
use gibbs_backend::Noise;
use gibbs_data::Splits;
use gibbs_flow::Flow;
use gibbs_train::{
    run_folder::{RunFiles, RunFolder},
    training::Trainee,
    weights,
};

use crate::{
    cli::{self, Part, Preset, Shared},
    config::{ConfigOf, RunConfig},
    evaluation::Evaluation,
    experiment::Experiment,
    fault::Fault,
    system::ContinuousArgs,
    variational::Symmetrization,
};
use coordinates::Preparation;
use hamiltonian::Target;

pub use config::{Coordinates, RealNvpModel, RealNvpTrain};
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
        match hamiltonian::is_variational(config) {
            true => config.model.system.kind.name().into(),
            false => config.data.name.clone(),
        }
    }

    fn describe(config: &RealNvpRun, data: &Splits) -> String {
        match hamiltonian::is_variational(config) {
            true => config.model.system.describe(),
            false => data.train.describe(),
        }
    }

    fn data(config: &mut RealNvpRun, shared: &Shared) -> Result<Splits> {
        if hamiltonian::is_variational(config) {
            config.model.system.settle()?;
            return config.model.system.without_data();
        }
        let data = gibbs_data::load(&config.data.name, &shared.data_dir)?;
        if let Some(width) = config.model.n_visible {
            data.train.require_width(width)?;
        }
        coordinates::continuous(&mut config.model, data, config.seed)
    }

    fn settle(config: &mut ConfigOf<Self>, data: &Splits) -> Result<()> {
        match hamiltonian::is_variational(config) {
            true => hamiltonian::settle(config),
            false => config::settle(config, data),
        }
    }

    fn trainee(config: &ConfigOf<Self>, data: &Splits, device: &Device) -> Result<Box<dyn Trainee>> {
        if !hamiltonian::is_variational(config) && config.model.symmetry != Symmetrization::None {
            return Err(Fault::usage("model.symmetry: data are taken as they are; take none"));
        }
        Ok(match Target::of(config, config.train.variational.symmetry)? {
            Some(target) => Box::new(variational::VariationalTrainee::new(config, target, device)?),
            None => Box::new(train::FlowTrainee::new(config, data, device)?),
        })
    }

    fn load(config: &ConfigOf<Self>, bytes: &[u8], device: &Device) -> Result<Self> {
        let flow = config.model.flow()?.init(device, &mut Noise::new(config.seed, "init"));
        let flow = weights::from_bytes(flow.context("the configuration")?, bytes)?;
        let preparation = Preparation::of(&config.model)?;
        let target = Target::of(config, config.model.symmetry)?;
        Ok(Self { config: config.clone(), flow, preparation, target, device: device.clone() })
    }

    fn evaluate(&self, data: &Splits, part: Part, _files: &RunFiles) -> Result<Evaluation> {
        match &self.target {
            Some(target) if hamiltonian::is_variational(&self.config) => {
                target.evaluate(&self.config, &self.flow)
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

impl RealNvpExperiment {
    fn shape(&self) -> (usize, usize) {
        self.config.data.picture_shape(self.flow.n_variables())
    }
}
