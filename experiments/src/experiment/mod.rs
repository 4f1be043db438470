//! What a model family brings, and the program built on it.

mod explain;
mod family;
mod import;
mod latent;
mod train;
mod trained;

use std::{path::Path, process::ExitCode};

use anyhow::Result;
use burn::prelude::*;
use clap::{ArgMatches, Args, FromArgMatches};
use gibbs_data::{Binarization, Dataset, ReadConfig, Splits};
use gibbs_serve::{Offer, Playground, Toy};
use gibbs_train::{run_folder::RunFiles, training::TrainTask};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use tracing::debug;

use crate::{
    cli::{self, Cli, Command, OwnCommands, Part, Shared, Shorthand},
    config::{ConfigOf, Length},
    data::find_file,
    evaluation::Evaluation,
    log,
    look::Look,
    progress::Work,
    request::Request,
    shards::Blocks,
    source::{self, OwnData, Source, SourceInfo, Target},
    usage::OrUsage,
};

pub use family::{Family, OpenPlayground, write_report};
pub use latent::Latent;
pub use trained::{Applied, load_baseline, load_run, load_with_source};

/// A model in training, as `E::task` makes it.
pub type Task<'a> = Result<Box<dyn TrainTask + 'a>>;

/// A model family: a trained model with its configuration. Here are its settings and its training; [`Trained`] has the rest.
pub trait Experiment: Sized {
    /// Name of the binary.
    const NAME: &'static str;
    /// Two sentences on the model and its use.
    const ABOUT: &'static str;
    /// Command lines to begin with.
    const EXAMPLES: &'static [&'static str];
    /// Data set when none is given.
    const DATA: &'static str;
    /// The publication that the family follows.
    const REFERENCE: &'static str;
    /// The guide, in Markdown.
    const GUIDE: &'static str;
    /// Pictures of a finished run: file name, and what to see there.
    const PICTURES: &'static [(&'static str, &'static str)];
    /// Further files that a run of this family writes, in addition to those of every run.
    const FILES: &'static [&'static str];
    /// Trainings of seconds that `gibbs serve` offers.
    const OFFERS: &'static [Offer] = &[];
    /// Metrics that the progress bar shows.
    const SHOWN: &'static [&'static str];
    /// Whether it trains with weights of the examples.
    const USES_WEIGHTS: bool = false;
    /// Whether `--from` takes the layers of a `dbn` run (`train.from`), besides the weights of a run of the family.
    const TAKES_LAYERS: bool = false;
    /// The `model` section: the configuration of the model crate, and what the family adds.
    type Model: Clone + Serialize + DeserializeOwned;
    /// The `train` section.
    type Train: Clone + Serialize + DeserializeOwned + Length;
    /// What the family can learn instead of data.
    type Target: Target;
    /// Further flags of `train`.
    type TrainArgs: Shorthand;
    /// Further flags of `sample`.
    type SampleArgs: Args;
    /// Further commands.
    type Commands: OwnCommands;

    /// The target that a request names; `None` where the run learns from data.
    ///
    /// # Errors
    /// Settings that make no target.
    fn target(_request: &Request) -> Result<Option<Self::Target>> {
        Ok(None)
    }

    /// Whether an epoch of a set of images takes longer than a smoke test may.
    fn is_slow(_request: &Request) -> bool {
        false
    }

    /// The data of a name. A family may have names of its own, such as patterns that are drawn.
    ///
    /// # Errors
    /// A set or file that cannot be read.
    fn load_data(name: &str, read: &ReadConfig, _request: &Request, data_dir: &Path) -> Result<Splits> {
        gibbs_data::load_as(name, read, data_dir).or_usage()
    }

    /// Whether the model is a density of the columns of a table, so that `data.scale`, `data.dequantize` and `data.bounds` mean
    /// something.
    fn is_density_of_columns(_model: &Self::Model) -> bool {
        false
    }

    /// Complete settings for a source. Defaults may depend on what the request gives; the request is laid over them later.
    ///
    /// # Errors
    /// A source that the family cannot learn from.
    fn preset(request: &Request, info: &SourceInfo) -> Result<Settings<Self>>;

    /// Checks the settings, and that the source fits them.
    ///
    /// # Errors
    /// The first setting that is out of range, or data that do not fit.
    fn validate(config: &ConfigOf<Self>, source: &Source<Self::Target>) -> Result<()>;

    /// The data as the model receives them.
    ///
    /// # Errors
    /// Values that the model does not have.
    fn prepare(config: &ConfigOf<Self>, data: Splits) -> Result<Splits> {
        config.binarized(data)
    }

    /// A new model in training.
    ///
    /// # Errors
    /// Settings or data that cannot be used.
    fn task<'a>(config: &'a ConfigOf<Self>, source: &'a Source<Self::Target>, device: &Device) -> Task<'a>;

    /// The model with the weights in the bytes of a `model.safetensors`.
    ///
    /// # Errors
    /// Weights that do not fit the configuration.
    fn load(config: &ConfigOf<Self>, weights: &[u8], device: &Device) -> Result<Self>;

    /// Models to play with in `gibbs serve` that need no run.
    ///
    /// # Errors
    /// A model that cannot be made.
    fn toys() -> Result<Vec<Toy>> {
        Ok(Vec::new())
    }

    /// The baseline to compare the run with, such as one without pre-training. It is trained after the run, in the folder
    /// [`BASELINE`] inside the run's.
    fn baseline(_config: &ConfigOf<Self>) -> Option<ConfigOf<Self>> {
        None
    }
}

