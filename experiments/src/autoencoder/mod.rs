//! The deep autoencoder on the command line.

mod baselines;
mod coding;
mod config;
mod evaluate;
mod fine_tuning;
mod pictures;
mod sample;
mod train;

use std::path::PathBuf;

use anyhow::Result;
use burn::prelude::*;
use gibbs_autoencoder::Autoencoder;
use gibbs_backend::Noise;
use gibbs_data::Splits;
use gibbs_train::{
    run_folder::{RunFiles, RunFolder},
    training::TrainTask,
    weights,
};

use crate::{
    boltzmann::StackArgs,
    cli::{self, NoFlags, Part, Preset, Shared},
    config::{ConfigOf, RunConfig},
    dbn,
    evaluation::Evaluation,
    experiment::{self, Experiment},
};

pub use coding::{AutoencoderCommands, Decode, Encode};
pub use config::{AutoencoderModel, AutoencoderTrain, FineTuner, Pretraining};

/// Configuration of a run.
pub type AutoencoderRun = RunConfig<AutoencoderModel, AutoencoderTrain>;

/// A trained network with its configuration.
pub struct AutoencoderExperiment {
    config: AutoencoderRun,
    network: Autoencoder,
    device: Device,
}

impl Experiment for AutoencoderExperiment {
    const NAME: &'static str = "autoencoder";
    const DATA: &'static str = "digits";
    const FILES: &'static [&'static str] = &[
        "reconstructions.png",
        "samples.png",
        "codes.png",
        "curves.png",
        "curves.svg",
        baselines::LOGISTIC_PCA,
        "control",
    ];
    const SHOWN: &'static [&'static str] =
        &["layer", "reconstruction_error", "loss", "train_squared_error", "valid_squared_error"];
    type Model = AutoencoderModel;
    type Train = AutoencoderTrain;
    type TrainArgs = StackArgs;
    type SampleArgs = NoFlags;
    type Commands = AutoencoderCommands;

    fn preset(preset: Preset, data: &str) -> (AutoencoderModel, AutoencoderTrain) {
        config::preset(preset, data)
    }

    /// The same network from random weights.
    fn control(config: &ConfigOf<Self>) -> Option<ConfigOf<Self>> {
        let is_wanted = config.train.control && (config.train.pretrain || config.train.from.is_some());
        let mut control = config.clone();
        control.train.control = false;
        control.train.pretrain = false;
        control.train.from = None;
        control.train.logistic_pca_passes = 0;
        is_wanted.then_some(control)
    }

    fn settle(config: &mut ConfigOf<Self>, data: &Splits) -> Result<()> {
        let train = &mut config.train;
        dbn::keep_layers_of(train.from.as_deref(), &mut train.pretraining.layers);
        config::settle(config, data)
    }

    fn task(config: &ConfigOf<Self>, data: &Splits, device: &Device) -> Result<Box<dyn TrainTask>> {
        Ok(Box::new(train::AutoencoderTask::new(config, data, device)?))
    }

    fn load(config: &ConfigOf<Self>, bytes: &[u8], device: &Device) -> Result<Self> {
        let network = config.model.network()?.init(device, &mut Noise::new(config.seed, "init"))?;
        let network = weights::from_bytes(network, bytes)?;
        Ok(Self { config: config.clone(), network, device: device.clone() })
    }

    fn evaluate(&self, data: &Splits, part: Part, files: &RunFiles) -> Result<Evaluation> {
        let control = experiment::load_control::<Self>(files, &self.device)?;
        evaluate::evaluate(self, control.as_ref(), data, part, files)
    }

    fn sample(&self, args: &cli::Sample, _family: &NoFlags, shared: &Shared) -> Result<PathBuf> {
        sample::sample(self, args, shared)
    }

    fn draw_pictures(&self, data: &Splits, folder: &RunFolder) -> Result<()> {
        pictures::draw(self, data, folder)
    }

    fn run(command: &AutoencoderCommands, shared: &Shared) -> Result<()> {
        coding::run(command, shared)
    }
}

impl AutoencoderExperiment {
    fn shape(&self) -> (usize, usize) {
        self.config.data.picture_shape(self.network.width())
    }
}
