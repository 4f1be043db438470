//! Diffusion models: train, measure, sample.

fn main() -> std::process::ExitCode {
    experiments::DIFFUSION.main()
}
