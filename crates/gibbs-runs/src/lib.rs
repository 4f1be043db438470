#![doc = include_str!("../README.md")]

pub mod compare;
pub mod curves;
pub mod metric;
pub mod report;
pub mod run;

pub use metric::Metric;
pub use run::{Run, RunState};
