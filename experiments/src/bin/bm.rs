//! General Boltzmann machines: train, measure, sample.

fn main() -> std::process::ExitCode {
    experiments::BM.main()
}
