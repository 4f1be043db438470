//! Autoregressive models: train, measure, sample.

use std::process::ExitCode;

fn main() -> ExitCode {
    experiments::MADE.main()
}
