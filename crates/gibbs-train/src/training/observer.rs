//! Observers of a run, and a flag that stops it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Position, Record, Report};

/// The state of a run at its start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start {
    /// Number of steps done before; 0 for a new run.
    pub steps_done: usize,
    /// Seconds of training before.
    pub seconds: f64,
    /// Number of steps in an epoch.
    pub steps_per_epoch: usize,
    /// Number of steps in the whole run.
    pub total_steps: usize,
    /// Whether the run continues from a checkpoint.
    pub resumed: bool,
}

/// An observer of a run, such as a progress bar or a log. Its methods do nothing by default.
///
/// An observer receives numbers, not the task, so it cannot change a run.
pub trait Observer {
    /// Called before the first step.
    fn on_start(&mut self, _start: &Start) {}

    /// Called after each step. It must be fast.
    fn on_step(&mut self, _at: &Position) {}

    /// Called after a line of metrics was written.
    fn on_log(&mut self, _record: &Record) {}

    /// Called after a validation. The record holds its metrics, and `is_best` is true if it is the best so far.
    /// [`Observer::on_log`] of the same record is called before.
    fn on_validation(&mut self, _record: &Record, _is_best: bool) {}

    /// Called after a checkpoint was written.
    fn on_checkpoint(&mut self, _steps_done: usize) {}

    /// Called at the end of the run, when all files are written.
    fn on_end(&mut self, _report: &Report) {}
}

/// A flag that asks a run to end after the current step, for Ctrl-C handlers. Clones share the flag.
///
/// ```
/// use gibbs_train::training::StopFlag;
///
/// let flag = StopFlag::new();
/// let handler = flag.clone();
/// handler.request();
/// assert!(flag.is_requested());
/// ```
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the flag. Safe in a signal handler.
    pub fn request(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the flag is raised.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
