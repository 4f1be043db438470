//! The loop: what is trained, how long, what is logged, when it is validated, checkpointed and stopped.
//!
//! The loop knows nothing of what it trains beyond [`Trainee`], and nothing of a terminal beyond [`Observer`]. It is
//! optional: everything in it ([`crate::checkpoint`], [`crate::schedule`], [`EarlyStopping`], [`Averages`]) can be
//! used by hand.
//!
//! A run that was interrupted and resumed is the same run: checkpoints are taken between steps, contain everything
//! that later steps depend on, and taking one changes nothing. The loop guarantees this for itself; the trainee has
//! to put all of its own state into [`Trainee::save_state`] (weights, optimizer, noise, chains, order of the data,
//! running averages).

mod averages;
mod config;
mod early_stopping;
mod error;
mod figures;
mod observer;
mod position;
mod run;
mod trainee;
mod trainer;

pub use averages::Averages;
pub use config::LoopConfig;
pub use early_stopping::EarlyStopping;
pub use error::{BoxError, TrainError};
pub use figures::{Figures, Record};
pub use observer::{Observer, Start, StopFlag};
pub use position::Position;
pub use trainee::{Trainee, Validation};
pub use trainer::{Best, Outcome, Report, Trainer};

#[cfg(test)]
mod tests;
