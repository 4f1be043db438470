//! Ising models: measured by Monte Carlo, learned from samples.

fn main() -> std::process::ExitCode {
    experiments::ISING.main()
}
