//! Restricted Boltzmann machines: train, measure, sample.

use std::process::ExitCode;

use experiments::{experiment, rbm::RbmExperiment};

fn main() -> ExitCode {
    experiment::main::<RbmExperiment>()
}
