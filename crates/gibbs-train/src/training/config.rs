//! Settings of the loop.

use serde::{Deserialize, Serialize};

/// Settings of the loop. Use `#[serde(flatten)]` to include them in the `train` section of a configuration.
///
/// They do not change a step: runs that differ only in logging and checkpoints end with the same weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoopConfig {
    /// Number of epochs of the run.
    pub epochs: usize,
    /// Number of steps between two lines of metrics; 0: one line per epoch. Each validation and the end of the run also
    /// write a line.
    pub log_every_steps: usize,
    /// Number of epochs between two validations; 0: no validation. The last epoch is always validated, unless this is 0.
    pub validate_every_epochs: usize,
    /// Whether the run keeps the weights of its best validation. Otherwise it keeps the last weights.
    pub select_best: bool,
    /// Number of validations without improvement after which the run ends; `null`: no early stopping.
    pub patience: Option<usize>,
    /// For `patience` and `select_best`, a score is an improvement if it exceeds the best score by more than this.
    pub min_delta: f64,
    /// Seconds of training, over all sessions, after which the run ends; `null`: no limit.
    pub max_seconds: Option<f64>,
    /// Seconds between two checkpoints; `null`: no checkpoints by time.
    pub checkpoint_every_seconds: Option<f64>,
    /// Number of steps between two checkpoints; `null`: no checkpoints by steps.
    pub checkpoint_every_steps: Option<usize>,
    /// Whether the run continues when a metric is a NaN or an infinity. Otherwise it ends with an error.
    pub allow_not_finite: bool,
}

impl Default for LoopConfig {
    /// One epoch, a line every 100 steps, a validation after each epoch, the best weights, a checkpoint every 30 seconds.
    fn default() -> Self {
        Self {
            epochs: 1,
            log_every_steps: 100,
            validate_every_epochs: 1,
            select_best: true,
            patience: None,
            min_delta: 0.0,
            max_seconds: None,
            checkpoint_every_seconds: Some(30.0),
            checkpoint_every_steps: None,
            allow_not_finite: false,
        }
    }
}
