//! Associative memories: store, measure, recall.

use std::process::ExitCode;

fn main() -> ExitCode {
    experiments::HOPFIELD.main()
}
