//! Associative memories: store, measure, recall.

use std::process::ExitCode;

use experiments::{experiment, hopfield::HopfieldExperiment};

fn main() -> ExitCode {
    experiment::main::<HopfieldExperiment>()
}
