//! Continuous flows: train, measure, sample.

use std::process::ExitCode;

fn main() -> ExitCode {
    experiments::CNF.main()
}
