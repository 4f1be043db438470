//! Errors of run folders.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::atomic::WriteError;

/// The error of a run folder that cannot be used.
#[derive(Debug, Error)]
pub enum RunFolderError {
    /// The folder holds a run, and [`Existing::Refuse`](super::Existing::Refuse) was chosen.
    #[error("{} already holds a run: --resume continues it, --overwrite replaces it, or name another folder", .0.display())]
    Exists(PathBuf),

    /// Another process writes to the folder.
    #[error("{} is in use by another process: wait for it, or name another folder", .0.display())]
    Locked(PathBuf),

    /// The path is a file.
    #[error("{} is not a folder", .0.display())]
    NotAFolder(PathBuf),

    /// The folder does not exist or holds no configuration.
    #[error("{} holds no run: there is no config.json in it", .0.display())]
    NoRun(PathBuf),

    /// An operation of the operating system failed.
    #[error("cannot use {}: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The reason of the operating system.
        source: io::Error,
    },

    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),

    /// The `run.json` of the run to resume is damaged.
    #[error("{} is damaged ({message}): remove it to continue without it", .path.display())]
    Info {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

impl RunFolderError {
    /// Whether the folder or its files are wrong. Returns `false` for failures of the operating system.
    pub fn is_bad_input(&self) -> bool {
        !matches!(self, Self::Io { .. } | Self::Write(_))
    }
}
