//! A run folder as it is on disk.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use gibbs_train::run_folder::{RunFolder, RunInfo};
use serde_json::Value;
use thiserror::Error;

use crate::Metric;

/// What has become of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunState {
    /// It has trained, and its metrics are written.
    Done,
    /// A process works on it now: it holds the lock of the folder.
    Running,
    /// It was stopped or killed; `--resume` goes on.
    Interrupted,
    /// A configuration with weights that were made elsewhere.
    Weights,
    /// A file cannot be read: which, and why.
    Damaged(String),
}

impl RunState {
    /// One word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Weights => "weights",
            Self::Damaged(_) => "damaged",
        }
    }
}

/// A run, read from its folder. Reading changes nothing there.
#[derive(Clone, Debug)]
pub struct Run {
    folder: PathBuf,
    state: RunState,
    config: Value,
    info: Option<RunInfo>,
    summary: Value,
    metrics: Vec<Metric>,
}

/// The error of a folder that holds no run, or that cannot be read.
#[derive(Debug, Error)]
pub enum RunError {
    /// No configuration and no lock.
    #[error("{} holds no run", .0.display())]
    NoRun(PathBuf),
    /// A folder that cannot be listed.
    #[error("cannot read {}: {source}", .path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// The reason of the operating system.
        source: io::Error,
    },
}

/// A JSON file; `Null` if there is none. A damaged file is described in `damage`.
fn read_json(path: &Path, damage: &mut Option<String>) -> Value {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Value::Null,
        Err(error) => {
            damage.get_or_insert(format!("{}: {error}", path.display()));
            return Value::Null;
        }
    };
    serde_json::from_slice(&text).unwrap_or_else(|error| {
        damage.get_or_insert(format!("{}: {error}", path.display()));
        Value::Null
    })
}

impl Run {
    /// Reads a run. A damaged run is read as far as possible, and its state says what is wrong.
    ///
    /// # Errors
    /// [`RunError::NoRun`].
    pub fn read(folder: impl AsRef<Path>) -> Result<Self, RunError> {
        let folder = folder.as_ref().to_path_buf();
        if !RunFolder::has_begun(&folder) {
            return Err(RunError::NoRun(folder));
        }
        let mut damage = None;
        let mut read = |name: &str| read_json(&folder.join(name), &mut damage);
        let (config, info, summary) = (read("config.json"), read("run.json"), read("summary.json"));
        let info = match serde_json::from_value::<Option<RunInfo>>(info) {
            Ok(info) => info,
            Err(error) => {
                damage.get_or_insert(format!("{}: {error}", folder.join("run.json").display()));
                None
            }
        };
        if config.is_null() || !config["experiment"].is_string() {
            let path = folder.join("config.json");
            damage.get_or_insert(format!("{}: no configuration of a run", path.display()));
        }
        let state = match damage {
            _ if RunFolder::is_in_use(&folder) => RunState::Running,
            Some(damage) => RunState::Damaged(damage),
            None if summary.is_object() => RunState::Done,
            None if info.is_none() && folder.join("model.safetensors").is_file() => RunState::Weights,
            None => RunState::Interrupted,
        };
        let metrics = Metric::all(&summary["metrics"]);
        Ok(Self { folder, state, config, info, summary, metrics })
    }

    /// All runs below a folder, sorted by path. A run inside the folder of another, such as its baseline, is left out.
    ///
    /// # Errors
    /// [`RunError::Io`] if a folder cannot be listed.
    pub fn find(root: impl AsRef<Path>) -> Result<Vec<Self>, RunError> {
        let root = root.as_ref();
        if let Ok(run) = Self::read(root) {
            return Ok(vec![run]);
        }
        let failed = |source| RunError::Io { path: root.to_path_buf(), source };
        let mut folders = Vec::new();
        for entry in fs::read_dir(root).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if !is_hidden && entry.file_type().map_err(failed)?.is_dir() {
                folders.push(entry.path());
            }
        }
        folders.sort();
        let mut runs = Vec::new();
        for folder in folders {
            runs.extend(Self::find(folder)?);
        }
        Ok(runs)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What has become of it.
    pub fn state(&self) -> &RunState {
        &self.state
    }

    /// Name of the family.
    pub fn family(&self) -> &str {
        self.config["experiment"].as_str().unwrap_or("?")
    }

    /// What it learns from: a data set, or a target density.
    pub fn source(&self) -> String {
        let recorded = self.info.as_ref().and_then(|info| info.machine.source.clone());
        let name =
            recorded.as_deref().or(self.summary["data"].as_str()).or(self.config["data"]["name"].as_str());
        let name = name.unwrap_or("?");
        let stem = Path::new(name).file_stem().filter(|_| Path::new(name).is_absolute());
        stem.map_or_else(|| name.to_string(), |stem| stem.to_string_lossy().into_owned())
    }

