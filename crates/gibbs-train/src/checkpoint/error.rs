//! What can be wrong with a checkpoint.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::atomic::WriteError;
use crate::params::ParamsError;

/// A state that cannot be written, read or understood.
#[derive(Debug, Error)]
pub enum StateError {
    /// The file cannot be read.
    #[error("cannot read the checkpoint {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },

    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),

    /// The file is not what was written.
    #[error("the checkpoint {} is damaged ({reason}): restore it, or start anew with --overwrite", .path.display())]
    DamagedFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// The bytes are not a state.
    #[error("damaged state: {0}")]
    Damaged(String),

    /// The state lacks something.
    #[error("the checkpoint has no {kind} `{name}`; it has: {}", .available.join(", "))]
    Missing {
        /// Value, tensor or bytes.
        kind: &'static str,
        /// The name asked for.
        name: String,
        /// The names of this kind that there are.
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
    /// Whether the checkpoint itself is wrong, in contrast to a failure to write it.
    pub fn is_bad_input(&self) -> bool {
        !matches!(self, Self::Write(_))
    }
}
