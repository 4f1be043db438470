//! The restricted Boltzmann machine on the command line.

mod config;
mod evaluate;
mod pictures;
mod sample;
mod train;

use anyhow::{Context, Result};
use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_boltzmann::{AnyRbm, units::Units};
use gibbs_data::Splits;
use gibbs_train::{
    run_folder::{RunFiles, RunFolder},
    training::TrainTask,
    weights,
};

use crate::{
    cli::{self, NoCommands, NoFlags, Part, Preset, Shared},
    config::{ConfigOf, RunConfig},
    evaluation::Evaluation,
    experiment::Experiment,
};

pub use config::{RbmModel, RbmTrain};
pub use sample::RbmSampleArgs;

/// Configuration of an RBM run.
pub type RbmRun = RunConfig<RbmModel, RbmTrain>;

/// A trained machine with its configuration.
pub struct RbmExperiment {
    config: RbmRun,
    rbm: AnyRbm,
    device: Device,
}

impl Experiment for RbmExperiment {
    const NAME: &'static str = "rbm";
    const DATA: &'static str = "digits";
    const FILES: &'static [&'static str] =
        &["samples.png", "chains.png", "inpainting.png", "filters.png", "curves.png", "curves.svg"];
    const SHOWN: &'static [&'static str] = &["valid_log_prob", "free_energy_gap", "reconstruction_error"];
    type Model = RbmModel;
    type Train = RbmTrain;
    type TrainArgs = NoFlags;
    type SampleArgs = RbmSampleArgs;
    type Commands = NoCommands;

    fn preset(preset: Preset, data: &str) -> (RbmModel, RbmTrain) {
        config::preset(preset, data)
    }

    fn settle(config: &mut ConfigOf<Self>, data: &Splits) -> Result<()> {
        config::settle(config, data)
    }

    fn task(config: &ConfigOf<Self>, data: &Splits, device: &Device) -> Result<Box<dyn TrainTask>> {
        Ok(Box::new(train::RbmTask::new(config, data, device)?))
    }

    fn load(config: &ConfigOf<Self>, bytes: &[u8], device: &Device) -> Result<Self> {
        let rbm_config = config.model.rbm_config().context("the configuration")?;
        let rbm = rbm_config.init(device, &mut Noise::new(config.seed, "init"))?;
        let rbm = weights::from_bytes(rbm, bytes)?;
        Ok(Self { config: config.clone(), rbm, device: device.clone() })
    }

    fn evaluate(&self, data: &Splits, part: Part, _files: &RunFiles) -> Result<Evaluation> {
        evaluate::evaluate(self, data, part)
    }

    fn sample(
        &self,
        args: &cli::Sample,
        family: &RbmSampleArgs,
        shared: &Shared,
    ) -> Result<std::path::PathBuf> {
        sample::sample(self, args, family, shared)
    }

    fn draw_pictures(&self, data: &Splits, folder: &RunFolder) -> Result<()> {
        pictures::draw(self, data, folder)
    }

    fn run(command: &NoCommands, _shared: &Shared) -> Result<()> {
        match *command {}
    }
}

impl RbmExperiment {
    fn shape(&self) -> (usize, usize) {
        self.config.data.picture_shape(self.config.model.coding().data_width(self.rbm.visible.width()))
    }
}
