//! Continuous flows: train, measure, sample.

fn main() -> std::process::ExitCode {
    experiments::CNF.main()
}
