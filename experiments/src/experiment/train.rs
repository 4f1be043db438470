//! The command `train`.

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use burn::prelude::*;
use gibbs_data::check::DataCheck;
use gibbs_train::{
    run_folder::{Existing, Machine, RunFolder},
    training::{BoxError, LoopConfig, Outcome, StopFlag, TrainTask, Trainer},
};
use serde_json::{Map, Value, json};

use super::{BASELINE, Experiment, device, load_source, measure, prepare, trained::to_json};
use crate::{
    cli::{self, Part, Shared},
    config::{self, ConfigOf, Length},
    data::{describe_splits, warn_of_shift},
    output::note,
    progress::Progress,
    request::Request,
    source::{Source, SourceInfo, Target},
    usage::{self, classify, of_folder, usage},
};

pub(super) fn train<E: Experiment>(
    args: &cli::Train,
    family: &E::TrainArgs,
    shared: &Shared,
) -> Result<ExitCode> {
    let (backend, device) = device(shared)?;
    let mut request = Request::new(&args.request, family, settings_from::<E>(&args.request)?)?;
    request.is_quiet = args.quiet;
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
    let source = load_source::<E>(if request.has("data.name") { &request } else { whole }, None, shared)?;
    let (config, changes) = config::resolve::<E>(&request, &source, saved.as_deref())?;
    if let Some(file) = &saved {
        check_same_run::<E>(file, &source, &config)?;
    }
    E::validate(&config, &source)?;
    if matches!(&source, Source::Data(data) if data.train.weights().is_some()) && !E::USES_WEIGHTS {
        return Err(usage(format!(
            "data.weights: {} does not train with weights; leave them out, or take made, van, realnvp or cnf",
            E::NAME
        )));
    }
    let check = match &source {
        Source::Data(data) => {
            let is_density = E::is_density_of_columns(&request, &SourceInfo::of(&source)?);
            let check = DataCheck::of(&data.train);
            Some(check.filtered(|found| config.density().is_open(found, is_density)))
        }
        Source::Target(_) => None,
    };
    if !args.quiet {
        note(source.describe());
        if let Source::Data(data) = &source {
            note(describe_splits(data));
            warn_of_shift(data).into_iter().for_each(note);
        }
        check.iter().for_each(note);
        changes.iter().for_each(note);
    }
    let source = prepare::<E>(&config, source)?;
    let run: Run<'_, E> =
        Run { source: &source, check, backend, device, existing, quiet: args.quiet, stop: stop_on_ctrl_c()? };
    run.whole(&config, &path)
}

/// The settings that `--from` stands for: `from`, the model of that run, and its data if no others are given; `train.from` where
/// the family takes the layers of a `dbn` run.
pub(super) fn settings_from<E: Experiment>(args: &cli::RequestArgs) -> Result<Vec<(String, Value)>> {
    let Some(folder) = &args.from else { return Ok(Vec::new()) };
    let name = folder.to_str().ok_or_else(|| usage(format!("--from {}: not UTF-8", folder.display())))?;
    let run = RunFolder::read(folder).map_err(of_folder).and_then(|files| Request::of_file(&files.config()));
    let family = run.as_ref().ok().and_then(|run| run.get::<String>("experiment"));
    let is_own = family.as_deref() == Some(E::NAME);
    if E::TAKES_LAYERS && (E::NAME == "dbn" || !is_own) {
        return Ok(vec![("train.from".into(), json!(name))]);
    }
    let run = run.map_err(|error| usage(format!("--from {name}: {}", usage::one_line(&error))))?;
    if let Some(family) = family.filter(|_| !is_own) {
        return Err(usage(format!(
            "--from {name}: the run there is one of `{family}`; give one of `{}`",
            E::NAME
        )));
    }
    let has_data = args.data.is_some() || args.config.is_some();
    let of_section = |section: &'static str| {
        let values: Map<String, Value> = run.or(section, Map::new());
        values.into_iter().map(move |(key, value)| (format!("{section}.{key}"), value))
    };
    let is_kept =
        |(path, _): &(String, Value)| !(has_data && (path.starts_with("data.") || path == "model.system"));
    let sections = of_section("model").chain(of_section("data")).filter(is_kept);
    Ok(std::iter::once(("from".into(), json!(name))).chain(sections).collect())
}

/// Puts the weights of a run into a task.
fn start_from(task: &mut dyn TrainTask, folder: &Path) -> Result<()> {
    let path = RunFolder::read(folder).map_err(of_folder)?.model();
    let bytes = std::fs::read(&path).map_err(|error| usage(format!("from = {}: {error}", path.display())))?;
    let refused = |error: BoxError| {
        let reason = usage::one_line(&anyhow::Error::from_boxed(error));
        usage(format!("from = {}: {reason}", folder.display()))
    };
    task.load_weights(&bytes).map_err(refused)
}

/// What a run and its baseline share.
struct Run<'a, E: Experiment> {
    source: &'a Source<E::Target>,
    check: Option<DataCheck>,
    backend: String,
    device: Device,
    existing: Existing,
    quiet: bool,
    stop: StopFlag,
}

impl<E: Experiment> Run<'_, E> {
    /// Trains a model and its baseline, measures both, draws the pictures.
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
        let evaluation = measure(&model, self.source, part, &folder.files())?;
        let mut summary = to_json::<E>(&evaluation, config, None, self.source, (part, part.name()));
        let info = folder.end()?;
        summary["wall_seconds"] = json!(info.map(|info| info.wall_seconds));
        if let Some(check) = &self.check {
            summary["data_check"] = json!(check);
        }
        folder.write_summary(&summary)?;
        if !self.quiet {
            for row in evaluation.rows() {
                note(format!("{} {} {} {} ({})", part.name(), row.name, row.text, row.unit, row.kind));
            }
        }
        evaluation.warnings().for_each(note);
        Ok(ExitCode::SUCCESS)
    }

    /// Trains one model, or goes on with it, and writes its weights; `None` if it was interrupted.
    fn train(&self, config: &ConfigOf<E>, path: &Path, existing: Existing) -> Result<Option<(RunFolder, E)>> {
        let mut task = E::task(config, self.source, &self.device)?;
        let has_checkpoint = || RunFolder::read(path).is_ok_and(|files| files.checkpoint().is_file());
        let is_under_way = existing == Existing::Resume && has_checkpoint();
        if let Some(from) = config.from.as_ref().filter(|_| !is_under_way) {
            start_from(task.as_mut(), from)?;
        }
        let mut folder = start_folder(path, existing, E::FILES)?;
        if !self.quiet {
            note(format!("{} on {}, run folder {}", E::NAME, self.backend, path.display()));
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

fn start_folder(path: &Path, existing: Existing, files: &[&'static str]) -> Result<RunFolder> {
    RunFolder::start(path, existing, &[files, &super::latent::FILES].concat()).map_err(of_folder)
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
