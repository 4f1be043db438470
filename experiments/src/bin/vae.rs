//! Variational autoencoders: train, measure, sample, encode.

fn main() -> std::process::ExitCode {
    experiments::VAE.main()
}
