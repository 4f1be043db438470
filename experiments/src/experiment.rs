//! What a model family brings, and the three commands built on it.

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use burn::prelude::*;
use clap::{Args, Subcommand};
use gibbs_data::{Binarization, Splits, npy};
use gibbs_report::ImageGrid;
use gibbs_train::{
    atomic,
    run_folder::{Existing, Machine, RunFiles, RunFolder},
    training::{LoopConfig, Outcome, StopFlag, TrainTask, Trainer},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    cli::{self, Cli, Command, Part, Shared, Shorthand},
    config::{self, ConfigOf, Length},
    evaluation::Evaluation,
    progress::Progress,
    request::Request,
    source::{Source, SourceInfo, Target},
    usage::{self, OrUsage, classify, usage},
};

/// A model family: a trained model with its configuration, as the command line uses it.
pub trait Experiment: Sized {
    /// Name of the binary.
    const NAME: &'static str;
    /// Two sentences on the model and its use.
    const ABOUT: &'static str;
    /// Command lines to begin with.
    const EXAMPLES: &'static [&'static str];
    /// Data set when none is given.
    const DATA: &'static str;
    /// Files that a run of this family writes, in addition to those of every run.
    const FILES: &'static [&'static str];
    /// Metrics that the progress bar shows.
    const SHOWN: &'static [&'static str];
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
    type Commands: Subcommand;

    /// The target that a request names; `None` where the run learns from data.
    ///
    /// # Errors
    /// Settings that make no target.
    fn target(_request: &Request) -> Result<Option<Self::Target>> {
        Ok(None)
    }

    /// The data of a name. A family may have names of its own, such as patterns that are drawn.
    ///
    /// # Errors
    /// A set or file that cannot be read.
    fn load_data(name: &str, _request: &Request, data_dir: &Path) -> Result<Splits> {
        gibbs_data::load(name, data_dir).or_usage()
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
    fn task<'a>(
        config: &'a ConfigOf<Self>,
        source: &'a Source<Self::Target>,
        device: &Device,
    ) -> Result<Box<dyn TrainTask + 'a>>;

    /// The model with the weights in the bytes of a `model.safetensors`.
    ///
    /// # Errors
    /// Weights that do not fit the configuration.
    fn load(config: &ConfigOf<Self>, weights: &[u8], device: &Device) -> Result<Self>;

    /// Measures every example from now on, where a run measures a part of them to save time.
    fn measure_all(&mut self) {}

    /// Measures the model on a part of the data, or on its target. `files` are those of the run.
    ///
    /// # Errors
    /// Data that do not fit the model.
    fn evaluate(&self, source: &Source<Self::Target>, part: Part, files: &RunFiles) -> Result<Evaluation>;

    /// Draws from the model and writes the draws to a picture or an array.
    ///
    /// # Errors
    /// A file that cannot be written, or of an unknown kind.
    fn sample(&self, args: &cli::Sample, family: &Self::SampleArgs, shared: &Shared) -> Result<PathBuf>;

    /// Writes the pictures of a finished run.
    ///
    /// # Errors
    /// A file that cannot be written.
    fn draw_pictures(&self, source: &Source<Self::Target>, files: &RunFiles) -> Result<()>;

    /// The baseline to compare the run with, such as one without pre-training. It is trained after the run, in the folder
    /// [`BASELINE`] inside the run's.
    fn baseline(_config: &ConfigOf<Self>) -> Option<ConfigOf<Self>> {
        None
    }

    /// Runs a command that only this family has.
    ///
    /// # Errors
    /// Whatever is wrong with its input.
    fn run(command: &Self::Commands, shared: &Shared) -> Result<()>;
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

/// The whole program of a family: parses the command line, runs the command, reports an error.
pub fn main<E: Experiment>() -> ExitCode {
    let cli = match Cli::<E::TrainArgs, E::SampleArgs, E::Commands>::read(E::ABOUT, E::EXAMPLES) {
        Ok(cli) => cli,
        Err(error) => return usage::report(&error),
    };
    let done = |()| ExitCode::SUCCESS;
    let outcome = match &cli.command {
        Command::Train { common, family } => train::<E>(common, family, &cli.shared),
        Command::Eval(args) => eval::<E>(args, &cli.shared).map(done),
        Command::Sample { common, family } => sample::<E>(common, family, &cli.shared).map(done),
        Command::Own(command) => E::run(command, &cli.shared).map(done),
    };
    outcome.unwrap_or_else(|error| usage::report(&error))
}

