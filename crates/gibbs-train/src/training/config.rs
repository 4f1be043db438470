//! How long a run lasts and what happens on the way.

use serde::{Deserialize, Serialize};

/// The loop's part of a configuration. Meant to be flattened into the `train` section of an experiment's own.
///
/// Nothing here changes what a step does: runs that differ only in logging and checkpoints end with the same weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoopConfig {
    /// Epochs of the run.
    pub epochs: usize,
    /// Steps between two lines of metrics; 0 for one line per epoch. A line is also written with each validation and
    /// at the end.
    pub log_every_steps: usize,
    /// Epochs between two validations; 0 for none. The last epoch is always validated otherwise.
    pub validate_every_epochs: usize,
    /// Whether the weights kept are those of the best validation (else the last).
    pub select_best: bool,
    /// Validations without improvement after which the run ends; `null` for none.
    pub patience: Option<usize>,
    /// What counts as an improvement for `patience` and `select_best`, in units of the score.
    pub min_delta: f64,
    /// Seconds of training after which the run ends, over all its sessions; `null` for none.
    pub max_seconds: Option<f64>,
    /// Seconds between two checkpoints; `null` for none by time.
    pub checkpoint_every_seconds: Option<f64>,
    /// Steps between two checkpoints; `null` for none by steps.
    pub checkpoint_every_steps: Option<usize>,
    /// Whether to go on when a metric is a NaN or an infinity (else the run ends with an error).
    pub allow_not_finite: bool,
}

impl Default for LoopConfig {
    /// One epoch, a line every 100 steps, a validation each epoch, the best weights, a checkpoint every 30 seconds.
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
