//! The command `train`.

use std::{env, fs, process::ExitCode};

use anyhow::{Context, anyhow};
use gibbs_data::check::DataCheck;
use gibbs_report::write_atomic;
use gibbs_runs::curves;
use gibbs_train::{
    config::Change,
    run_folder::{Existing, Machine, RunFolder, RunInfo},
    training::{Outcome, Report, TensorBoard, Trainer},
};
use serde_json::Map;

use super::{BASELINE, device, family, load_source, measure, prepare, trained::to_json};
use crate::{
    config::{self, ConfigOf},
    data::{describe_splits, warn_of_shift},
    interrupt::Interrupt,
    log::Log,
    memory,
    output::note,
    prelude::*,
    progress::Progress,
    source::{self, Target},
    usage::{self, classify, of_folder},
};

pub(super) fn train<E: Trained>(
    Both { common: args, family }: &Both<cli::Train, E::TrainArgs>,
    shared: &Shared,
) -> Result<ExitCode> {
    let (backend, device) = device(shared)?;
    let mut request = Request::new(&args.request, family, settings_from::<E>(&args.request, family)?)?;
    request.is_quiet = args.quiet;
    if let Some(name) = request.get::<String>("experiment") {
        config::check_family::<E>(&name)?;
    }
    for path in ["model", "train.batch_size"] {
        memory::check_sizes(path, &request.get::<Value>(path), 1)?;
    }
    let path = run_folder::<E>(args, &request)?;
    let existing = match (args.resume, args.overwrite) {
        (true, _) => Existing::Resume,
        (_, true) => Existing::Overwrite,
        _ => Existing::Refuse,
    };
    check_folder::<E>(&path, existing)?;
    let recorded = recorded_preset(&path).filter(|_| args.resume);
    check_preset(args, &path, recorded.as_deref())?;
    let saved = Some(path.join("config.json")).filter(|file| args.resume && file.is_file());
    let before = saved.as_deref().map(Request::of_file).transpose()?;
    let whole = before.as_ref().unwrap_or(&request);
    let source = load_source::<E>(if request.has("data.name") { &request } else { whole }, None, shared)?;
    let source = match source {
        Source::Data(data) if saved.is_some() => {
            let limit = source::limit(whole, data.width(), false);
            Source::Data(source::limited(data, limit))
        }
        source => source,
    };
    let (config, changes) = config::resolve::<E>(&request, &source, saved.as_deref())?;
    if let Some(file) = &saved {
        check_same_run::<E>(file, &source, &config)?;
    }
    memory::check_sizes("model", &config.model, SourceInfo::of(&source)?.width)?;
    E::validate(&config, &source)?;
    let data = source.data().ok();
    if !E::USES_WEIGHTS && data.is_some_and(|data| data.train.weights().is_some()) {
        refuse!(
            "data.weights: {} does not train with weights; leave them out, or take one of {}",
            E::NAME,
            family::names(|family| family.uses_weights)
        );
    }
    let is_density = E::is_density_of_columns(&config.model);
    let is_open = |found: &_| config.density().is_open(found, is_density);
    let check = data.map(|data| DataCheck::of(&data.train).filtered(is_open));
    if !args.quiet {
        note(source.describe());
        if let Some(data) = data {
            note(describe_splits(data));
            warn_of_shift(data).into_iter().for_each(note);
        }
        let limit = config.data.iter().filter_map(|data| data.limit);
        limit.for_each(|n| note(format!("data.limit = {n}: the first {n} training examples only")));
        check.iter().for_each(note);
        changes.iter().for_each(note);
    }
    let warnings = clamped_batch(&config.train, data).into_iter().collect();
    let source = prepare::<E>(&config, source)?;
    let run: Run<'_, E> = Run {
        source: &source,
        check,
        machine: Machine {
            version: env!("CARGO_PKG_VERSION").into(),
            commit: option_env!("GIBBS_COMMIT").map(String::from),
            compiler: option_env!("GIBBS_COMPILER").map(String::from),
            features: env!("GIBBS_FEATURES").split_whitespace().map(String::from).collect(),
            backend,
            device: format!("{device:?}"),
            command: env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect(),
            preset: recorded.or_else(|| Some(request.preset.name())),
            changes: changes.iter().map(ToString::to_string).collect(),
            source: Some(source.name()),
            ..Machine::here()
        },
        device,
        existing,
        quiet: args.quiet,
        interrupt: Interrupt::install()?,
    };
    run.whole(&config, &path, warnings)
}

