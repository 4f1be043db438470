//! Autoregressive models on the command line: MADE, NADE and a causal transformer.

mod config;
mod evaluate;
mod model;
mod pictures;
mod presets;
mod sample;
mod train;
mod values;

use std::path::PathBuf;

use anyhow::Result;
use burn::prelude::*;
use gibbs_data::Splits;
use gibbs_train::{
    run_folder::{RunFiles, RunFolder},
    training::TrainTask,
};

use crate::{
    cli::{self, NoCommands, NoFlags, Part, Preset, Shared},
    config::{ConfigOf, RunConfig},
    evaluation::Evaluation,
    experiment::Experiment,
};

pub(crate) use config::given;
pub use config::{MadeModel, ModelKind, Outputs, TransformerSizes, Widths};
pub use presets::{MadeTrain, Masks};
pub use sample::MadeSampleArgs;

/// Configuration of a run.
pub type MadeRun = RunConfig<MadeModel, MadeTrain>;

/// A trained model with its configuration.
pub struct MadeExperiment {
    config: MadeRun,
    model: model::AnyModel,
    device: Device,
}

impl Experiment for MadeExperiment {
    const NAME: &'static str = "made";
    const DATA: &'static str = "digits";
    const FILES: &'static [&'static str] = &["samples.png", "inpainting.png", "curves.png", "curves.svg"];
    const SHOWN: &'static [&'static str] = &["loss", "valid_log_prob", "train_log_prob"];
    type Model = MadeModel;
    type Train = MadeTrain;
    type TrainArgs = NoFlags;
    type SampleArgs = MadeSampleArgs;
    type Commands = NoCommands;

    fn preset(preset: Preset, data: &str) -> (MadeModel, MadeTrain) {
        presets::preset(preset, data)
    }

    fn settle(config: &mut ConfigOf<Self>, data: &Splits) -> Result<()> {
        presets::settle(config, data)
    }

    fn task(config: &ConfigOf<Self>, data: &Splits, device: &Device) -> Result<Box<dyn TrainTask>> {
        model::task(config, data, device)
    }

    fn load(config: &ConfigOf<Self>, bytes: &[u8], device: &Device) -> Result<Self> {
        let model = model::AnyModel::load(config, bytes, device)?;
        Ok(Self { config: config.clone(), model, device: device.clone() })
    }

    fn evaluate(&self, data: &Splits, part: Part, _files: &RunFiles) -> Result<Evaluation> {
        evaluate::evaluate(self, data, part)
    }

    fn sample(&self, args: &cli::Sample, family: &MadeSampleArgs, shared: &Shared) -> Result<PathBuf> {
        sample::sample(self, args, family, shared)
    }

    fn draw_pictures(&self, data: &Splits, folder: &RunFolder) -> Result<()> {
        pictures::draw(self, data, folder)
    }

    fn run(command: &NoCommands, _shared: &Shared) -> Result<()> {
        match *command {}
    }
}

impl MadeExperiment {
    fn shape(&self) -> (usize, usize) {
        self.config.data.picture_shape(self.model.law().n_visible())
    }
}
