//! Deep belief networks: train, fine-tune, measure, sample.

use std::process::ExitCode;

use experiments::{dbn::DbnExperiment, experiment};

fn main() -> ExitCode {
    experiment::main::<DbnExperiment>()
}