/// The settings that `--from` stands for: `from`, the model of that run, and its data if no others are given; `train.from` where
/// the family takes the layers of a `dbn` run. Rows and columns follow the lattice if another one is given.
pub(super) fn settings_from<E: Experiment>(
    args: &cli::RequestArgs,
    flags: &impl Shorthand,
) -> Result<Vec<(String, Value)>> {
    let Some(folder) = &args.from else { return Ok(Vec::new()) };
    let name = folder.to_str().ok_or_else(|| usage!("--from {}: not UTF-8", folder.display()))?;
    let run = RunFolder::read(folder).map_err(of_folder).and_then(|files| Request::of_file(&files.config()));
    let family = run.as_ref().ok().and_then(|run| run.get::<String>("experiment"));
    let is_own = family.as_deref() == Some(E::NAME);
    if E::TAKES_LAYERS && (E::NAME == "dbn" || !is_own) {
        return Ok(vec![("train.from".into(), json!(name))]);
    }
    let run = run.map_err(|error| usage!("--from {name}: {}", usage::one_line(&error)))?;
    if let Some(family) = family.filter(|_| !is_own) {
        refuse!("--from {name}: the run there is one of `{family}`; give one of `{}`", E::NAME);
    }
    let has_data = args.data.is_some() || args.config.is_some();
    let of_section = |section: &'static str| {
        let values: Map<String, Value> = run.or(section, Map::new());
        values.into_iter().map(move |(key, value)| (format!("{section}.{key}"), value))
    };
    let has_lattice = flags.settings().iter().any(|(path, _)| path == "model.system.lattice");
    let is_kept = |(path, _): &(String, Value)| match path.as_str() {
        "model.system" => !has_data,
        "model.rows" | "model.columns" => !has_lattice,
        path => !(has_data && path.starts_with("data.")),
    };
    let sections = of_section("model").chain(of_section("data")).filter(is_kept);
    Ok(std::iter::once(("from".into(), json!(name))).chain(sections).collect())
}

/// Puts the weights of a run into a task.
fn start_from(task: &mut dyn TrainTask, folder: &Path) -> Result<()> {
    let path = RunFolder::read(folder).map_err(of_folder)?.model();
    let bytes = std::fs::read(&path).map_err(|error| usage!("from = {}: {error}", path.display()))?;
    let refused = |error: BoxError| {
        let reason = usage::one_line(&anyhow::Error::from_boxed(error));
        usage!("from = {}: {reason}", folder.display())
    };
    task.load_weights(&bytes).map_err(refused)
}

/// What a run and its baseline share.
struct Run<'a, E: Experiment> {
    source: &'a Source<E::Target>,
    check: Option<DataCheck>,
    machine: Machine,
    device: Device,
    existing: Existing,
    quiet: bool,
    interrupt: Interrupt,
}

