//! The experiment binaries. One module for each model family, and what all families share: the command
//! line, the configuration, the run folder, the progress bar, the figures that `eval` prints.
//!
//! A family implements [`experiment::Experiment`]; its binary is one line.

pub mod autoencoder;
pub mod backprop;
pub mod bench;
pub mod boltzmann;
pub mod cli;
pub mod cnf;
pub mod config;
pub mod coordinates;
pub mod curves;
pub mod dbn;
pub mod density;
pub mod download;
pub mod evaluation;
pub mod experiment;
pub mod fault;
pub mod free_energy;
pub mod given;
pub mod hamiltonian;
pub mod hopfield;
pub mod ising;
pub mod levels;
pub mod made;
pub mod path_training;
pub mod points;
pub mod preparation;
pub mod progress;
pub mod rbm;
pub mod realnvp;
pub mod standardization;
pub mod system;
pub mod van;
pub mod variational;

/// The examples of the project's README, as doctests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
