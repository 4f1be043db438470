//! Why a run ended badly.

use thiserror::Error;

use crate::atomic::WriteError;
use crate::checkpoint::StateError;

use gibbs_core::BoxError;

/// A run that cannot start, go on or be written down.
#[derive(Debug, Error)]
pub enum TrainError {
    /// An epoch without steps.
    #[error("an epoch has no steps: the training split is smaller than one batch, or empty")]
    EmptyEpoch,

    /// A metric that is not a number.
    #[error(
        "{metric} is {value} at step {step}: try a smaller learning rate or gradient clipping; --resume goes on from \
         the last checkpoint, train.allow_not_finite=true lets a run go on all the same"
    )]
    NotFinite {
        /// The metric.
        metric: String,
        /// NaN or an infinity.
        value: f64,
        /// Steps done.
        step: usize,
    },

    /// Parameters that are not numbers, found before they replaced the last good checkpoint.
    #[error(
        "the parameter {parameter} holds NaN or infinite values at step {step}: try a smaller learning rate or \
         gradient clipping; the last checkpoint was kept, --resume goes on from it"
    )]
    ParameterNotFinite {
        /// The parameter.
        parameter: String,
        /// Steps done.
        step: usize,
    },

    /// Training diverged or failed, after weights that were good.
    #[error("{cause}; model.safetensors holds the weights of step {kept}")]
    Diverged {
        /// [`NotFinite`](Self::NotFinite), [`ParameterNotFinite`](Self::ParameterNotFinite) or [`TrainTask`](Self::TrainTask).
        cause: Box<TrainError>,
        /// Steps done when the weights kept were validated.
        kept: usize,
    },

    /// The checkpoint is of a run with other data or batches.
    #[error(
        "the checkpoint was made with {before} steps an epoch, this run has {now}: resume with the same data and \
         batch size, or start anew with --overwrite"
    )]
    OtherSteps {
        /// Steps an epoch in the checkpoint.
        before: usize,
        /// Steps an epoch now.
        now: usize,
    },

    /// The task failed.
    #[error("step {step}: {source}")]
    TrainTask {
        /// Steps done.
        step: usize,
        /// Its error.
        source: BoxError,
    },

    /// The checkpoint does not fit the task.
    #[error("cannot resume: {0}")]
    Resume(#[source] BoxError),

    /// A checkpoint cannot be written or read.
    #[error(transparent)]
    State(#[from] StateError),

    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl TrainError {
    /// Whether the checkpoint to resume from is wrong or of another run, in contrast to a run that fails.
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::State(error) => error.is_bad_input(),
            other => matches!(other, Self::OtherSteps { .. } | Self::Resume(_)),
        }
    }
}
