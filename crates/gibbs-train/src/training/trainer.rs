//! The trainer: the loop over the steps of a run.

use serde::{Deserialize, Serialize};

use super::run::Run;
use super::{LoopConfig, Metrics, Observer, StopFlag, TrainError, TrainTask};
use crate::run_folder::RunFolder;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// Validation stopped improving.
    EarlyStopped,
    /// The time limit was reached.
    OutOfTime,
    /// The stop flag was raised. The run can be resumed from its checkpoint.
    Interrupted,
}

/// The best validation of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Its score.
    pub score: f64,
    /// Number of steps done at this validation.
    pub step: usize,
    /// The metrics of its record.
    pub metrics: Metrics,
}

impl Best {
    /// The metric that the score is, or whose negative it is. A metric of the validation goes before one of training.
    pub fn metric(&self) -> Option<(&str, f64)> {
        let is_score = |value: f64| value == self.score || value == -self.score;
        let mut scores: Vec<_> = self.metrics.iter().filter(|(_, value)| is_score(*value)).collect();
        scores.sort_by_key(|(name, _)| !name.starts_with("valid"));
        scores.first().copied()
    }
}

/// The result of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// Number of steps done, over all sessions.
    pub steps_done: usize,
    /// Seconds of training, over all sessions.
    pub seconds: f64,
    /// Number of steps in an epoch.
    pub steps_per_epoch: usize,
    /// The best validation, if there was one.
    pub best: Option<Best>,
    /// The score of the validation before the first step, if it has one.
    pub start_score: Option<f64>,
    /// The score of the last validation, if it has one.
    pub last_score: Option<f64>,
    /// The bytes of `model.safetensors`: the weights of the best validation with `select_best`, else the last weights.
    pub weights: Vec<u8>,
}

impl Report {
    /// Whether the weights are worse than those before the first step, by more than a hundredth of the score, which estimates may
    /// be off: those of the best validation with `select_best`, else the last ones. `false` where this is not known.
    pub fn is_worse_than_start(&self, select_best: bool) -> bool {
        const MARGIN: f64 = 0.01;
        let best = self.best.as_ref().map(|best| best.score);
        let end = if select_best { best } else { self.last_score };
        end.zip(self.start_score).is_some_and(|(end, start)| end < start - MARGIN * start.abs())
    }
}

/// Trains a [`TrainTask`], in a [`RunFolder`] or in memory.
///
/// After each step, the trainer does what is due, in this order: a validation, a line of metrics (with the metrics of the
/// validation), a checkpoint. The run ends when its epochs are done, the validation score no longer improves, the time limit
/// is reached, or the stop flag is raised.
#[derive(Default)]
pub struct Trainer<'a> {
    config: LoopConfig,
    observers: Vec<Box<dyn Observer + 'a>>,
    stop: StopFlag,
}

impl<'a> Trainer<'a> {
    /// A trainer with these settings.
    pub fn new(config: LoopConfig) -> Self {
        Self { config, ..Self::default() }
    }

    /// Adds an observer.
    #[must_use]
    pub fn observe(mut self, observer: impl Observer + 'a) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// Sets the flag that ends the run.
    #[must_use]
    pub fn stop_on(mut self, flag: StopFlag) -> Self {
        self.stop = flag;
        self
    }

    /// Trains to the end. With a folder, continues from its checkpoint if there is one, and writes metrics, checkpoints and
    /// weights into it.
    ///
    /// # Errors
    /// [`TrainError`]. The last checkpoint then stays unchanged. If training diverged, `model.safetensors` holds the weights of
    /// the best validation with `select_best`, else of the last validation.
    pub fn run(
        mut self,
        task: &mut dyn TrainTask,
        folder: Option<&mut RunFolder>,
    ) -> Result<Report, TrainError> {
        let mut run = Run::start(&self.config, task, folder)?;
        let start = run.describe_start();
        self.observers.iter_mut().for_each(|observer| observer.on_start(&start));
        let outcome = loop {
            if let Some(outcome) = run.outcome(&self.stop) {
                break outcome;
            }
            if let Err(error) = run.advance(&mut self.observers) {
                return Err(run.fail(error));
            }
        };
        let report = match run.finish(outcome, &mut self.observers) {
            Ok(report) => report,
            Err(error) => return Err(run.fail(error)),
        };
        self.observers.iter_mut().for_each(|observer| observer.on_end(&report));
        Ok(report)
    }
}
