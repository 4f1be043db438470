//! Ising models: measured by Monte Carlo, learned from samples.

use std::process::ExitCode;

fn main() -> ExitCode {
    experiments::ISING.main()
}
