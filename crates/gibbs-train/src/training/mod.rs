//! The loop: it runs the steps of a task, logs, validates, writes checkpoints, and stops.
//!
//! The loop uses a model only through [`TrainTask`], and a terminal only through [`Observer`]. It is optional: its parts
//! ([`crate::checkpoint`], [`crate::schedule`], [`EarlyStopping`], [`Averages`]) also work alone.
//!
//! A resumed run equals an uninterrupted run, bit by bit. The loop writes checkpoints between steps. A checkpoint contains
//! everything that later steps depend on, and writing one changes nothing. The task must put all of its own state into
//! [`TrainTask::save_state`]: weights, optimizer, noise, Markov chains, order of the data, running averages.

mod averages;
mod config;
mod early_stopping;
mod error;
mod metrics;
mod observer;
mod run;
mod task;
mod tensorboard;
mod trainer;

pub use averages::Averages;
pub use config::{LogConfig, LoopConfig};
pub use early_stopping::EarlyStopping;
pub use error::{ParameterTooLarge, TrainError};
pub use gibbs_core::{BoxError, Position};
pub use metrics::{Metrics, Record};
pub use observer::{Observer, Start, StopFlag};
pub use task::{TrainTask, Validation};
pub use tensorboard::TensorBoard;
pub use trainer::{Best, Outcome, Report, Trainer};

#[cfg(test)]
mod tests;
