//! Associative memories on the command line: networks of Hopfield's kind, dense ones, and the continuous one.

mod capacity;
mod config;
mod data;
mod evaluate;
mod film;
mod memory;
mod pictures;
mod recall;
mod sample;
mod train;

use std::path::PathBuf;

use anyhow::Result;
use burn::prelude::*;
use clap::{Args, Subcommand};
use gibbs_data::Splits;
use gibbs_train::{
    run_folder::{RunFiles, RunFolder},
    training::TrainTask,
};
use serde_json::{Value, json};

use crate::{
    cli::{self, Part, Preset, Shared, Shorthand},
    config::{ConfigOf, RunConfig},
    evaluation::Evaluation,
    experiment::Experiment,
};

pub use capacity::Capacity;
pub use config::{Corruption, HopfieldModel, HopfieldTrain, MemoryKind, Order};
pub use recall::Recall;
pub use sample::HopfieldSampleArgs;

/// Configuration of a run.
pub type HopfieldRun = RunConfig<HopfieldModel, HopfieldTrain>;

/// An associative memory with its configuration.
pub struct HopfieldExperiment {
    config: HopfieldRun,
    memory: memory::Memory,
}

/// Flags of `hopfield train`.
#[derive(Args, Debug)]
pub struct HopfieldTrainArgs {
    /// Store these pictures, all of one size
    #[arg(long, num_args = 1.., value_name = "FILE.png", conflicts_with = "data")]
    pub images: Vec<PathBuf>,
}

impl Shorthand for HopfieldTrainArgs {
    fn settings(&self) -> Vec<(&'static str, Value)> {
        match self.images.is_empty() {
            true => Vec::new(),
            false => vec![("model.images", json!(self.images)), ("data.name", json!(data::IMAGES))],
        }
    }
}

/// The commands that only associative memories have.
#[derive(Subcommand, Debug)]
pub enum HopfieldCommands {
    /// Draw the filmstrip of recall from noisy and half-covered pictures
    Recall(Recall),
    /// Measure how many random patterns Hebb's rule can store; one JSON object
    Capacity(Capacity),
}

impl Experiment for HopfieldExperiment {
    const NAME: &'static str = "hopfield";
    const DATA: &'static str = "digits";
    const FILES: &'static [&'static str] = &["patterns.png", "recall.png", "recall-energy.png"];
    const SHOWN: &'static [&'static str] = &["stable"];
    type Model = HopfieldModel;
    type Train = HopfieldTrain;
    type TrainArgs = HopfieldTrainArgs;
    type SampleArgs = HopfieldSampleArgs;
    type Commands = HopfieldCommands;

    fn preset(preset: Preset, data: &str) -> (HopfieldModel, HopfieldTrain) {
        config::preset(preset, data)
    }

    fn data(config: &mut ConfigOf<Self>, shared: &Shared) -> Result<Splits> {
        data::load(config, &shared.data_dir)
    }

    fn settle(config: &mut ConfigOf<Self>, data: &Splits) -> Result<()> {
        config::settle(config, data)
    }

    fn task(config: &ConfigOf<Self>, data: &Splits, device: &Device) -> Result<Box<dyn TrainTask>> {
        Ok(Box::new(train::Storage::new(config, data, device)?))
    }

    fn load(config: &ConfigOf<Self>, bytes: &[u8], device: &Device) -> Result<Self> {
        Ok(Self { config: config.clone(), memory: memory::Memory::load(config, bytes, device)? })
    }

    fn evaluate(&self, data: &Splits, part: Part, _files: &RunFiles) -> Result<Evaluation> {
        evaluate::evaluate(self, data, part)
    }

    fn sample(&self, args: &cli::Sample, family: &HopfieldSampleArgs, _shared: &Shared) -> Result<PathBuf> {
        sample::sample(self, args, family)
    }

    fn draw_pictures(&self, _data: &Splits, folder: &RunFolder) -> Result<()> {
        pictures::draw(self, &folder.files())
    }

    fn run(command: &HopfieldCommands, shared: &Shared) -> Result<()> {
        match command {
            HopfieldCommands::Recall(args) => recall::run(args, shared),
            HopfieldCommands::Capacity(args) => capacity::run(args),
        }
    }
}

impl HopfieldExperiment {
    /// Rows and columns of a pattern as a picture.
    fn shape(&self) -> (usize, usize) {
        self.config.data.picture_shape(self.memory.n_spins())
    }
}
