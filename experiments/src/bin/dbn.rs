//! Deep belief networks: train, fine-tune, measure, sample.

use std::process::ExitCode;

fn main() -> ExitCode {
    experiments::DBN.main()
}
