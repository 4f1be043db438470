//! Errors of checkpoints.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::atomic::WriteError;
use crate::params::ParamsError;

/// The error of a state that cannot be written or read.
#[derive(Debug, Error)]
pub enum StateError {
    /// The file cannot be read.
    #[error("cannot read the checkpoint {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason of the operating system.
        source: io::Error,
    },

    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),

    /// The content of the file changed after it was written, or the file was not written by [`State`](super::State).
    #[error("the checkpoint {} is damaged ({reason}): restore it, or start again with --overwrite", .path.display())]
    DamagedFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// The bytes are not a state.
    #[error("damaged state: {0}")]
    Damaged(String),

    /// The state has no entry of this name.
    #[error("the checkpoint has no {kind} `{name}`; it has: {}", .available.join(", "))]
    Missing {
        /// The kind of the entry: value, tensor or bytes.
        kind: &'static str,
        /// The requested name.
        name: String,
        /// The existing names of this kind.
        available: Vec<String>,
    },

    /// A value does not serialize or deserialize.
    #[error("`{name}` in the checkpoint: {message}")]
    Value {
        /// The name of the value.
        name: String,
        /// What is wrong.
        message: String,
    },

    /// The parameters do not fit the module.
    #[error("`{name}` in the checkpoint does not fit this run: {source}")]
    Params {
        /// The name of the module in the state.
        name: String,
        /// What does not fit.
        source: ParamsError,
    },
}

impl StateError {
    /// Whether the checkpoint itself is wrong. Returns `false` if it could not be written.
    pub fn is_bad_input(&self) -> bool {
        !matches!(self, Self::Write(_))
    }
}
