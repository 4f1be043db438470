//! Deep autoencoders: pre-train, fine-tune, measure, encode, decode.

use std::process::ExitCode;

fn main() -> ExitCode {
    experiments::AUTOENCODER.main()
}
