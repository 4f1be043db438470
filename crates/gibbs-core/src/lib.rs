#![doc = include_str!("../README.md")]

mod estimate;
pub mod math;
pub mod nn;
pub mod optim;
pub mod params;
mod traits;

pub use estimate::{Estimate, Kind};
pub use traits::{Bijection, Energy, LogProb, Objective, Sample, StepOutput};
