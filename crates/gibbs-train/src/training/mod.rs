//! The loop: what is trained, how long, what is logged, when it is validated, checkpointed and stopped.
//!
//! The loop knows nothing of what it trains beyond [`TrainTask`], and nothing of a terminal beyond [`Observer`]. It is
//! optional: everything in it ([`crate::checkpoint`], [`crate::schedule`], [`EarlyStopping`], [`Averages`]) can be
//! used by hand.
//!
//! A run that was interrupted and resumed is the same run: checkpoints are taken between steps, contain everything
//! that later steps depend on, and taking one changes nothing. The loop guarantees this for itself; the task has
//! to put all of its own state into [`TrainTask::save_state`] (weights, optimizer, noise, chains, order of the data,
//! running averages).

mod averages;
mod config;
mod early_stopping;
mod error;
mod metrics;
mod observer;
mod run;
mod task;
mod trainer;

pub use averages::Averages;
pub use config::LoopConfig;
pub use early_stopping::EarlyStopping;
pub use error::TrainError;
pub use gibbs_core::{BoxError, Position};
pub use metrics::{Metrics, Record};
pub use observer::{Observer, Start, StopFlag};
pub use task::{TrainTask, Validation};
pub use trainer::{Best, Outcome, Report, Trainer};

#[cfg(test)]
mod tests;
