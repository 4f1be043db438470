#![doc = include_str!("../README.md")]

pub mod annealing;
pub mod cache;
pub mod check;
pub mod columns;
mod config_error;
mod estimate;
pub mod hmc;
pub mod importance;
pub mod math;
mod moments;
pub mod nn;
mod objective;
pub mod ode;
pub mod optim;
pub mod output;
pub mod params;
pub mod preprocess;
mod ranks;
pub mod symmetry;
mod traits;
pub mod two_sample;
pub mod variational;

pub use config_error::ConfigError;
pub use estimate::{Estimate, Kind};
pub use moments::ColumnMoments;
pub use objective::{
    Batch, BoxError, MaximumLikelihood, Objective, ObjectiveState, Position, Scalar, StepOutput,
    cross_entropy, weighted_mean,
};
pub use ranks::rank_correlation;
pub use traits::{Bijection, ConditionalLogProb, Energy, LogProb, Sample, Slope};
