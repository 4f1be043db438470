//! Deep autoencoders: pre-train, fine-tune, measure, encode, decode.

fn main() -> std::process::ExitCode {
    experiments::AUTOENCODER.main()
}
