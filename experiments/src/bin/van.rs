//! Variational autoregressive networks: free energies of spins by trained samplers.

use std::process::ExitCode;

fn main() -> ExitCode {
    experiments::VAN.main()
}
