//! Canonical transformations: train, measure, sample.

fn main() -> std::process::ExitCode {
    experiments::CANONICAL.main()
}
