#![doc = include_str!("../README.md")]

pub mod cache;
mod estimate;
pub mod hmc;
pub mod math;
mod moments;
pub mod nn;
pub mod optim;
pub mod params;
pub mod symmetry;
mod traits;
pub mod variational;

pub use estimate::{Estimate, Kind};
pub use moments::Moments;
pub use traits::{Bijection, Energy, LogProb, Objective, Sample, StepOutput};
