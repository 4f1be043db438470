//! The loop itself.

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
    /// The seconds allowed are used up.
    OutOfTime,
    /// Someone asked it to end; there is a checkpoint to go on from.
    Interrupted,
}

/// The best validation of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Its score.
    pub score: f64,
    /// Steps done when it was made.
    pub step: usize,
    /// The metrics of its record.
    pub metrics: Metrics,
}

/// What became of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// Steps done, over all sessions.
    pub steps_done: usize,
    /// Seconds of training, over all sessions.
    pub seconds: f64,
    /// The best validation, where there was one.
    pub best: Option<Best>,
    /// The bytes of `model.safetensors`: the weights of the best validation if the run selects, else the last.
    pub weights: Vec<u8>,
}

/// Trains a [`TrainTask`], in a [`RunFolder`] or in memory.
///
/// After each step, in this order: a line of metrics if one is due; a validation if one is due, whose metrics go into
/// the same line; a checkpoint if one is due. The run ends when its epochs are done, validation has stopped
/// improving, its seconds are used up, or the stop flag is raised.
#[derive(Default)]
pub struct Trainer<'a> {
    config: LoopConfig,
    observers: Vec<Box<dyn Observer + 'a>>,
    stop: StopFlag,
}

impl<'a> Trainer<'a> {
    /// A loop with this configuration.
    pub fn new(config: LoopConfig) -> Self {
        Self { config, ..Self::default() }
    }

    /// Adds an observer.
    #[must_use]
    pub fn observe(mut self, observer: impl Observer + 'a) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// Ends the run when this flag is raised.
    #[must_use]
    pub fn stop_on(mut self, flag: StopFlag) -> Self {
        self.stop = flag;
        self
    }

    /// Trains to the end. With a folder: goes on from its checkpoint where it has one, and writes metrics,
    /// checkpoints and weights into it.
    ///
    /// # Errors
    /// [`TrainError`]; the last checkpoint is then as it was, and where training diverged `model.safetensors` holds the
    /// weights of the best validation, or of the last if the run does not select.
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
        let report = run.finish(outcome, &mut self.observers)?;
        self.observers.iter_mut().for_each(|observer| observer.on_end(&report));
        Ok(report)
    }
}
