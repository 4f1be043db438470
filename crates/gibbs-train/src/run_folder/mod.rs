//! The folder of a run: its files, its lock, and the treatment of an existing run.
//!
//! ```text
//! config.json         the whole configuration
//! run.json            version, backend, device, command line, start, end, wall seconds, peak memory
//! metrics.jsonl       one object per logged step
//! summary.json        the final metrics
//! model.safetensors   the weights
//! checkpoint/         what a resumed run needs
//! ```

mod clock;
mod error;
mod files;
mod info;
mod lock;
mod metrics;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::atomic::{self, WriteError};
use crate::checkpoint::{State, StateError};
use lock::Lock;

pub use error::RunFolderError;
pub use files::RunFiles;
pub use info::{Machine, RunInfo, peak_memory_bytes};
pub use lock::has_locks;
pub use metrics::MetricsFile;

/// What happens to a run that is already in the folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// Return an error. The run stays unchanged.
    #[default]
    Refuse,
    /// Continue from its last checkpoint, or start from the beginning if there is none.
    Resume,
    /// Remove the files that a run writes. Other files stay.
    Overwrite,
}

/// A run folder opened for writing. It is locked against other processes until it is dropped.
///
/// The lock belongs to the operating system, so it ends with the process in all cases.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    info: Option<RunInfo>,
    _lock: Lock,
}

impl RunFolder {
    /// Names of the files that every run writes, in the order in which [`Existing::Overwrite`] removes them.
    const FILES: [&str; 6] = [
        "checkpoint/state.safetensors",
        "metrics.jsonl",
        "summary.json",
        "model.safetensors",
        "run.json",
        "config.json",
    ];

    /// Opens a folder for a run. Creates the folder if it does not exist.
    ///
    /// `pictures` are the names of further files that this run writes (`samples.png`, ...). [`Existing::Overwrite`]
    /// removes them too. Temporary files of killed processes are removed.
    ///
    /// # Errors
    /// [`RunFolderError::Exists`] if there is a run and `existing` is [`Existing::Refuse`]; [`RunFolderError::Locked`] if
    /// another process has the folder open; [`RunFolderError::Io`] and [`RunFolderError::Write`] from the file system.
    pub fn start(
        path: impl AsRef<Path>,
        existing: Existing,
        pictures: &[&str],
    ) -> Result<Self, RunFolderError> {
        let path = path.as_ref();
        if path.exists() && !path.is_dir() {
            return Err(RunFolderError::NotAFolder(path.to_path_buf()));
        }
        if existing == Existing::Refuse && Self::holds_run(path) {
            return Err(RunFolderError::Exists(path.to_path_buf()));
        }
        let here = |source| RunFolderError::Io { path: path.to_path_buf(), source };
        fs::create_dir_all(path).map_err(here)?;
        // The lock comes first: a process that is killed here leaves nothing else.
        let lock = Lock::take(path)?;
        fs::create_dir_all(path.join("checkpoint")).map_err(here)?;
        let folder = Self { path: path.to_path_buf(), info: None, _lock: lock };
        for name in Self::FILES.iter().chain(pictures) {
            atomic::clean_stale(path.join(name))?;
        }
        match existing {
            Existing::Overwrite => folder.remove(pictures)?,
            // Another process may have started a run between the first check and the lock.
            Existing::Refuse if Self::holds_run(path) => {
                return Err(RunFolderError::Exists(path.to_path_buf()));
            }
            _ => {}
        }
        Ok(folder)
    }

    /// Whether a folder holds a run or a part of one.
    pub fn holds_run(path: impl AsRef<Path>) -> bool {
        Self::FILES.iter().any(|name| path.as_ref().join(name).exists())
    }

    /// Whether a run has begun in a folder. It has written nothing yet if it was killed at once.
    pub fn has_begun(path: impl AsRef<Path>) -> bool {
        Self::holds_run(&path) || path.as_ref().join(lock::FILE).exists()
    }

