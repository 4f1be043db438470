//! Runs in stages: several tasks, one after another, each with its own number of epochs.

use gibbs_core::{BoxError, Position};

use crate::checkpoint::State;
use crate::training::{Metrics, TrainTask, Validation};

/// The stages of a run. Each stage is a task that starts from the results of the stages before it.
pub trait Stages {
    /// Number of epochs of each stage, in order.
    fn epochs(&self) -> Vec<usize>;

    /// Begins a stage: keeps the results of the stage before it, and makes the task of the new stage.
    ///
    /// # Errors
    /// Any error that prevents the stage.
    fn begin(&mut self, stage: usize) -> Result<(), BoxError>;

    /// The task of the present stage.
    fn task(&self) -> &dyn TrainTask;

    /// The task of the present stage, mutable.
    fn task_mut(&mut self) -> &mut dyn TrainTask;

    /// Saves the results of the finished stages.
    ///
    /// # Errors
    /// Any error that prevents saving.
    fn save_results(&self, state: &mut State) -> Result<(), BoxError>;

    /// Loads what [`save_results`](Self::save_results) saved, before `stage` begins.
    ///
    /// # Errors
    /// An error if the state does not fit.
    fn load_results(&mut self, stage: usize, state: &State) -> Result<(), BoxError>;

    /// The present weights of the whole model, as the bytes of `model.safetensors`.
    ///
    /// # Errors
    /// Any error that prevents it.
    fn weights(&self) -> Result<Vec<u8>, BoxError>;
}

/// All stages of a run as one task.
pub struct Staged<S> {
    stages: S,
    stage: usize,
    ends: Vec<usize>,
}

impl<S: Stages> Staged<S> {
    /// Begins the first stage with a positive number of epochs.
    ///
    /// # Errors
    /// The errors of [`Stages::begin`].
    pub fn new(mut stages: S) -> Result<Self, BoxError> {
        let mut ends = stages.epochs();
        for stage in 1..ends.len() {
            ends[stage] += ends[stage - 1];
        }
        stages.begin(0)?;
        let mut staged = Self { stages, stage: 0, ends };
        staged.enter(0)?;
        Ok(staged)
    }

    /// Begins the stages up to the stage of an epoch.
    fn enter(&mut self, epoch: usize) -> Result<(), BoxError> {
        while self.stage + 1 < self.ends.len() && epoch >= self.ends[self.stage] {
            self.stage += 1;
            self.stages.begin(self.stage)?;
        }
        Ok(())
    }

    /// Converts a position in the run to a position in the present stage.
    fn here(&self, at: &Position) -> Position {
        let first = if self.stage == 0 { 0 } else { self.ends[self.stage - 1] };
        Position::new(at.step - first * at.steps_per_epoch, at.steps_per_epoch, self.ends[self.stage] - first)
    }
}

impl<S: Stages> TrainTask for Staged<S> {
    fn steps_per_epoch(&self) -> usize {
        self.stages.task().steps_per_epoch()
    }

    fn step(&mut self, at: &Position) -> Result<(), BoxError> {
        self.enter(at.epoch)?;
        let here = self.here(at);
        self.stages.task_mut().step(&here)
    }

    fn take_metrics(&mut self) -> Result<Metrics, BoxError> {
        self.stages.task_mut().take_metrics()
    }

    /// Validates the present stage at the position in the whole run.
    fn validate(&mut self, at: &Position) -> Result<Option<Validation>, BoxError> {
        self.stages.task_mut().validate(at)
    }

    /// The stages measure different models.
    fn validate_start(&mut self, _: &Position) -> Result<Option<Validation>, BoxError> {
        Ok(None)
    }

    fn save_state(&self, state: &mut State) -> Result<(), BoxError> {
        state.put("stage", &self.stage)?;
        self.stages.save_results(state)?;
        let mut own = State::new();
        self.stages.task().save_state(&mut own)?;
        state.absorb("task", own);
        Ok(())
    }

    fn load_state(&mut self, state: &State) -> Result<(), BoxError> {
        self.stage = state.get("stage")?;
        self.stages.load_results(self.stage, state)?;
        self.stages.begin(self.stage)?;
        self.stages.task_mut().load_state(&state.clone().release("task"))
    }

    fn weights(&self) -> Result<Vec<u8>, BoxError> {
        self.stages.weights()
    }

    /// Loads the weights into the task of the present stage.
    fn load_weights(&mut self, bytes: &[u8]) -> Result<(), BoxError> {
        self.stages.task_mut().load_weights(bytes)
    }
}
