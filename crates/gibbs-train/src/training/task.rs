//! The interface between the loop and the task that it trains.

use super::{BoxError, Metrics, Position};
use crate::checkpoint::State;

/// The result of a validation.
#[derive(Clone, Debug, PartialEq)]
pub struct Validation {
    /// Its metrics. Their names must differ from those of training, such as `valid_log_prob`.
    pub metrics: Metrics,
    /// The score for the best weights and for early stopping. A higher score is better. `None` if it cannot be compared with
    /// the scores of later validations, for example before the last stage of a run in stages.
    pub score: Option<f64>,
}

/// A task that the loop can train: a model with its objective, its optimizer and, if it needs them, its data.
pub trait TrainTask {
    /// Number of steps in an epoch, at least 1 and constant over the run. A task without data chooses any number.
    fn steps_per_epoch(&self) -> usize;

    /// Does one step of training. Does not wait for the device.
    ///
    /// # Errors
    /// Any error. It ends the run.
    fn step(&mut self, at: &Position) -> Result<(), BoxError>;

    /// Returns the averages since the last call, and further metrics such as the learning rate. This method may wait for the
    /// device.
    ///
    /// # Errors
    /// Any error. It ends the run.
    fn take_metrics(&mut self) -> Result<Metrics, BoxError>;

    /// Measures the model on validation data. `None` if there are none.
    ///
    /// # Errors
    /// Any error. It ends the run.
    fn validate(&mut self, _at: &Position) -> Result<Option<Validation>, BoxError> {
        Ok(None)
    }

    /// Measures the model before the first step, to compare the end of the run with it. `None` if the scores of later validations
    /// cannot be compared with this one. `at` is the last step of the run, at which every task is validated.
    ///
    /// # Errors
    /// Any error. It ends the run.
    fn validate_start(&mut self, at: &Position) -> Result<Option<Validation>, BoxError> {
        self.validate(at)
    }

    /// Puts everything into `state` that later steps and metrics depend on.
    ///
    /// # Errors
    /// Any error that prevents saving.
    fn save_state(&self, state: &mut State) -> Result<(), BoxError>;

    /// Loads what [`TrainTask::save_state`] saved. The task was made from the same configuration.
    ///
    /// # Errors
    /// An error if the state does not fit.
    fn load_state(&mut self, state: &State) -> Result<(), BoxError>;

    /// The weights as the bytes of `model.safetensors`, as [`crate::weights::to_bytes`] makes them.
    ///
    /// # Errors
    /// Any error that prevents it.
    fn weights(&self) -> Result<Vec<u8>, BoxError>;

    /// Starts from weights that [`TrainTask::weights`] made, before the first step.
    ///
    /// # Errors
    /// Weights that do not fit, or a task that does not start from weights.
    fn load_weights(&mut self, _bytes: &[u8]) -> Result<(), BoxError> {
        Err("this model does not start from weights".into())
    }
}
