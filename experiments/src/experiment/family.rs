//! A family as the programs see it: without its types.

use std::{path::Path, process::ExitCode};

use anyhow::Result;
use burn::prelude::*;
use clap::{ArgMatches, Command};
use gibbs_runs::{
    Run,
    report::{self, page},
};
use gibbs_serve::{Offer, Playground, Toy};

use super::{Experiment, Trained, latent, load_run, run};
use crate::{
    cli::{Cli, matches_of},
    usage::{self, OrUsage},
};

/// Loads the trained model in a folder to play with, if there is something to do with it.
pub type OpenPlayground = fn(&Path, &Device) -> Result<Option<Box<dyn Playground>>>;

/// A model family without its types: its name, its command line, and what a run of it writes.
pub struct Family {
    /// Name of the family and of its program.
    pub name: &'static str,
    /// Two sentences on the model and its use.
    pub about: &'static str,
    /// Data set when none is given; empty where the family learns a target density then.
    pub data: &'static str,
    /// Command lines to begin with.
    pub examples: &'static [&'static str],
    /// The publication that the family follows.
    pub reference: &'static str,
    /// The guide: what the model is, its equations, settings, metrics and pictures, in Markdown.
    pub guide: &'static str,
    /// Pictures of a finished run: file name, and what to see there.
    pub pictures: &'static [(&'static str, &'static str)],
    /// Trainings that `gibbs serve` offers.
    pub offers: &'static [Offer],
    /// Whether it trains with weights of the examples.
    pub uses_weights: bool,
    /// Whether it has latent variables, for `encode` and `decode`.
    pub has_latent: bool,
    /// Models to play with that need no run.
    pub toys: fn() -> Result<Vec<Toy>>,
    /// The model of a run in `gibbs serve`.
    pub playground: OpenPlayground,
    /// The command line.
    pub command: fn() -> Command,
    /// Runs what a command line asks for.
    pub run: fn(&ArgMatches) -> Result<ExitCode>,
}

impl Family {
    /// The family of an experiment.
    pub const fn of<E: Trained>() -> Self {
        Self {
            name: E::NAME,
            about: E::ABOUT,
            data: E::DATA,
            examples: E::EXAMPLES,
            reference: E::REFERENCE,
            guide: E::GUIDE,
            pictures: E::PICTURES,
            offers: E::OFFERS,
            uses_weights: E::USES_WEIGHTS,
            has_latent: E::LATENT.is_some(),
            toys: E::toys,
            playground: playground::<E>,
            command: command::<E>,
            run: |matches| gibbs_backend::parallel::on_worker(|| run::<E>(matches)),
        }
    }

    /// The whole program of the family: parses the command line, runs the command, reports an error.
    pub fn main(&self) -> ExitCode {
        let outcome = matches_of((self.command)()).and_then(|matches| (self.run)(&matches));
        outcome.unwrap_or_else(|error| usage::report(&error))
    }
}

/// The names of the families for which something holds.
pub(super) fn names(holds: impl Fn(&Family) -> bool) -> String {
    let names: Vec<&str> =
        crate::FAMILIES.iter().filter(|family| holds(family)).map(|family| family.name).collect();
    names.join(", ")
}

/// The command line of a family, with its examples.
fn command<E: Experiment>() -> Command {
    Cli::<E::TrainArgs, E::SampleArgs, E::Commands>::command_of(E::NAME, E::ABOUT, E::EXAMPLES)
}

fn playground<E: Trained>(folder: &Path, device: &Device) -> Result<Option<Box<dyn Playground>>> {
    Ok(load_run::<E>(folder, device)?.1.playground())
}

/// Files in the folder of a run that the family writes, in addition to those of every run.
pub(super) fn files<E: Experiment>() -> Vec<&'static str> {
    let pictures = E::PICTURES.iter().map(|(name, _)| *name);
    pictures
        .chain(E::FILES.iter().copied())
        .chain(latent::FILES)
        .chain([report::FILE, TENSORBOARD, CSV])
        .collect()
}

/// Metrics for TensorBoard, with `train.log.tensorboard`.
pub(super) const TENSORBOARD: &str = "events.out.tfevents.gibbs";
/// Metrics as a table, with `train.log.csv`.
pub(super) const CSV: &str = "metrics.csv";

/// Writes the page about the run in a folder.
///
/// # Errors
/// A folder without a run, a damaged `metrics.jsonl`, or a file that cannot be written.
pub fn write_report(folder: &Path, pictures: &[(&str, &str)]) -> Result<()> {
    let run = Run::read(folder).or_usage()?;
    Ok(page(&run, pictures)?.save(folder.join(report::FILE))?)
}
