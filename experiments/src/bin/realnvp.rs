//! Normalizing flows: train, measure, sample.

fn main() -> std::process::ExitCode {
    experiments::REALNVP.main()
}
