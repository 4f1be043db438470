//! What is trained.

use super::{BoxError, Metrics, Position};
use crate::checkpoint::State;

/// What a validation found.
#[derive(Clone, Debug, PartialEq)]
pub struct Validation {
    /// Its metrics, for the metrics; name them so that they are told from those of training (`valid_log_prob`).
    pub metrics: Metrics,
    /// What selects the best weights and stops early: better when higher. `None` where it cannot be compared with that of
    /// other validations of the run, such as before the last stage of a run in stages.
    pub score: Option<f64>,
}

/// Something that the loop can train: a model with its data, objective and optimizer, or without any data.
pub trait TrainTask {
    /// Steps in an epoch; at least 1, the same over the run. Without data, any number that suits the logs.
    fn steps_per_epoch(&self) -> usize;

    /// One step of training. Does not wait for the device.
    ///
    /// # Errors
    /// Whatever ends the run.
    fn step(&mut self, at: &Position) -> Result<(), BoxError>;

    /// Averages since the last call, and what else is of interest (learning rate, norms). The place to wait for the
    /// device.
    ///
    /// # Errors
    /// Whatever ends the run.
    fn take_metrics(&mut self) -> Result<Metrics, BoxError>;

    /// Measures the model on held-out data, where there is any.
    ///
    /// # Errors
    /// Whatever ends the run.
    fn validate(&mut self, _at: &Position) -> Result<Option<Validation>, BoxError> {
        Ok(None)
    }

    /// Puts everything that later steps and metrics depend on into `state`.
    ///
    /// # Errors
    /// Whatever prevents it.
    fn save_state(&self, state: &mut State) -> Result<(), BoxError>;

    /// The reverse of [`TrainTask::save_state`], on a task made from the same configuration.
    ///
    /// # Errors
    /// Whatever does not fit.
    fn load_state(&mut self, state: &State) -> Result<(), BoxError>;

    /// The weights as the bytes of `model.safetensors`; see [`crate::weights::to_bytes`].
    ///
    /// # Errors
    /// Whatever prevents it.
    fn weights(&self) -> Result<Vec<u8>, BoxError>;
}