/// Name and device of the backend that the command line asks for. From here on the process keeps the memory it frees.
///
/// # Errors
/// A backend that is unknown, not compiled in, or without a device here.
pub fn device(shared: &Shared) -> Result<(String, Device)> {
    gibbs_backend::keep_freed_memory();
    let none = || usage("no backend is compiled in: build with `--features flex`");
    let name = match &shared.backend {
        Some(name) => name.clone(),
        None => gibbs_backend::default_backend().ok_or_else(none)?.into(),
    };
    let device = gibbs_backend::device(&name).or_usage()?;
    Ok((name, device))
}

#[allow(clippy::print_stderr, reason = "stderr shows what differs from the preset")]
fn train<E: Experiment>(args: &cli::Train, family: &E::TrainArgs, shared: &Shared) -> Result<ExitCode> {
    let (backend, device) = device(shared)?;
    let request = Request::of_train(args, family)?;
    if let Some(name) = request.get::<String>("experiment") {
        config::check_family::<E>(&name)?;
    }
    let path = run_folder::<E>(args, &request)?;
    let saved = Some(path.join("config.json")).filter(|file| args.resume && file.is_file());
    let existing = match (args.resume, args.overwrite) {
        (true, _) => Existing::Resume,
        (_, true) => Existing::Overwrite,
        _ => Existing::Refuse,
    };
    if existing == Existing::Refuse {
        match RunFolder::holds_run(&path) {
            true => drop(start_folder(&path, existing, E::FILES)?),
            false => require_empty(&path)?,
        }
    }
    let whole = match &saved {
        Some(file) => &Request::of_file(file)?,
        None => &request,
    };
    let source = load_source::<E>(if request.has("data.name") { &request } else { whole }, shared)?;
    let (config, changes) = config::resolve::<E>(&request, &source, saved.as_deref())?;
    if let Some(file) = &saved {
        check_same_run::<E>(file, &source, &config)?;
    }
    E::validate(&config, &source)?;
    if !args.quiet {
        eprintln!("{}", source.describe());
        changes.iter().for_each(|change| eprintln!("{change}"));
    }
    let source = prepare::<E>(&config, source)?;
    let run: Run<'_, E> =
        Run { source: &source, backend, device, existing, quiet: args.quiet, stop: stop_on_ctrl_c()? };
    run.whole(&config, &path)
}

/// What a run and its baseline share.
struct Run<'a, E: Experiment> {
    source: &'a Source<E::Target>,
    backend: String,
    device: Device,
    existing: Existing,
    quiet: bool,
    stop: StopFlag,
}

