//! Paths of the files of a run.

use std::path::{Path, PathBuf};

/// The paths of the files of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFiles {
    path: PathBuf,
}

impl RunFiles {
    pub(super) fn of(folder: &Path) -> Self {
        Self { path: folder.to_path_buf() }
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.path
    }

    /// `config.json`.
    pub fn config(&self) -> PathBuf {
        self.path.join("config.json")
    }

    /// `run.json`.
    pub fn info(&self) -> PathBuf {
        self.path.join("run.json")
    }

    /// `metrics.jsonl`.
    pub fn metrics(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// `summary.json`.
    pub fn summary(&self) -> PathBuf {
        self.path.join("summary.json")
    }

    /// `model.safetensors`.
    pub fn model(&self) -> PathBuf {
        self.path.join("model.safetensors")
    }

    /// `checkpoint/state.safetensors`.
    pub fn checkpoint(&self) -> PathBuf {
        self.path.join("checkpoint").join("state.safetensors")
    }

    /// The path of a picture or another file by name.
    pub fn named(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}
