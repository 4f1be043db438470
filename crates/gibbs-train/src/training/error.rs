//! Errors of runs.

use thiserror::Error;

use crate::atomic::WriteError;
use crate::checkpoint::StateError;

use gibbs_core::BoxError;

/// The error of a run that cannot start, continue or write its files.
#[derive(Debug, Error)]
pub enum TrainError {
    /// An epoch without steps.
    #[error("an epoch has no steps: the training split is smaller than one batch, or empty")]
    EmptyEpoch,

    /// A metric is a NaN or an infinity.
    #[error(
        "{metric} is {value} at step {step}: try a smaller learning rate or gradient clipping; --resume continues from \
         the last checkpoint, train.allow_not_finite=true lets a run continue anyway"
    )]
    NotFinite {
        /// The metric.
        metric: String,
        /// Its value.
        value: f64,
        /// Number of steps done.
        step: usize,
    },

    /// A parameter holds a NaN or an infinity. The last good checkpoint was not replaced.
    #[error(
        "the parameter {parameter} holds NaN or infinite values at step {step}: try a smaller learning rate or \
         gradient clipping; the last checkpoint was kept, --resume continues from it"
    )]
    ParameterNotFinite {
        /// The name of the parameter.
        parameter: String,
        /// Number of steps done.
        step: usize,
    },

    /// Training diverged or failed after a validation of good weights. `model.safetensors` holds these weights.
    #[error("{cause}; model.safetensors holds the weights of step {kept}")]
    Diverged {
        /// [`NotFinite`](Self::NotFinite), [`ParameterNotFinite`](Self::ParameterNotFinite) or [`TrainTask`](Self::TrainTask).
        cause: Box<TrainError>,
        /// Number of steps done at this validation.
        kept: usize,
    },

    /// The checkpoint belongs to a run with other data or another batch size.
    #[error(
        "the checkpoint has {before} steps per epoch, this run has {now}: resume with the same data and \
         batch size, or start again with --overwrite"
    )]
    OtherSteps {
        /// Steps per epoch in the checkpoint.
        before: usize,
        /// Steps per epoch now.
        now: usize,
    },

    /// The task failed.
    #[error("step {step}: {source}")]
    TrainTask {
        /// Number of steps done.
        step: usize,
        /// The error of the task.
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
    /// Whether the checkpoint to resume from is damaged or belongs to another run. Returns `false` for failures of the run.
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::State(error) => error.is_bad_input(),
            other => matches!(other, Self::OtherSteps { .. } | Self::Resume(_)),
        }
    }
}
