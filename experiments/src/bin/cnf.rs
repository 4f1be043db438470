//! Continuous flows: train, measure, sample.

use std::process::ExitCode;

use experiments::{cnf::CnfExperiment, experiment};

fn main() -> ExitCode {
    experiment::main::<CnfExperiment>()
}
