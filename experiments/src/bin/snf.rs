//! Stochastic normalizing flows: train, measure, sample.

fn main() -> std::process::ExitCode {
    experiments::SNF.main()
}
