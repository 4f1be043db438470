//! What a model family brings, and the three commands built on it.

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use burn::prelude::*;
use clap::{Args, Parser, Subcommand};
use gibbs_data::{Splits, npy};
use gibbs_report::ImageGrid;
use gibbs_train::{
    atomic,
    run_folder::{Existing, Machine, RunFiles, RunFolder},
    training::{LoopConfig, Outcome, StopFlag, TrainTask, Trainer},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    cli::{self, Cli, Command, Part, Preset, Shared, Shorthand},
    config::{self, ConfigOf},
    evaluation::Evaluation,
    fault::{self, Fault},
    progress::Progress,
};

/// A model family: a trained model with its configuration, seen from the command line.
pub trait Experiment: Sized {
    /// Name of the binary.
    const NAME: &'static str;
    /// Data set when none is given.
    const DATA: &'static str;
    /// Files that a run writes beside those of every run.
    const FILES: &'static [&'static str];
    /// Metrics that the progress bar shows.
    const SHOWN: &'static [&'static str];
    /// Configuration of the model.
    type Model: Clone + Serialize + DeserializeOwned;
    /// Configuration of training and measuring.
    type Train: Clone + Serialize + DeserializeOwned + Length;
    /// Further flags of `train`.
    type TrainArgs: Shorthand;
    /// Further flags of `sample`.
    type SampleArgs: Args;
    /// Further commands.
    type Commands: Subcommand;

    /// Settings to start from on a data set.
    fn preset(preset: Preset, data: &str) -> (Self::Model, Self::Train);

    /// The run to which this one is to be compared, such as one without pre-training. It is made after this one, in the
    /// folder [`CONTROL`] inside this one's.
    fn control(_config: &ConfigOf<Self>) -> Option<ConfigOf<Self>> {
        None
    }

    /// What the run is named after: the data, unless they are none.
    fn label(config: &ConfigOf<Self>) -> String {
        config.data.name.clone()
    }

    /// The data: a named set or a file, unless they come from elsewhere.
    ///
    /// # Errors
    /// A set or file that cannot be read.
    fn data(config: &mut ConfigOf<Self>, shared: &Shared) -> Result<Splits> {
        Ok(gibbs_data::load(&config.data.name, &shared.data_dir)?)
    }

    /// One line that says what the model is trained on.
    fn describe(_config: &ConfigOf<Self>, data: &Splits) -> String {
        data.train.describe()
    }

    /// Fills in what the configuration leaves to the model or the data, and checks the rest.
    ///
    /// # Errors
    /// A setting that cannot be used, or does not fit the data.
    fn settle(config: &mut ConfigOf<Self>, data: &Splits) -> Result<()>;

    /// A new model with its data, objective and optimizer, ready to be trained.
    ///
    /// # Errors
    /// A setting that cannot be used, or does not fit the data.
    fn task(config: &ConfigOf<Self>, data: &Splits, device: &Device) -> Result<Box<dyn TrainTask>>;

    /// The model with the weights in the bytes of a `model.safetensors`.
    ///
    /// # Errors
    /// Weights that do not fit the configuration.
    fn load(config: &ConfigOf<Self>, weights: &[u8], device: &Device) -> Result<Self>;

    /// Measures every example from now on, where a run looks at a part of them for want of time.
    fn measure_all(&mut self) {}

    /// Measures the model on a part of the data, beside what else its folder holds to be compared with.
    ///
    /// # Errors
    /// Data that do not fit the model.
    fn evaluate(&self, data: &Splits, part: Part, files: &RunFiles) -> Result<Evaluation>;

    /// Draws from the model and writes the draws to a picture or an array.
    ///
    /// # Errors
    /// A file that cannot be written, or of an unknown kind.
    fn sample(&self, args: &cli::Sample, family: &Self::SampleArgs, shared: &Shared) -> Result<PathBuf>;

    /// Writes the pictures of a finished run.
    ///
    /// # Errors
    /// A file that cannot be written.
    fn draw_pictures(&self, data: &Splits, folder: &RunFolder) -> Result<()>;

    /// Runs a command that only this family has.
    ///
    /// # Errors
    /// Whatever is wrong with its input.
    fn run(command: &Self::Commands, shared: &Shared) -> Result<()>;
}

/// The part of a training configuration that tells the loop how long a run lasts.
pub trait Length {
    /// The loop's configuration; its epochs are those of all stages of the run.
    fn run(&self) -> LoopConfig;
}

/// Folder of the control inside that of a run.
pub const CONTROL: &str = "control";

