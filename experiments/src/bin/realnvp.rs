//! Normalizing flows: train, measure, sample.

use std::process::ExitCode;

use experiments::{experiment, realnvp::RealNvpExperiment};

fn main() -> ExitCode {
    experiment::main::<RealNvpExperiment>()
}
