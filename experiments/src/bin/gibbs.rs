//! One command over all families and all runs.

use std::process::ExitCode;

fn main() -> ExitCode {
    experiments::gibbs::main(&experiments::FAMILIES)
}