/// The whole program of a family: parses the command line, runs the command, reports an error.
pub fn main<E: Experiment>() -> ExitCode {
    let cli = Cli::<E::TrainArgs, E::SampleArgs, E::Commands>::parse();
    let done = |()| ExitCode::SUCCESS;
    let outcome = match &cli.command {
        Command::Train { common, family } => train::<E>(common, family, &cli.shared),
        Command::Eval(args) => eval::<E>(args, &cli.shared).map(done),
        Command::Sample { common, family } => sample::<E>(common, family, &cli.shared).map(done),
        Command::Own(command) => E::run(command, &cli.shared).map(done),
    };
    outcome.unwrap_or_else(|error| fault::report(&error))
}

/// Name and device of the backend that the command line asks for. From here on the process keeps the memory it frees.
///
/// # Errors
/// A backend that is unknown, not compiled in, or without a device here.
pub fn device(shared: &Shared) -> Result<(String, Device)> {
    gibbs_backend::keep_freed_memory();
    let none = || Fault::usage("no backend is compiled in: build with `--features flex`");
    let name = match &shared.backend {
        Some(name) => name.clone(),
        None => gibbs_backend::default_backend().ok_or_else(none)?.into(),
    };
    let device = gibbs_backend::device(&name)?;
    Ok((name, device))
}

#[allow(clippy::print_stderr, reason = "what differs from the preset is told on stderr")]
fn train<E: Experiment>(args: &cli::Train, family: &E::TrainArgs, shared: &Shared) -> Result<ExitCode> {
    let (backend, device) = device(shared)?;
    let path = run_folder::<E>(args, family)?;
    let saved = Some(path.join("config.json")).filter(|file| args.resume && file.is_file());
    let (mut config, changes) = config::resolve::<E>(args, family, saved.as_deref())?;
    let data = load_data::<E>(&mut config, shared)?;
    let existing = match (args.resume, args.overwrite) {
        (true, _) => Existing::Resume,
        (_, true) => Existing::Overwrite,
        _ => Existing::Refuse,
    };
    if existing == Existing::Refuse && RunFolder::holds_run(&path) {
        RunFolder::start(&path, existing, E::FILES)?;
    }
    if let Some(file) = &saved {
        check_same_run::<E>(file, &config)?;
    }
    if !args.quiet {
        eprintln!("{}", E::describe(&config, &data));
        for change in &changes {
            eprintln!("{change}");
        }
    }
    let run = Run { data: &data, backend, device, existing, quiet: args.quiet, stop: stop_on_ctrl_c()? };
    run.whole::<E>(&config, &path)
}

/// What a run and its control have in common.
struct Run<'a> {
    data: &'a Splits,
    backend: String,
    device: Device,
    existing: Existing,
    quiet: bool,
    stop: StopFlag,
}