impl<E: Trained> Run<'_, E> {
    /// Trains a model and its baseline, measures both, draws the pictures.
    fn whole(&self, config: &ConfigOf<E>, path: &Path, mut warnings: Vec<String>) -> Result<ExitCode> {
        let interrupted = ExitCode::from(usage::INTERRUPTED);
        let Some((mut folder, model, report)) = self.train(config, path, self.existing)? else {
            return Ok(interrupted);
        };
        if let Some(baseline) = E::baseline(config) {
            // It starts from random weights, also where the run does not.
            let baseline = RunConfig { from: None, ..baseline };
            // Whatever was there belongs to this run, which was allowed to go on or to start again.
            let existing =
                if self.existing == Existing::Refuse { Existing::Overwrite } else { self.existing };
            let Some((mut folder, ..)) = self.train(&baseline, &path.join(BASELINE), existing)? else {
                return Ok(interrupted);
            };
            folder.end()?;
        }
        self.interrupt.enter(Some(path));
        let (files, part) = (folder.files(), Part::Test);
        self.say("drawing pictures");
        let drawing = Work::new("drawing", self.quiet);
        model.draw_pictures(self.source, &files)?;
        drop(drawing);
        self.say(&format!("measuring the {} split", part.name()));
        let work = &Work::new("measuring", self.quiet);
        let own = &OwnData::default;
        let on = Measurement { source: self.source, part, files: &files, work, own, shared: None };
        let evaluation = measure(&model, &on)?;
        let select_best = config.train.run().select_best;
        warnings.extend(worse_than_start(&report, select_best));
        warnings.extend(evaluation.warnings());
        let mut summary = to_json::<E>(&evaluation, config, None, self.source, (part, part.name()));
        let info = folder.end()?;
        summary["selected"] = selected(&report, select_best);
        summary["warnings"] = json!(warnings);
        summary["wall_seconds"] = json!(info.map(|info| info.wall_seconds));
        if let Some(check) = &self.check {
            summary["data_check"] = json!(check);
        }
        folder.write_summary(&summary)?;
        // The page says that the run is done, so the lock goes first.
        drop(folder);
        family::write_report(path, E::PICTURES)?;
        self.show(&evaluation, &summary["selected"], part);
        warnings.iter().for_each(|warning| note(format!("warning: {warning}")));
        require_numbers(&evaluation)?;
        Ok(ExitCode::SUCCESS)
    }

    fn say(&self, line: &str) {
        if !self.quiet {
            note(line);
        }
    }

    /// Shows which weights were selected, and the metrics.
    fn show(&self, evaluation: &Evaluation, selected: &Value, part: Part) {
        if let (Some(metric), Some(value)) = (selected["metric"].as_str(), selected["value"].as_f64()) {
            let (step, epoch) = (&selected["step"], &selected["epoch"]);
            self.say(&format!("selected: {metric} {value:.4} at step {step}, epoch {epoch}"));
        }
        for metric in evaluation.read() {
            self.say(&format!("{} {} {}", part.name(), metric.name, metric.line()));
        }
    }

    /// Trains one model, or goes on with it, and writes its weights; `None` if it was interrupted.
    fn train(
        &self,
        config: &ConfigOf<E>,
        path: &Path,
        existing: Existing,
    ) -> Result<Option<(RunFolder, E, Report)>> {
        self.interrupt.enter(None);
        let mut task = E::task(config, self.source, &self.device)?;
        let has_checkpoint = || RunFolder::read(path).is_ok_and(|files| files.checkpoint().is_file());
        let is_under_way = existing == Existing::Resume && has_checkpoint();
        if let Some(from) = config.from.as_ref().filter(|_| !is_under_way) {
            start_from(task.as_mut(), from)?;
        }
        let mut folder = start_folder::<E>(path, existing)?;
        self.say(&format!("{} on {}, run folder {}", E::NAME, self.machine.backend, path.display()));
        folder.write_config(config)?;
        folder.begin(self.machine.clone()).map_err(of_folder)?;
        let run = config.train.run();
        let mut trainer = Trainer::new(run.clone()).stop_on(self.interrupt.stop.clone());
        trainer = trainer.observe(Log);
        if run.log.tensorboard {
            let file = path.join(family::TENSORBOARD);
            trainer = trainer.observe(TensorBoard::open(&file).with_context(|| file.display().to_string())?);
        }
        if !self.quiet {
            trainer = trainer.observe(Progress::new(E::SHOWN));
        }
        let report = trainer.run(task.as_mut(), Some(&mut folder)).map_err(|error| {
            let is_bad_input = error.is_bad_input();
            classify(error, is_bad_input)
        })?;
        drop(task);
        if run.log.csv {
            write_atomic(path.join(family::CSV), curves::to_csv(path)?.as_bytes())?;
        }
        if report.outcome == Outcome::Interrupted {
            folder.end()?;
            return Ok(None);
        }
        folder.write_model(&report.weights)?;
        let model = E::load(config, &report.weights, &self.device)?;
        Ok(Some((folder, model, report)))
    }
}

/// Which weights a run keeps: step, epoch, and the metric of the validation that selected them, `null` where none did.
fn selected(report: &Report, select_best: bool) -> Value {
    let best = report.best.as_ref().filter(|_| select_best);
    let metric = best.and_then(|best| best.metric());
    let step = best.map_or(report.steps_done, |best| best.step);
    json!({
        "step": step,
        "epoch": step.div_ceil(report.steps_per_epoch),
        "metric": metric.map(|(name, _)| name),
        "value": metric.map(|(_, value)| value),
    })
}

/// The warning that training did no good.
fn worse_than_start(report: &Report, select_best: bool) -> Option<String> {
    let best = report.best.as_ref().map(|best| best.score).filter(|_| select_best);
    let (end, start) = (best.or(report.last_score)?, report.start_score?);
    report.is_worse_than_start(select_best).then(|| {
        format!(
            "training made the model worse: the validation score is {end:.4}, it was {start:.4} before the first step; lower \
             train.learning_rate"
        )
    })
}

