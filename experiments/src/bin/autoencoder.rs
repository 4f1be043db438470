//! Deep autoencoders: pre-train, fine-tune, measure, encode, decode.

use std::process::ExitCode;

use experiments::{autoencoder::AutoencoderExperiment, experiment};

fn main() -> ExitCode {
    experiment::main::<AutoencoderExperiment>()
}
