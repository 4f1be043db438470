//! The runs below a folder. A request names a run by its identifier, which is looked up here; no path is ever made of what a
//! request says.

use std::{
    cmp::Reverse,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use gibbs_runs::{Metric, Run, RunState, report::FILE as REPORT};
use serde_json::{Value, json};

use crate::answer::Refusal;

/// How long a list of runs stays good.
const FRESH: Duration = Duration::from_secs(1);
/// Extensions of pictures, and their media types.
const PICTURES: [(&str, &str); 2] = [("png", "image/png"), ("svg", "image/svg+xml")];

/// A run with its identifier: the path below the root, with `/` between its parts.
#[derive(Clone)]
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) run: Run,
}

/// All runs, and when they were read.
type Reading = Option<(Instant, Arc<Vec<Listed>>)>;

/// The folder whose runs are shown.
pub(crate) struct Folder {
    root: PathBuf,
    runs: Mutex<Reading>,
}

impl Folder {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, runs: Mutex::default() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    fn id(&self, folder: &Path) -> String {
        let below = folder.strip_prefix(&self.root).unwrap_or(folder);
        let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
        match parts.is_empty() {
            true => self.root.file_name().map_or_else(|| "run".into(), |name| name.to_string_lossy().into()),
            false => parts.join("/"),
        }
    }

    /// The runs, newest first. A folder that is not there yet has none.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub(crate) fn runs(&self) -> Result<Arc<Vec<Listed>>, Refusal> {
        let mut reading = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, runs)) = reading.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(runs.clone());
        }
        let found = match self.root.exists() {
            true => Run::find(&self.root).map_err(|error| Refusal::broken(error.to_string()))?,
            false => Vec::new(),
        };
        let mut runs: Vec<Listed> =
            found.into_iter().map(|run| Listed { id: self.id(run.folder()), run }).collect();
        let started = |listed: &Listed| listed.run.info().map(|info| info.start.clone());
        runs.sort_by_key(|listed| Reverse(started(listed)));
        let runs = Arc::new(runs);
        *reading = Some((Instant::now(), runs.clone()));
        Ok(runs)
    }

    /// The run with an identifier, read anew.
    ///
    /// # Errors
    /// 404.
    pub(crate) fn run(&self, id: &str) -> Result<Run, Refusal> {
        let find = || -> Result<Option<Run>, Refusal> {
            let runs = self.runs()?;
            let listed = runs.iter().find(|listed| listed.id == id);
            Ok(listed.and_then(|listed| Run::read(listed.run.folder()).ok()))
        };
        if let Some(run) = find()? {
            return Ok(run);
        }
        // It may be newer than the list.
        self.forget();
        find()?.ok_or_else(|| Refusal::missing("there is no such run"))
    }

    /// Makes the next request read the runs again.
    pub(crate) fn forget(&self) {
        *self.runs.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The pictures in the folder of a run, sorted by name. Links are left out: they may point anywhere.
pub(crate) fn pictures(run: &Run) -> Vec<String> {
    let entries = fs::read_dir(run.folder()).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let names = files.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| media_type(name).is_some()).collect();
    names.sort();
    names
}

fn media_type(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    PICTURES.iter().find(|(own, _)| *own == extension).map(|(_, kind)| *kind)
}

/// Whether a run has a report.
pub(crate) fn has_report(run: &Run) -> bool {
    fs::symlink_metadata(run.folder().join(REPORT)).is_ok_and(|file| file.is_file())
}

/// A picture or the report of a run: media type and bytes.
///
/// # Errors
/// 404.
pub(crate) fn file(run: &Run, name: &str) -> Result<(&'static str, Vec<u8>), Refusal> {
    let missing = || Refusal::missing("there is no such file in the run");
    let found = match name == REPORT && has_report(run) {
        true => Some((REPORT.to_string(), "text/html; charset=utf-8")),
        false => pictures(run).into_iter().find(|own| own == name).zip(media_type(name)),
    };
    let (name, kind) = found.ok_or_else(missing)?;
    fs::read(run.folder().join(name)).map(|bytes| (kind, bytes)).map_err(|_| missing())
}

/// What the list shows of a run.
pub(crate) fn row(id: &str, run: &Run) -> Value {
    let damage = match run.state() {
        RunState::Damaged(damage) => Some(damage),
        _ => None,
    };
    json!({
        "id": id,
        "family": run.family(),
        "data": run.source(),
        "seed": run.seed(),
        "state": run.state().name(),
        "damage": damage,
        "metric": run.metrics().first().map(metric),
        "seconds": run.seconds(),
    })
}

/// What the pages show of a metric.
pub(crate) fn metric(metric: &Metric) -> Value {
    json!({
        "name": metric.name,
        "text": metric.text(),
        "unit": metric.unit,
        "kind": metric.kind,
        "words": metric.words(),
        "unreliable": metric.unreliable,
    })
}
