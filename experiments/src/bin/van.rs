//! Variational autoregressive networks: free energies of spins by trained samplers.

fn main() -> std::process::ExitCode {
    experiments::VAN.main()
}
