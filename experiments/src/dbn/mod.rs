//! The deep belief network on the command line.

mod classifier;
mod config;
mod evaluate;
mod pictures;
mod sample;
mod train;
mod up_down;
mod weights;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use burn::prelude::*;
use gibbs_boltzmann::{AnyRbm, Dbn, units::Units};
use gibbs_core::nn::Mlp;
use gibbs_data::Splits;
use gibbs_train::{
    run_folder::{RunFiles, RunFolder},
    training::TrainTask,
};

use crate::{
    boltzmann::{
        StackArgs,
        greedy::{Layer, StackLayer},
    },
    cli::{self, NoCommands, Part, Preset, Shared},
    config::{ConfigOf, RunConfig},
    evaluation::Evaluation,
    experiment::{self, Experiment},
    fault::Fault,
};

pub use config::{ClassifierTrain, DbnModel, DbnTrain, UpDownTrain};
pub use sample::DbnSampleArgs;

/// Configuration of a run.
pub type DbnRun = RunConfig<DbnModel, DbnTrain>;

/// A trained network with its configuration.
pub struct DbnExperiment {
    config: DbnRun,
    dbn: Dbn,
    classifier: Option<Mlp>,
    device: Device,
}

impl Experiment for DbnExperiment {
    const NAME: &'static str = "dbn";
    const DATA: &'static str = "digits";
    const FILES: &'static [&'static str] =
        &["samples.png", "filters.png", "curves.png", "curves.svg", "control"];
    const SHOWN: &'static [&'static str] = &[
        "layer",
        "reconstruction_error",
        "bound_without_log_z",
        "cross_entropy",
        "valid_classification_error",
    ];
    type Model = DbnModel;
    type Train = DbnTrain;
    type TrainArgs = StackArgs;
    type SampleArgs = DbnSampleArgs;
    type Commands = NoCommands;

    fn preset(preset: Preset, data: &str) -> (DbnModel, DbnTrain) {
        config::preset(preset, data)
    }

    /// The classifier from random weights.
    fn control(config: &ConfigOf<Self>) -> Option<ConfigOf<Self>> {
        let is_wanted = config.train.control && config.train.classifier.epochs > 0 && config.train.pretrain;
        let mut control = config.clone();
        control.train.control = false;
        control.train.pretrain = false;
        control.train.from = None;
        control.train.up_down.epochs = 0;
        is_wanted.then_some(control)
    }

    fn settle(config: &mut ConfigOf<Self>, data: &Splits) -> Result<()> {
        keep_layers_of(config.train.from.as_deref(), &mut config.train.layers);
        config::settle(config, data)
    }

    fn task(config: &ConfigOf<Self>, data: &Splits, device: &Device) -> Result<Box<dyn TrainTask>> {
        Ok(Box::new(train::DbnTask::new(config, data, device)?))
    }

    fn load(config: &ConfigOf<Self>, bytes: &[u8], device: &Device) -> Result<Self> {
        let (dbn, classifier) = weights::Weights::read(config, bytes, device)?;
        Ok(Self { config: config.clone(), dbn, classifier, device: device.clone() })
    }

    fn evaluate(&self, data: &Splits, part: Part, files: &RunFiles) -> Result<Evaluation> {
        let control = experiment::load_control::<Self>(files, &self.device)?;
        evaluate::evaluate(self, control.as_ref(), data, part)
    }

    fn sample(&self, args: &cli::Sample, family: &DbnSampleArgs, _shared: &Shared) -> Result<PathBuf> {
        sample::sample(self, args, family)
    }

    fn draw_pictures(&self, _data: &Splits, folder: &RunFolder) -> Result<()> {
        pictures::draw(self, folder)
    }

    fn run(command: &NoCommands, _shared: &Shared) -> Result<()> {
        match *command {}
    }
}

impl DbnExperiment {
    /// The trained stack.
    pub fn dbn(&self) -> &Dbn {
        &self.dbn
    }

    fn shape(&self) -> (usize, usize) {
        self.config.data.picture_shape(self.config.model.coding().data_width(self.dbn.n_visible()))
    }
}

/// Sets the epochs of layers that come from a `dbn` run to 0, where there is one in `folder`; what is wrong with it is told
/// when it is loaded.
pub(crate) fn keep_layers_of(folder: Option<&Path>, layers: &mut Vec<StackLayer>) {
    let run =
        folder.and_then(|folder| crate::config::read::<DbnExperiment>(&folder.join("config.json")).ok());
    let depth = run.map_or(0, |run| run.model.n_hidden.len());
    if let Some(layer) = layers.first().cloned()
        && layers.len() < depth
    {
        layers.resize(depth, layer);
    }
    layers.iter_mut().take(depth).for_each(|layer| layer.epochs = Some(0));
}

/// The machines of a `dbn` run whose upward weights are the downward ones, to be the lower part of a plan.
///
/// # Errors
/// Those of a stack, and one that was fine-tuned by the up-down algorithm.
pub(crate) fn tied_stack_of(folder: &Path, plan: &[Layer], device: &Device) -> Result<Vec<AnyRbm>> {
    let dbn = stack_of(folder, plan, device)?;
    match dbn.recognition.is_empty() {
        true => Ok(dbn.layers),
        false => Err(Fault::usage(format!(
            "train.from = {}: it was fine-tuned by the up-down algorithm, so its layers are no machines any more; take a run \
             with train.up_down.epochs = 0",
            folder.display()
        ))),
    }
}

/// The stack of a `dbn` run, to be the lower part of a plan.
///
/// # Errors
/// A folder that holds no such run, or layers that are not those of the plan.
fn stack_of(folder: &Path, plan: &[Layer], device: &Device) -> Result<Dbn> {
    let context = || format!("train.from = {}", folder.display());
    let (_, run) = experiment::load_run::<DbnExperiment>(folder, device).with_context(context)?;
    let found: Vec<String> = run.dbn.layers.iter().map(describe).collect();
    let wanted: Vec<String> = plan
        .iter()
        .map(|layer| {
            let rbm = &layer.rbm;
            format!("{} {}-{} {}", rbm.n_visible, rbm.visible, rbm.n_hidden, rbm.hidden)
        })
        .collect();
    if !wanted.starts_with(&found) {
        return Err(Fault::usage(format!(
            "train.from = {}: its layers are {} where this run begins with {}; set model.* to fit, or take another run",
            folder.display(),
            found.join(", "),
            wanted.join(", ")
        )));
    }
    if !run.dbn.recognition.is_empty() && found.len() < wanted.len() {
        return Err(Fault::usage(format!(
            "train.from = {}: it was fine-tuned by the up-down algorithm, so no layer can be trained on top; take a run with \
             train.up_down.epochs = 0",
            folder.display()
        )));
    }
    Ok(run.dbn)
}

/// Widths and kinds of a machine.
fn describe(rbm: &AnyRbm) -> String {
    let (visible, hidden) = (&rbm.visible, &rbm.hidden);
    format!("{} {}-{} {}", visible.width(), visible.kind(), hidden.width(), hidden.kind())
}
