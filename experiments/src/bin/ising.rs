//! Ising models: measured by Monte Carlo, learned from samples.

use std::process::ExitCode;

use experiments::{experiment, ising::IsingExperiment};

fn main() -> ExitCode {
    experiment::main::<IsingExperiment>()
}
