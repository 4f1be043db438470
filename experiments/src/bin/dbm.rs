//! Deep Boltzmann machines: train, measure, sample, classify.

fn main() -> std::process::ExitCode {
    experiments::DBM.main()
}
