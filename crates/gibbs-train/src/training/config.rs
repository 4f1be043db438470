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
    /// Least number of steps between two validations. It saves time where an epoch has few steps.
    pub validate_every_steps: usize,
    /// Whether the run keeps the weights of its best validation. Otherwise it keeps the last weights.
    pub select_best: bool,
    /// Number of validations without improvement after which the run ends; `null`: no early stopping.
    pub patience: Option<usize>,
    /// Least number of steps without improvement before the run ends, whatever `patience` is. It keeps runs on small data from
    /// ending inside the warm-up.
    pub patience_steps: usize,
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
    /// Copies of the metrics in other formats.
    pub log: LogConfig,
}

/// Copies of `metrics.jsonl` in other formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// Whether the metrics are also written for TensorBoard, while the run goes on.
    pub tensorboard: bool,
    /// Whether the metrics are also written as a table with commas, `metrics.csv`, at the end of the run.
    pub csv: bool,
}

impl Default for LoopConfig {
    /// One epoch, a line every 100 steps, a validation after each epoch of at least 30 steps, the best weights, a checkpoint
    /// every 30 seconds. If a run stops early, it has not improved for at least 500 steps, an epoch of MNIST in batches of 100.
    fn default() -> Self {
        Self {
            epochs: 1,
            log_every_steps: 100,
            validate_every_epochs: 1,
            validate_every_steps: 30,
            select_best: true,
            patience: None,
            patience_steps: 500,
            min_delta: 0.0,
            max_seconds: None,
            checkpoint_every_seconds: Some(30.0),
            checkpoint_every_steps: None,
            allow_not_finite: false,
            log: LogConfig::default(),
        }
    }
}
