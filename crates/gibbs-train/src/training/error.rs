//! Errors of runs.

use thiserror::Error;

use crate::atomic::WriteError;
use crate::checkpoint::StateError;

use gibbs_core::BoxError;

/// What helps against divergence.
const WAY_OUT: &str = "lower train.learning_rate or clip gradients (train.clip.kind=global_norm), with --resume to go on from \
                       the last checkpoint";

/// A parameter that has outgrown f32.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("the parameter {parameter} has grown to {value:.1e}")]
pub struct ParameterTooLarge {
    /// The name of the parameter.
    pub parameter: String,
    /// Its largest absolute value.
    pub value: f64,
}

impl ParameterTooLarge {
    /// An f32 has 24 bits: the product of a weight of 2²⁴ with an input of order 1 has a rounding error of 1, a whole nat in an
    /// exponent.
    const GROWTH: f64 = (1u32 << f32::MANTISSA_DIGITS) as f64;

    /// Checks that a parameter is not 2²⁴ times as large as the largest one at the start of training, or as 1.
    ///
    /// # Errors
    /// Names it if it is. A NaN or an infinity passes; it shows in the metrics.
    pub fn check(parameter: &str, value: f64, start: f64) -> Result<(), Self> {
        match value.is_finite() && value > Self::GROWTH * start.max(1.0) {
            true => Err(Self { parameter: parameter.into(), value }),
            false => Ok(()),
        }
    }
}

/// The error of a run that cannot start, continue or write its files.
#[derive(Debug, Error)]
pub enum TrainError {
    /// An epoch without steps.
    #[error("an epoch has no steps: the training split is smaller than one batch, or empty")]
    EmptyEpoch,

    /// A metric is a NaN or an infinity.
    #[error("{metric} is {value} at step {step}: {way_out}, or train.allow_not_finite=true to continue anyway", way_out = WAY_OUT)]
    NotFinite {
        /// The metric.
        metric: String,
        /// Its value.
        value: f64,
        /// Number of steps done.
        step: usize,
    },

    /// A parameter holds a NaN or an infinity. The last good checkpoint was not replaced.
    #[error("the parameter {parameter} holds NaN or infinite values at step {step}: {way_out}", way_out = WAY_OUT)]
    ParameterNotFinite {
        /// The name of the parameter.
        parameter: String,
        /// Number of steps done.
        step: usize,
    },

    /// A parameter has grown so large that the model computes nothing meaningful.
    #[error("{source} at step {step}: {way_out}", way_out = WAY_OUT)]
    ParameterTooLarge {
        /// The parameter and its value.
        source: ParameterTooLarge,
        /// Number of steps done.
        step: usize,
    },

    /// Training diverged or failed after a validation of good weights. `model.safetensors` holds these weights.
    #[error("{cause}; model.safetensors holds the weights of step {kept}")]
    Diverged {
        /// [`NotFinite`](Self::NotFinite), [`ParameterNotFinite`](Self::ParameterNotFinite),
        /// [`ParameterTooLarge`](Self::ParameterTooLarge) or [`TrainTask`](Self::TrainTask).
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
