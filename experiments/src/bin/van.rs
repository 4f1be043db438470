//! Variational autoregressive networks: free energies of spins by trained samplers.

use std::process::ExitCode;

use experiments::{experiment, van::VanExperiment};

fn main() -> ExitCode {
    experiment::main::<VanExperiment>()
}