    /// Whether a process works on the run in a folder now.
    pub fn is_in_use(path: impl AsRef<Path>) -> bool {
        lock::is_held(path.as_ref())
    }

    /// Opens a folder for reading, without a lock. Only `config.json` must exist.
    ///
    /// # Errors
    /// [`RunFolderError::NoRun`].
    pub fn read(path: impl AsRef<Path>) -> Result<RunFiles, RunFolderError> {
        let files = RunFiles::of(path.as_ref());
        if files.config().is_file() {
            Ok(files)
        } else {
            Err(RunFolderError::NoRun(files.folder().to_path_buf()))
        }
    }

    fn remove(&self, pictures: &[&str]) -> Result<(), RunFolderError> {
        for name in Self::FILES.iter().chain(pictures) {
            self.remove_file(name)?;
        }
        Ok(())
    }

    fn remove_file(&self, name: &str) -> Result<(), RunFolderError> {
        let path = self.path.join(name);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(RunFolderError::Io { path, source })
            }
            _ => Ok(()),
        }
    }

    /// The paths of the files.
    pub fn files(&self) -> RunFiles {
        RunFiles::of(&self.path)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the folder has a checkpoint.
    pub fn has_checkpoint(&self) -> bool {
        self.files().checkpoint().is_file()
    }

    /// Reads the checkpoint, if there is one.
    ///
    /// # Errors
    /// [`StateError`] if the file cannot be read or is damaged.
    pub fn read_checkpoint(&self) -> Result<Option<State>, StateError> {
        if self.has_checkpoint() { State::load(self.files().checkpoint()).map(Some) } else { Ok(None) }
    }

    /// Replaces the checkpoint and updates `run.json`.
    ///
    /// # Errors
    /// [`StateError`] if the state cannot be written. The old checkpoint then stays unchanged.
    pub fn write_checkpoint(&mut self, state: &State) -> Result<(), StateError> {
        state.save(self.files().checkpoint())?;
        self.update_info().map_err(StateError::Write)
    }

    /// Writes `config.json`.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn write_config<C: Serialize + ?Sized>(&self, config: &C) -> Result<(), WriteError> {
        atomic::write_json(self.files().config(), config)
    }

    /// Writes `summary.json`.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn write_summary<S: Serialize + ?Sized>(&self, summary: &S) -> Result<(), WriteError> {
        atomic::write_json(self.files().summary(), summary)
    }

    /// Writes `model.safetensors`.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn write_model(&self, bytes: &[u8]) -> Result<(), WriteError> {
        atomic::write(self.files().model(), bytes)
    }

    /// Begins a session: writes `run.json`. If `run.json` exists, the session continues its run, and the summary of an earlier end
    /// is removed.
    ///
    /// # Errors
    /// [`RunFolderError::Info`] if the existing `run.json` is damaged; [`RunFolderError::Io`].
    pub fn begin(&mut self, machine: Machine) -> Result<(), RunFolderError> {
        let path = self.files().info();
        let previous =
            match fs::read_to_string(&path) {
                Ok(text) => Some(serde_json::from_str(&text).map_err(|error| RunFolderError::Info {
                    path: path.clone(),
                    message: error.to_string(),
                })?),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(source) => return Err(RunFolderError::Io { path, source }),
            };
        self.info = Some(RunInfo::begin(machine, previous));
        self.update_info()?;
        self.remove_file("summary.json")
    }

    /// Writes the end of the run into `run.json` and returns its content.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn end(&mut self) -> Result<Option<RunInfo>, WriteError> {
        if let Some(info) = &mut self.info {
            info.finish();
        }
        self.update_info()?;
        Ok(self.info.clone())
    }

    fn update_info(&mut self) -> Result<(), WriteError> {
        let path = self.files().info();
        match &mut self.info {
            Some(info) => {
                info.update();
                atomic::write_json(path, info)
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