/// A trained model: what it is measured by, draws from it, pictures of its run.
pub trait Trained: Experiment {
    /// The model as one with latent variables, for `encode` and `decode`, where the family has them.
    const LATENT: Option<fn(&Self) -> &dyn Latent> = None;

    /// Measures the model.
    ///
    /// # Errors
    /// Data that do not fit the model.
    fn evaluate(&self, on: &Measurement<Self::Target>) -> Result<Evaluation>;

    /// What machines can share of the measurement; `None` where there is nothing.
    ///
    /// # Errors
    /// Data that do not fit the model.
    fn blocks<'a>(&'a self, _on: &Measurement<Self::Target>) -> Result<Option<Box<dyn Blocks + 'a>>> {
        Ok(None)
    }

    /// How examples and draws are shown.
    fn look(&self) -> Look;

    /// Draws from the model.
    ///
    /// # Errors
    /// Flags that do not fit the model.
    fn sample(&self, args: &cli::Sample, family: &Self::SampleArgs, shared: &Shared) -> Result<Drawn>;

    /// Writes the pictures of a finished run.
    ///
    /// # Errors
    /// A file that cannot be written.
    fn draw_pictures(&self, source: &Source<Self::Target>, files: &RunFiles) -> Result<()>;

    /// The trained model to play with in `gibbs serve`; `None` where there is nothing to do with it.
    fn playground(self) -> Option<Box<dyn Playground>> {
        None
    }
}

/// What a model is measured on, and how.
pub struct Measurement<'a, T> {
    /// The data or the target.
    pub source: &'a Source<T>,
    /// Which examples.
    pub part: Part,
    /// Files of the run.
    pub files: &'a RunFiles,
    /// Shows how far the measurement is, and says how many examples are measured where all would take too long.
    pub work: &'a Work,
    /// Loads the data that the run learned from, where other data are measured.
    own: &'a dyn Fn() -> OwnData,
    /// Values of the chains or draws that machines have shared.
    shared: Option<Vec<Vec<f64>>>,
}

impl<'a, T: Target> Measurement<'a, T> {
    /// The data.
    ///
    /// # Errors
    /// A target without any.
    pub fn data(&self) -> Result<&'a Splits> {
        self.source.data()
    }

    /// The sets that are measured.
    ///
    /// # Errors
    /// A target without data.
    pub fn sets(&self) -> Result<Vec<&'a Dataset>> {
        Ok(self.part.of(self.data()?))
    }

    /// The data that the run learned from. A family that fits something for its metrics loads them.
    pub fn own_data(&self) -> OwnData {
        (self.own)()
    }

    /// The values of all blocks: those that machines have shared, else computed here.
    ///
    /// # Errors
    /// A model that cannot be measured.
    pub fn values(&self, blocks: &dyn Blocks) -> Result<Vec<Vec<f64>>> {
        self.shared.clone().map_or_else(|| blocks.all(self.work), Ok)
    }
}

/// Draws of a model, to be written to a picture, an array or a table.
pub struct Drawn {
    /// Title of a picture.
    pub title: String,
    /// Values of the draws, row by row.
    pub values: Vec<f32>,
    /// What a picture shows of them, where that is not their values.
    pub shown: Option<Vec<f32>>,
    /// What was known of completed examples.
    pub given: Option<Vec<f32>>,
    /// How the draws were made, where stderr says so.
    pub how: Option<String>,
}

