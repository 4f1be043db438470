#![doc = include_str!("../README.md")]

pub mod board;
pub mod compare;
pub mod curves;
pub mod metric;
pub mod plan;
pub mod report;
pub mod run;
pub mod sweep;

pub use metric::Metric;
pub use run::{Run, RunState};