    /// Seed of everything that is drawn.
    pub fn seed(&self) -> Option<u64> {
        self.config["seed"].as_u64()
    }

    /// The configuration; `Null` if it cannot be read.
    pub fn config(&self) -> &Value {
        &self.config
    }

    /// Program, device and times; `None` for weights that were made elsewhere.
    pub fn info(&self) -> Option<&RunInfo> {
        self.info.as_ref()
    }

    /// What the end of the run wrote: metrics, the selected weights, warnings. `Null` before the end.
    pub fn summary(&self) -> &Value {
        &self.summary
    }

    /// The metrics, the main one first; none before the end.
    pub fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    /// A metric by name.
    pub fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.name == name)
    }

    /// The warnings of the run.
    pub fn warnings(&self) -> Vec<&str> {
        self.summary["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Wall-clock seconds so far.
    pub fn seconds(&self) -> Option<f64> {
        self.info.as_ref().map(|info| info.wall_seconds)
    }
}

#[cfg(test)]
mod tests {
    use gibbs_train::run_folder::{Existing, Machine};
    use serde_json::json;

    use super::*;

    fn machine() -> Machine {
        Machine { source: Some("digits".into()), ..Machine::here() }
    }

    /// A run in its folder, up to its configuration and `run.json`.
    fn started(path: &Path) -> RunFolder {
        let mut folder = RunFolder::start(path, Existing::Refuse, &[]).unwrap();
        folder.write_config(&json!({"experiment": "rbm", "seed": 3, "data": {"name": "digits"}})).unwrap();
        folder.begin(machine()).unwrap();
        folder
    }

    fn state(path: &Path) -> RunState {
        Run::read(path).unwrap().state().clone()
    }

    #[test]
    fn a_run_goes_from_running_to_interrupted_and_done() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a");
        let folder = started(&path);
        assert_eq!(state(&path), RunState::Running);
        drop(folder);
        assert_eq!(state(&path), RunState::Interrupted);

        let metrics =
            json!({"log_prob": {"value": -1.5, "std_err": 0.1, "kind": "asymptotic", "unit": "nats"}});
        let end = |folder: &mut RunFolder| {
            folder.end().unwrap();
            folder.write_summary(&json!({"metrics": metrics, "warnings": ["slow"]})).unwrap();
        };
        let mut folder = RunFolder::start(&path, Existing::Resume, &[]).unwrap();
        folder.begin(machine()).unwrap();
        end(&mut folder);
        drop(folder);
        let run = Run::read(&path).unwrap();
        assert_eq!((run.state(), run.family(), run.seed()), (&RunState::Done, "rbm", Some(3)));
        assert_eq!((run.source().as_str(), run.warnings()), ("digits", vec!["slow"]));
        assert_eq!(run.metric("log_prob").unwrap().value, -1.5);

        // Resumed and killed: the summary of the first end no longer holds.
        let mut folder = RunFolder::start(&path, Existing::Resume, &[]).unwrap();
        folder.begin(machine()).unwrap();
        drop(folder);
        assert_eq!(state(&path), RunState::Interrupted);
    }

    #[test]
    fn damage_is_named_and_nothing_is_changed() {
        let root = tempfile::tempdir().unwrap();
        for (name, file, content) in [
            ("a", "config.json", "{\"experiment\": "),
            ("b", "run.json", "[]"),
            ("c", "summary.json", "x"),
            ("d", "config.json", "{}"),
        ] {
            let path = root.path().join(name);
            drop(started(&path));
            fs::write(path.join(file), content).unwrap();
            let before: Vec<_> =
                fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            match state(&path) {
                RunState::Damaged(reason) => assert!(reason.contains(file), "{reason}"),
                state => panic!("{name}: {state:?}"),
            }
            let after: Vec<_> =
                fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(before, after);
            assert_eq!(fs::read_to_string(path.join(file)).unwrap(), content);
        }
    }

    #[test]
    fn runs_are_found_below_a_folder_but_not_inside_each_other() {
        let root = tempfile::tempdir().unwrap();
        for name in ["b", "sweep/a", "sweep/a/baseline", ".hidden/c"] {
            drop(started(&root.path().join(name)));
        }
        let found: Vec<_> =
            Run::find(root.path()).unwrap().iter().map(|run| run.folder().to_path_buf()).collect();
        assert_eq!(found, [root.path().join("b"), root.path().join("sweep/a")]);
        assert!(matches!(Run::read(root.path()), Err(RunError::NoRun(_))));
        assert!(matches!(Run::find(root.path().join("none")), Err(RunError::Io { .. })));
    }

    #[test]
    fn weights_alone_are_a_run() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("config.json"), "{\"experiment\": \"made\"}").unwrap();
        fs::write(root.path().join("model.safetensors"), "").unwrap();
        assert_eq!(state(root.path()), RunState::Weights);
    }
}