impl Run<'_> {
    /// Trains a model and its control, measures both, draws the pictures.
    #[allow(clippy::print_stderr, reason = "the figures are told on stderr")]
    fn whole<E: Experiment>(&self, config: &ConfigOf<E>, path: &Path) -> Result<ExitCode> {
        let Some((mut folder, model)) = self.train::<E>(config, path, self.existing)? else {
            return Ok(ExitCode::from(fault::INTERRUPTED));
        };
        if let Some(control) = E::control(config) {
            // Whatever was there belongs to this run, which was allowed to go on or to start anew.
            let existing =
                if self.existing == Existing::Refuse { Existing::Overwrite } else { self.existing };
            let Some((mut folder, _)) = self.train::<E>(&control, &path.join(CONTROL), existing)? else {
                return Ok(ExitCode::from(fault::INTERRUPTED));
            };
            folder.end()?;
        }
        // Everything is saved: from here on Ctrl-C may end the program at once.
        self.stop.request();
        model.draw_pictures(self.data, &folder)?;
        let part = Part::Test;
        let evaluation = model.evaluate(self.data, part, &folder.files())?;
        let mut summary = evaluation.to_json(E::NAME, &E::label(config), part.name(), self.data.test.len());
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
    #[allow(clippy::print_stderr, reason = "what begins is told on stderr")]
    fn train<E: Experiment>(
        &self,
        config: &ConfigOf<E>,
        path: &Path,
        existing: Existing,
    ) -> Result<Option<(RunFolder, E)>> {
        let mut task = E::task(config, self.data, &self.device)?;
        let mut folder = RunFolder::start(path, existing, E::FILES)?;
        if !self.quiet {
            eprintln!("{} on {}, run folder {}", E::NAME, self.backend, path.display());
        }
        folder.write_config(config)?;
        folder.begin(Machine {
            version: env!("CARGO_PKG_VERSION").into(),
            backend: self.backend.clone(),
            device: format!("{:?}", self.device),
            command: env::args().collect(),
        })?;
        let mut trainer = Trainer::new(config.train.run()).stop_on(self.stop.clone());
        if !self.quiet {
            trainer = trainer.observe(Progress::new(E::SHOWN));
        }
        let report = trainer.run(task.as_mut(), Some(&mut folder))?;
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

/// The first Ctrl-C asks the loop to end with a checkpoint; one that comes later ends the program.
fn stop_on_ctrl_c() -> Result<StopFlag> {
    let stop = StopFlag::new();
    let handler = stop.clone();
    ctrlc::set_handler(move || {
        if handler.is_requested() {
            std::process::exit(fault::INTERRUPTED.into());
        }
        handler.request();
    })?;
    Ok(stop)
}

/// A resumed run must be the run that was started: only how it is logged, saved and stopped may change.
/// Its epochs may not, since schedules depend on them.
fn check_same_run<E: Experiment>(saved: &Path, config: &ConfigOf<E>) -> Result<()> {
    let before = config::read::<E>(saved)?;
    let loop_keys = json!(LoopConfig::default());
    let changes = gibbs_train::config::changes(&before, config)?;
    let changed = changes.iter().find(|change| {
        let key = change.path.strip_prefix("train.").unwrap_or(&change.path);
        key == "epochs" || loop_keys.get(key).is_none()
    });
    match changed {
        None => Ok(()),
        Some(change) => Err(Fault::usage(format!(
            "--resume with {} = {}, which is {} in {}: give the same settings, or start anew in another folder",
            change.path,
            change.to,
            change.from,
            saved.display()
        ))),
    }
}

/// The folder of the run: that given, or one named after family, data and seed.
fn run_folder<E: Experiment>(args: &cli::Train, family: &E::TrainArgs) -> Result<PathBuf> {
    if let Some(folder) = &args.run_dir {
        return Ok(folder.clone());
    }
    let (config, _) = config::resolve::<E>(args, family, None)?;
    let label = E::label(&config);
    let label = Path::new(&label).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(PathBuf::from("runs").join(format!("{}-{label}-s{}", E::NAME, config.seed)))
}

/// The model in a run folder with the weights there.
fn load_model<E: Experiment>(config: &ConfigOf<E>, files: &RunFiles, device: &Device) -> Result<E> {
    let path = files.model();
    let weights = std::fs::read(&path).map_err(|error| {
        Fault::usage(format!("cannot read {}: {error}; finish the run, or put weights there", path.display()))
    })?;
    E::load(config, &weights, device).map_err(|error| error.context(path.display().to_string()))
}

/// The model in a run folder, with its configuration.
///
/// # Errors
/// A folder that holds no run of this family, or damaged files.
pub fn load_run<E: Experiment>(folder: &Path, device: &Device) -> Result<(ConfigOf<E>, E)> {
    let files = RunFolder::read(folder)?;
    let config = config::read::<E>(&files.config())?;
    let model = load_model::<E>(&config, &files, device)?;
    Ok((config, model))
}

/// The control beside a run, if it was made.
///
/// # Errors
/// Damaged files.
pub fn load_control<E: Experiment>(files: &RunFiles, device: &Device) -> Result<Option<E>> {
    let folder = files.named(CONTROL);
    let is_whole = folder.join("config.json").is_file() && folder.join("model.safetensors").is_file();
    is_whole.then(|| load_run::<E>(&folder, device).map(|(_, model)| model)).transpose()
}

#[allow(clippy::print_stdout, reason = "stdout carries the results")]
fn eval<E: Experiment>(args: &cli::Eval, shared: &Shared) -> Result<()> {
    let (_, device) = device(shared)?;
    let files = RunFolder::read(&args.examples.run_dir)?;
    let mut config = config::read::<E>(&files.config())?;
    if let Some(name) = &args.examples.data {
        config.data.name.clone_from(name);
    }
    let data = load_data::<E>(&mut config, shared)?;
    let mut model = load_model::<E>(&config, &files, &device)?;
    if args.per_example.is_some() || args.examples.data.is_some() {
        model.measure_all();
    }
    let evaluation = model.evaluate(&data, args.examples.split, &files)?;
    if let Some(path) = &args.per_example {
        npy::write(path, &evaluation.per_example, &[evaluation.per_example.len()])?;
    }
    let n: usize = args.examples.split.splits().iter().map(|&split| data.get(split).len()).sum();
    println!("{}", evaluation.to_json(E::NAME, &E::label(&config), args.examples.split.name(), n));
    Ok(())
}

/// The data of a configuration, which is settled by them, as the model is to see them.
fn load_data<E: Experiment>(config: &mut ConfigOf<E>, shared: &Shared) -> Result<Splits> {
    let data = E::data(config, shared)?;
    E::settle(config, &data)?;
    config.data.binarize(data, config.seed)
}

#[allow(clippy::print_stderr, reason = "where the draws went is told on stderr")]
fn sample<E: Experiment>(args: &cli::Sample, family: &E::SampleArgs, shared: &Shared) -> Result<()> {
    if args.n == 0 {
        return Err(Fault::usage("-n 0: draw at least one sample"));
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
        _ => {
            return Err(Fault::usage(format!("--out {}: the name must end in .png or .npy", path.display())));
        }
    }
    Ok(())
}
