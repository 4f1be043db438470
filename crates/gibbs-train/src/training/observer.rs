//! Watching a run, and stopping it from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Position, Record, Report};

/// How a run starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start {
    /// Steps done already; not 0 for a resumed run.
    pub steps_done: usize,
    /// Seconds of training already.
    pub seconds: f64,
    /// Steps in an epoch.
    pub steps_per_epoch: usize,
    /// Steps in the whole run.
    pub total_steps: usize,
    /// Whether there was a checkpoint to go on from.
    pub resumed: bool,
}

/// Someone who watches a run: a progress bar, a log. Methods do nothing by default.
///
/// An observer gets numbers, never the task, so it cannot change a run.
pub trait Observer {
    /// Before the first step.
    fn on_start(&mut self, _start: &Start) {}

    /// After each step; must be cheap.
    fn on_step(&mut self, _at: &Position) {}

    /// After a line of metrics was written, its metrics at hand.
    fn on_log(&mut self, _record: &Record) {}

    /// After a validation, whose metrics are in the record; `is_best` says whether it was the best so far. Comes
    /// after [`Observer::on_log`] of the same record.
    fn on_validation(&mut self, _record: &Record, _is_best: bool) {}

    /// After a checkpoint was written.
    fn on_checkpoint(&mut self, _steps_done: usize) {}

    /// After the last step, everything being written.
    fn on_end(&mut self, _report: &Report) {}
}

/// Asks a run to end after the current step; clones share the request. For Ctrl-C handlers.
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
    /// A flag that nobody has raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the run to end. Safe in a signal handler.
    pub fn request(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether someone asked.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
