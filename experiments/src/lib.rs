//! The experiment binaries: one module for each model family, and what all families share.
//!
//! A family implements [`experiment::Experiment`]. From there [`experiment`] has the path of a run: [`request`] is what the
//! user asks for, [`source`] what the model learns from, [`config`] the complete settings, [`evaluation`] the results.

pub mod autoencoder;
pub mod base;
pub mod bench;
pub mod cli;
pub mod cnf;
pub mod columns;
pub mod conditions;
pub mod config;
pub mod data;
pub mod dbn;
pub mod density;
pub mod download;
pub mod evaluation;
pub mod evidence;
pub mod experiment;
pub mod explain;
pub mod hopfield;
pub mod interrupt;
pub mod ising;
pub mod look;
pub mod made;
pub mod memory;
pub mod output;
pub mod pictures;
pub mod preprocessed;
pub mod progress;
pub mod rbm;
pub mod realnvp;
pub mod request;
pub mod source;
pub mod stack;
pub mod system;
pub mod usage;
pub mod van;
pub mod variational;
pub mod visible;

/// The examples of the project's README, as doctests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