/// The warning that a step takes all examples, where more are asked for.
fn clamped_batch(train: &impl Serialize, data: Option<&Splits>) -> Option<String> {
    let (asked, n) = (json!(train)["batch_size"].as_u64(), data.map(|data| data.train.len()));
    let asked = asked.zip(n).filter(|&(asked, n)| asked > n as u64);
    asked.map(|(asked, n)| {
        format!(
            "train.batch_size = {asked}, but there are {n} training examples: each step takes all of them"
        )
    })
}

/// Refuses a run that ends without numbers: its training diverged.
fn require_numbers(evaluation: &Evaluation) -> Result<()> {
    let is_nan = |value: &Value| value.as_str().is_some_and(|text| text == "NaN");
    match evaluation.metrics().iter().find(|(_, metric)| is_nan(&metric["value"])) {
        None => Ok(()),
        Some((name, _)) => Err(anyhow!("{name} is NaN: training has diverged; lower train.learning_rate")),
    }
}

pub(super) fn start_folder<E: Experiment>(path: &Path, existing: Existing) -> Result<RunFolder> {
    RunFolder::start(path, existing, &family::files::<E>()).map_err(of_folder)
}

/// Refuses a folder that holds a run unless it is to be resumed or overwritten, one to resume that holds none, and one with files
/// that are none of a run.
pub(super) fn check_folder<E: Experiment>(path: &Path, existing: Existing) -> Result<()> {
    let folder = path.display();
    match (existing, RunFolder::has_begun(path)) {
        (Existing::Resume, false) => {
            refuse!("{folder} holds no run to resume: leave out --resume to start one there")
        }
        (Existing::Refuse, _) if RunFolder::holds_run(path) => start_folder::<E>(path, existing).map(drop),
        (Existing::Refuse, false) => {
            // A run that was killed at once leaves its lock, or the file that it was writing.
            let is_hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.');
            let is_empty = fs::read_dir(path)
                .map_or(true, |entries| entries.flatten().all(|entry| is_hidden(&entry.file_name())));
            require!(is_empty, "{folder} is not empty and holds no run: give another folder, or empty it");
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The preset that a run started from, where it is known.
fn recorded_preset(path: &Path) -> Option<String> {
    let text = fs::read(path.join("run.json")).ok()?;
    serde_json::from_slice::<RunInfo>(&text).ok()?.machine.preset
}

/// Refuses to resume a run with another preset than its own.
fn check_preset(args: &cli::Train, path: &Path, recorded: Option<&str>) -> Result<()> {
    let asked = args.request.preset.map(|preset| preset.name());
    if let (Some(asked), Some(recorded)) = (asked, recorded) {
        require!(
            asked == recorded,
            "--resume --preset {asked}: the run in {} has the preset {recorded}; leave out --preset to go on with it, or start \
             a run in another folder",
            path.display()
        );
    }
    Ok(())
}

/// A resumed run must be the run that was started, except for what [`may_change`].
fn check_same_run<E: Experiment>(
    saved: &Path,
    source: &Source<E::Target>,
    config: &ConfigOf<E>,
) -> Result<()> {
    let before = config::read::<E>(&Request::of_file(saved)?, Some(source))?;
    let changes = gibbs_train::config::changes(&before, config)?;
    if let Some(Change { path, to, from }) = changes.iter().find(|change| !may_change::<E>(change)) {
        let saved = saved.display();
        refuse!(
            "--resume with {path} = {to}, which is {from} in {saved}: give the same settings, or start a run in another folder"
        );
    }
    Ok(())
}

/// Whether a resumed run may change a setting: how it is logged, validated, saved and stopped; the learning rate and clipping,
/// after a divergence; and its length, if the last stage becomes longer.
fn may_change<E: Experiment>(change: &Change) -> bool {
    let Some(key) = change.path.strip_prefix("train.") else { return false };
    if change.path == "train.epochs" {
        return E::Train::EPOCHS_ARE_LAST && change.to.as_u64() > change.from.as_u64();
    }
    let is_of_rate = key.split('.').any(|part| part == "learning_rate" || part == "clip");
    is_of_rate || json!(LoopConfig::default()).get(key).is_some()
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
