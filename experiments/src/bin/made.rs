//! Autoregressive models: train, measure, sample.

fn main() -> std::process::ExitCode {
    experiments::MADE.main()
}