impl<E: Experiment> Run<'_, E> {
    /// Trains a model and its baseline, measures both, draws the pictures.
    #[allow(clippy::print_stderr, reason = "stderr shows the metrics")]
    fn whole(&self, config: &ConfigOf<E>, path: &Path) -> Result<ExitCode> {
        let Some((mut folder, model)) = self.train(config, path, self.existing)? else {
            return Ok(ExitCode::from(usage::INTERRUPTED));
        };
        if let Some(baseline) = E::baseline(config) {
            // Whatever was there belongs to this run, which was allowed to go on or to start again.
            let existing =
                if self.existing == Existing::Refuse { Existing::Overwrite } else { self.existing };
            let Some((mut folder, _)) = self.train(&baseline, &path.join(BASELINE), existing)? else {
                return Ok(ExitCode::from(usage::INTERRUPTED));
            };
            folder.end()?;
        }
        // Everything is saved: from here on Ctrl-C may end the program at once.
        self.stop.request();
        model.draw_pictures(self.source, &folder.files())?;
        let part = Part::Test;
        let evaluation = model.evaluate(self.source, part, &folder.files())?;
        let mut summary = to_json::<E>(&evaluation, config, None, self.source, part);
        let info = folder.end()?;
        summary["wall_seconds"] = json!(info.map(|info| info.wall_seconds));
        folder.write_summary(&summary)?;
        if !self.quiet {
            for row in evaluation.rows() {
                let value = gibbs_report::format_value(row.value, row.std_err);
                eprintln!("{} {} {value} {} ({})", part.name(), row.name, row.unit, row.kind);
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Trains one model, or goes on with it, and writes its weights; `None` if it was interrupted.
    #[allow(clippy::print_stderr, reason = "stderr shows what begins")]
    fn train(&self, config: &ConfigOf<E>, path: &Path, existing: Existing) -> Result<Option<(RunFolder, E)>> {
        let mut task = E::task(config, self.source, &self.device)?;
        let mut folder = start_folder(path, existing, E::FILES)?;
        if !self.quiet {
            eprintln!("{} on {}, run folder {}", E::NAME, self.backend, path.display());
        }
        folder.write_config(config)?;
        let machine = Machine {
            version: env!("CARGO_PKG_VERSION").into(),
            backend: self.backend.clone(),
            device: format!("{:?}", self.device),
            command: env::args().collect(),
        };
        folder.begin(machine).map_err(of_folder)?;
        let mut trainer = Trainer::new(config.train.run()).stop_on(self.stop.clone());
        if !self.quiet {
            trainer = trainer.observe(Progress::new(E::SHOWN));
        }
        let report = trainer.run(task.as_mut(), Some(&mut folder)).map_err(|error| {
            let is_bad_input = error.is_bad_input();
            classify(error, is_bad_input)
        })?;
        drop(task);
        if report.outcome == Outcome::Interrupted {
            folder.end()?;
            return Ok(None);
        }
        folder.write_model(&report.weights)?;
        let model = E::load(config, &report.weights, &self.device)?;
        Ok(Some((folder, model)))
    }
}

fn of_folder(error: gibbs_train::run_folder::RunFolderError) -> anyhow::Error {
    let is_bad_input = error.is_bad_input();
    classify(error, is_bad_input)
}

fn start_folder(path: &Path, existing: Existing, files: &[&'static str]) -> Result<RunFolder> {
    RunFolder::start(path, existing, files).map_err(of_folder)
}

/// Refuses a folder with files that are none of a run.
fn require_empty(path: &Path) -> Result<()> {
    let is_empty = std::fs::read_dir(path).map_or(true, |mut entries| entries.next().is_none());
    match is_empty {
        true => Ok(()),
        false => Err(usage(format!(
            "{} is not empty and holds no run: give another folder, or empty it",
            path.display()
        ))),
    }
}

/// The first Ctrl-C asks the loop to end with a checkpoint; one that comes later ends the program.
fn stop_on_ctrl_c() -> Result<StopFlag> {
    let stop = StopFlag::new();
    let handler = stop.clone();
    ctrlc::set_handler(move || {
        if handler.is_requested() {
            std::process::exit(usage::INTERRUPTED.into());
        }
        handler.request();
    })?;
    Ok(stop)
}

/// A resumed run must be the run that was started: only how it is logged, saved and stopped may change.
/// Its epochs may not, since schedules depend on them.
fn check_same_run<E: Experiment>(
    saved: &Path,
    source: &Source<E::Target>,
    config: &ConfigOf<E>,
) -> Result<()> {
    let before = config::read::<E>(&Request::of_file(saved)?, Some(source))?;
    let loop_keys = json!(LoopConfig::default());
    let changes = gibbs_train::config::changes(&before, config)?;
    let changed = changes.iter().find(|change| {
        let key = change.path.strip_prefix("train.").unwrap_or(&change.path);
        key == "epochs" || loop_keys.get(key).is_none()
    });
    match changed {
        None => Ok(()),
        Some(change) => Err(usage(format!(
            "--resume with {} = {}, which is {} in {}: give the same settings, or start a run in another folder",
            change.path,
            change.to,
            change.from,
            saved.display()
        ))),
    }
}

/// The folder of the run: that given, or one named after family, source and seed.
fn run_folder<E: Experiment>(args: &cli::Train, request: &Request) -> Result<PathBuf> {
    if let Some(folder) = &args.run_dir {
        return Ok(folder.clone());
    }
    let label = match E::target(request)? {
        Some(target) => target.name(),
        None => request.or("data.name", E::DATA.to_string()),
    };
    let label = Path::new(&label).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let seed: u64 = request.or("seed", 0);
    Ok(PathBuf::from("runs").join(format!("{}-{label}-s{seed}", E::NAME)))
}

/// The source that a request names.
fn load_source<E: Experiment>(request: &Request, shared: &Shared) -> Result<Source<E::Target>> {
    match E::target(request)? {
        Some(target) => Ok(Source::Target(target)),
        None => {
            let name = request.or("data.name", E::DATA.to_string());
            Ok(Source::Data(E::load_data(&name, request, &shared.data_dir)?))
        }
    }
}

/// The source as the model receives it.
fn prepare<E: Experiment>(config: &ConfigOf<E>, source: Source<E::Target>) -> Result<Source<E::Target>> {
    Ok(match source {
        Source::Data(data) => Source::Data(E::prepare(config, data)?),
        target => target,
    })
}

/// The model in a run folder with the weights there.
fn load_model<E: Experiment>(config: &ConfigOf<E>, files: &RunFiles, device: &Device) -> Result<E> {
    let path = files.model();
    let weights = std::fs::read(&path).map_err(|error| {
        usage(format!("cannot read {}: {error}; finish the run, or put weights there", path.display()))
    })?;
    E::load(config, &weights, device)
        .map_err(|error| usage(format!("{}: {}", path.display(), usage::one_line(&error))))
}

/// The model in a run folder, with its configuration.
///
/// # Errors
/// A folder that holds no run of this family, or damaged files.
pub fn load_run<E: Experiment>(folder: &Path, device: &Device) -> Result<(ConfigOf<E>, E)> {
    let files = RunFolder::read(folder).map_err(of_folder)?;
    let config = config::read::<E>(&Request::of_file(&files.config())?, None)?;
    let model = load_model::<E>(&config, &files, device)?;
    Ok((config, model))
}

/// The baseline of a run, if it was made.
///
/// # Errors
/// Damaged files.
pub fn load_baseline<E: Experiment>(files: &RunFiles, device: &Device) -> Result<Option<E>> {
    let folder = files.named(BASELINE);
    let is_whole = folder.join("config.json").is_file() && folder.join("model.safetensors").is_file();
    is_whole.then(|| load_run::<E>(&folder, device).map(|(_, model)| model)).transpose()
}

/// The model of a run with the examples that a command is applied to: those of the run, or `--data`.
///
/// # Errors
/// A folder that holds no run of this family, damaged files, or data that do not fit.
pub fn load_with_source<E: Experiment>(
    examples: &cli::Examples,
    shared: &Shared,
) -> Result<(ConfigOf<E>, E, Source<E::Target>)> {
    let (_, device) = device(shared)?;
    let files = RunFolder::read(&examples.run_dir).map_err(of_folder)?;
    let request = Request::of_file(&files.config())?;
    if let Some(name) = request.get::<String>("experiment") {
        config::check_family::<E>(&name)?;
    }
    let source = match &examples.data {
        Some(name) => Source::Data(E::load_data(name, &request, &shared.data_dir)?),
        None => load_source::<E>(&request, shared)?,
    };
    let config = config::read::<E>(&request, Some(&source))?;
    E::validate(&config, &source)?;
    let source = prepare::<E>(&config, source)?;
    let model = load_model::<E>(&config, &files, &device)?;
    Ok((config, model, source))
}

#[allow(clippy::print_stdout, reason = "stdout carries the results")]
fn eval<E: Experiment>(args: &cli::Eval, shared: &Shared) -> Result<()> {
    let (config, mut model, source) = load_with_source::<E>(&args.examples, shared)?;
    if args.per_example.is_some() || args.examples.data.is_some() {
        model.measure_all();
    }
    let part = args.examples.split;
    let files = RunFolder::read(&args.examples.run_dir).map_err(of_folder)?;
    let evaluation = model.evaluate(&source, part, &files)?;
    if let Some(path) = &args.per_example {
        npy::write(path, &evaluation.per_example, &[evaluation.per_example.len()])?;
    }
    println!("{}", to_json::<E>(&evaluation, &config, args.examples.data.as_deref(), &source, part));
    Ok(())
}

/// The object that `eval` prints, for the run's own source unless other data are named.
fn to_json<E: Experiment>(
    evaluation: &Evaluation,
    config: &ConfigOf<E>,
    data: Option<&str>,
    source: &Source<E::Target>,
    part: Part,
) -> serde_json::Value {
    let (label, n) = match source {
        Source::Data(splits) => {
            let n = part.splits().iter().map(|&split| splits.get(split).len()).sum();
            let name = data.or(config.data.as_ref().map(|data| data.name.as_str()));
            (name.unwrap_or_default().to_string(), n)
        }
        Source::Target(target) => (target.name(), 0),
    };
    evaluation.to_json(E::NAME, &label, part.name(), n)
}

#[allow(clippy::print_stderr, reason = "stderr shows where the draws are")]
fn sample<E: Experiment>(args: &cli::Sample, family: &E::SampleArgs, shared: &Shared) -> Result<()> {
    if args.n == 0 {
        return Err(usage("-n 0: draw at least one sample"));
    }
    let (_, device) = device(shared)?;
    let (_, model) = load_run::<E>(&args.run_dir, &device)?;
    let out = model.sample(args, family, shared)?;
    eprintln!("wrote {}", out.display());
    Ok(())
}

/// Writes images `[n, rows, columns]` as a grid of `means` (`.png`, values in \[0, 1\]) or an array of `values` (`.npy`, f32).
///
/// # Errors
/// A name with another ending, or a file that cannot be written.
pub fn write_draws(path: &Path, means: &[f32], values: &[f32], [n, rows, columns]: [usize; 3]) -> Result<()> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("png") => atomic::write(path, &ImageGrid::new(rows, columns).render(means)?.to_png()?)?,
        Some("npy") => npy::write(path, values, &[n, rows, columns])?,
        _ => return Err(usage(format!("--out {}: the name must end in .png or .npy", path.display()))),
    }
    Ok(())
}
