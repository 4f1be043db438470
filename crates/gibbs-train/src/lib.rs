#![doc = include_str!("../README.md")]

pub mod atomic;
pub mod average;
pub mod checkpoint;
pub mod clip;
pub mod config;
pub mod learner;
mod params;
pub mod run_folder;
pub mod schedule;
mod tensors;
pub mod training;
pub mod weights;

pub use params::ParamsError;
