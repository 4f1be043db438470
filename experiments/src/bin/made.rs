//! Autoregressive models: train, measure, sample.

use std::process::ExitCode;

use experiments::{experiment, made::MadeExperiment};

fn main() -> ExitCode {
    experiment::main::<MadeExperiment>()
}
