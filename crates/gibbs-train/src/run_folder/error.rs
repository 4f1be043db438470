//! Why a run folder cannot be used.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::atomic::WriteError;

/// A run folder that cannot be used.
#[derive(Debug, Error)]
pub enum RunFolderError {
    /// The folder holds a run and nobody said what to do with it.
    #[error("{} already holds a run: --resume goes on with it, --overwrite replaces it, or name another folder", .0.display())]
    Exists(PathBuf),

    /// Another process writes to the folder.
    #[error("{} is in use by another process: wait for it, or name another folder", .0.display())]
    Locked(PathBuf),

    /// The path is a file.
    #[error("{} is not a folder", .0.display())]
    NotAFolder(PathBuf),

    /// The folder to read from does not exist or holds no configuration.
    #[error("{} holds no run: there is no config.json in it", .0.display())]
    NoRun(PathBuf),

    /// The operating system refused something.
    #[error("cannot use {}: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },

    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),

    /// The `run.json` of the run to go on with is damaged.
    #[error("{} is damaged ({message}): remove it to go on without it", .path.display())]
    Info {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

impl RunFolderError {
    /// Whether the user gave the wrong folder or files, in contrast to a failure of the operating system.
    pub fn is_bad_input(&self) -> bool {
        !matches!(self, Self::Io { .. } | Self::Write(_))
    }
}