impl Drawn {
    /// Draws whose values are shown.
    pub fn new(title: impl Into<String>, values: Vec<f32>) -> Self {
        Self { title: title.into(), values, shown: None, given: None, how: None }
    }
}

/// Complete settings of a family for a source.
pub struct Settings<E: Experiment> {
    /// How grey values become zeros and ones.
    pub binarization: Binarization,
    /// The `model` section.
    pub model: E::Model,
    /// The `train` section.
    pub train: E::Train,
}

/// Folder of the baseline inside that of a run.
pub const BASELINE: &str = "baseline";

/// Runs the command of a family that a command line gives.
///
/// # Errors
/// Whatever is wrong with its flags and files.
fn run<E: Trained>(matches: &ArgMatches) -> Result<ExitCode> {
    let cli = Cli::<E::TrainArgs, E::SampleArgs, E::Commands>::from_arg_matches(matches)?;
    log::start(cli.shared.log.as_deref())?;
    let done = |()| ExitCode::SUCCESS;
    match &cli.command {
        Command::Train(args) => train::train::<E>(args, &cli.shared),
        Command::Config(args) => explain::config::<E>(args, &cli.shared).map(done),
        Command::Eval(args) => trained::eval::<E>(args, &cli.shared).map(done),
        Command::Sample(args) => trained::sample::<E>(args, &cli.shared).map(done),
        Command::Encode(args) => latent::encode::<E>(args, &cli.shared).map(done),
        Command::Decode(args) => latent::decode::<E>(args, &cli.shared).map(done),
        Command::Import(args) => import::import::<E>(args, &cli.shared).map(done),
        Command::Own(command) => command.run(&cli.shared).map(done),
    }
}

/// Name and device of the backend that the command line asks for. From here on the process keeps the memory it frees.
///
/// # Errors
/// A backend that is unknown, not compiled in, or without a device here.
pub fn device(shared: &Shared) -> Result<(String, Device)> {
    gibbs_backend::keep_freed_memory();
    let none = || usage!("no backend is compiled in: build with `--features flex`");
    let name = match &shared.backend {
        Some(name) => name.clone(),
        None => gibbs_backend::default_backend().ok_or_else(none)?.into(),
    };
    let device = gibbs_backend::device(&name).or_usage()?;
    debug!(name, ?device, "backend");
    Ok((name, device))
}

/// The source that a request names, or that of the run in a folder.
fn load_source<E: Experiment>(
    request: &Request,
    run_dir: Option<&Path>,
    shared: &Shared,
) -> Result<Source<E::Target>> {
    if let Some(target) = E::target(request)? {
        debug!(target = target.name(), "target");
        return Ok(Source::Target(target));
    }
    let (mut name, mut read) = (request.or("data.name", E::DATA.to_string()), request.read_config());
    if let Some(folder) = run_dir {
        name = find_file(&name, folder)?;
        for path in read.paths_mut() {
            *path = find_file(path, folder)?;
        }
    }
    let data = E::load_data(&name, &read, request, &shared.data_dir)?;
    debug!(
        name,
        train = data.train.len(),
        valid = data.valid.len(),
        test = data.test.len(),
        width = data.width(),
        "data read"
    );
    let limit = source::limit(request, data.width(), E::is_slow(request));
    require!(limit != Some(0), "data.limit = 0: give the number of training examples to take, at least 1");
    Ok(Source::Data(source::limited(data, limit)))
}

/// Measures a model, by the weights of the examples if there are any.
fn measure<E: Trained>(model: &E, on: &Measurement<E::Target>) -> Result<Evaluation> {
    let mut evaluation = model.evaluate(on)?;
    debug!(metrics = %json!(evaluation.metrics()), "measured");
    if let Source::Data(data) = on.source {
        let weights: Option<Vec<&[f32]>> = on.part.of(data).into_iter().map(Dataset::weights).collect();
        weights.into_iter().for_each(|weights| evaluation.weigh(&weights.concat()));
    }
    Ok(evaluation)
}

/// The source as the model receives it.
fn prepare<E: Experiment>(config: &ConfigOf<E>, source: Source<E::Target>) -> Result<Source<E::Target>> {
    Ok(match source {
        Source::Data(data) => Source::Data(E::prepare(config, data)?),
        target => target,
    })
}
