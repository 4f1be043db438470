//! The commands on a trained model: `eval` and `sample`, and how the other commands of a family load a run.

use gibbs_data::{Division, npy};
use gibbs_train::run_folder::RunFolder;

use super::{BASELINE, device, load_source, measure, prepare};
use crate::{
    config::{self, ConfigOf},
    data::is_same_file,
    memory,
    output::{note, print_json},
    prelude::*,
    shards::BlockFolder,
    source::Target,
    usage::{self, check_out_file, of_folder},
};

/// The model in a run folder with the weights there.
fn load_model<E: Experiment>(config: &ConfigOf<E>, files: &RunFiles, device: &Device) -> Result<E> {
    let path = files.model();
    let weights = std::fs::read(&path).map_err(|error| {
        usage!("cannot read {}: {error}; finish the run, or put weights there", path.display())
    })?;
    E::load(config, &weights, device)
        .map_err(|error| usage!("{}: {}", path.display(), usage::one_line(&error)))
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

/// A trained model with the examples that a command is applied to.
pub struct Applied<E: Experiment> {
    /// Configuration of the run.
    pub config: ConfigOf<E>,
    /// The model with its weights.
    pub model: E,
    /// The examples: those of the run, or `--data`.
    pub source: Source<E::Target>,
    /// Which of them.
    pub part: Part,
    /// The name of the part for results: a file that is not divided has `all` of its examples in each part.
    pub part_name: &'static str,
}

/// The model of a run with the examples that a command is applied to: those of the run, or `--data`.
///
/// # Errors
/// A folder that holds no run of this family, damaged files, or data that do not fit.
pub fn load_with_source<E: Experiment>(examples: &cli::Examples, shared: &Shared) -> Result<Applied<E>> {
    let (_, device) = device(shared)?;
    let files = RunFolder::read(&examples.run_dir).map_err(of_folder)?;
    let request = Request::of_file(&files.config())?;
    if let Some(name) = request.get::<String>("experiment") {
        config::check_family::<E>(&name)?;
    }
    let own: String = request.or("data.name", E::DATA.to_string());
    let is_own = examples.data.as_ref().is_some_and(|name| is_same_file(name, &own));
    let source = match examples.data.as_ref().filter(|_| !is_own || examples.files.are_given()) {
        Some(name) => {
            let mut read = examples.files.of_other_file(&request.read_config());
            // A part of a file that is asked for is a tenth or the rest, as in training.
            read.whole = !is_own && examples.split.is_none_or(|part| part == Part::All);
            Source::Data(E::load_data(name, &read, &request, &shared.data_dir)?)
        }
        None => load_source::<E>(&request, Some(&examples.run_dir), shared)?,
    };
    let is_whole = matches!(&source, Source::Data(data) if data.division == Division::Whole);
    let (part, part_name) = match (is_whole, examples.split) {
        (true, Some(Part::All)) => (Part::Test, Part::All.name()),
        (true, None) if examples.data.is_some() => (Part::Test, Part::All.name()),
        (_, part) => {
            let part = part.unwrap_or(Part::Test);
            (part, part.name())
        }
    };
    let config = config::read::<E>(&request, Some(&source))?;
    E::validate(&config, &source)?;
    let source = prepare::<E>(&config, source)?;
    let model = load_model::<E>(&config, &files, &device)?;
    Ok(Applied { config, model, source, part, part_name })
}

/// The data that a run learned from, as its model receives them, if they can be read and fit.
fn own_data<E: Experiment>(
    config: &ConfigOf<E>,
    run_dir: &Path,
    files: &RunFiles,
    shared: &Shared,
) -> Option<Splits> {
    let request = Request::of_file(&files.config()).ok()?;
    let source = load_source::<E>(&request, Some(run_dir), shared).ok()?;
    E::validate(config, &source).ok()?;
    match prepare::<E>(config, source).ok()? {
        Source::Data(data) => Some(data),
        Source::Target(_) => None,
    }
}

pub(super) fn eval<E: Trained>(args: &cli::Eval, shared: &Shared) -> Result<()> {
    args.per_example.iter().try_for_each(|out| check_out_file("--per-example", out))?;
    let Applied { config, model, source, part, part_name } = load_with_source::<E>(&args.examples, shared)?;
    let (other, work) = (args.examples.data.as_deref(), Work::new("measuring", false));
    let work = if args.per_example.is_some() || other.is_some() { work.unbounded() } else { work };
    let files = RunFolder::read(&args.examples.run_dir).map_err(of_folder)?;
    let own = || match other.map(|_| own_data::<E>(&config, &args.examples.run_dir, &files, shared)) {
        None => OwnData::Measured,
        Some(data) => data.map_or(OwnData::Missing, OwnData::Loaded),
    };
    let mut on = Measurement { source: &source, part, files: &files, work: &work, own: &own, shared: None };
    if args.shard.is_some() || args.merge {
        let blocks = model.blocks(&on)?.ok_or_else(|| {
            usage!("this measurement has no estimate by chains or draws that machines could share: run eval without --shard and --merge")
        })?;
        let folder = BlockFolder::new(&files, other.unwrap_or_default(), part_name)?;
        if let Some(shard) = args.shard {
            return folder.compute(&*blocks, shard, &work);
        }
        on.shared = Some(folder.read(&*blocks)?);
    }
    let evaluation = measure(&model, &on)?;
    drop(work);
    evaluation.warnings().for_each(|warning| note(format!("warning: {warning}")));
    if let Some(path) = &args.per_example {
        npy::write(path, &evaluation.per_example, &[evaluation.per_example.len()])?;
    }
    let result = to_json::<E>(&evaluation, &config, other, &source, (part, part_name));
    print_json(&result, shared.json)
}

/// The object that `eval` prints, for the run's own source unless other data are named.
pub(super) fn to_json<E: Experiment>(
    evaluation: &Evaluation,
    config: &ConfigOf<E>,
    data: Option<&str>,
    source: &Source<E::Target>,
    (part, part_name): (Part, &str),
) -> serde_json::Value {
    let (label, n) = match source {
        Source::Data(splits) => {
            let n = part.of(splits).into_iter().map(Dataset::len).sum();
            let name = data.or(config.data.as_ref().map(|data| data.name.as_str()));
            (name.unwrap_or_default().to_string(), n)
        }
        Source::Target(target) => (target.name(), 0),
    };
    evaluation.to_json(E::NAME, &label, part_name, n)
}

pub(super) fn sample<E: Trained>(
    Both { common: args, family }: &Both<cli::Sample, E::SampleArgs>,
    shared: &Shared,
) -> Result<()> {
    require!(args.n() != 0, "-n 0: draw at least one sample");
    memory::check_sizes("-n", &args.n(), 1)?;
    args.out.iter().try_for_each(|out| check_out_file("--out", out))?;
    let (_, device) = device(shared)?;
    let (_, model) = load_run::<E>(&args.run_dir, &device)?;
    let Drawn { title, values, shown, given, how } = model.sample(args, family, shared)?;
    let out = args.out.clone().unwrap_or_else(|| args.run_dir.join("samples.png"));
    let (look, shown) = (model.look(), shown.as_ref().unwrap_or(&values));
    match given {
        Some(given) => look.write_completed(&out, &title, &given, shown, &values)?,
        None => look.write(&out, &title, shown, &values)?,
    }
    how.into_iter().for_each(note);
    note(format!("wrote {}", out.display()));
    Ok(())
}
