//! Restricted Boltzmann machines: train, measure, sample.

use std::process::ExitCode;

fn main() -> ExitCode {
    experiments::RBM.main()
}
