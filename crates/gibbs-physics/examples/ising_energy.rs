//! Energy of an Ising lattice in two ways: exactly and by a Markov chain.
//!
//! `cargo run --release --example ising_energy`

#![allow(clippy::print_stdout, reason = "an example reports on stdout")]

use std::error::Error;

use gibbs_backend::Noise;
use gibbs_physics::{
    Boundary, Lattice, exact, ising,
    monte_carlo::{McmcSchedule, Wolff, measure},
};

fn main() -> Result<(), Box<dyn Error>> {
    let (side, beta) = (16, exact::CRITICAL_BETA);
    let torus = ising(&Lattice::square(side, Boundary::Periodic)?, 1.0, 0.0)?;
    let n = (side * side) as f64;

    let exact = exact::kaufman(side, side, beta)?;
    println!("free energy per site {:.6}, exact (Kaufman 1949)", exact.free_energy() / n);
    println!("energy per site      {:.6}, exact", exact.energy / n);

    let schedule = McmcSchedule { chains: 4, burn_in: 500, measurements: 5000, every: 2 };
    let chains = measure(&Wolff::new(&torus, beta)?, schedule, &Noise::new(0, "chains"));
    let energy = chains[0].energy().estimate;
    println!("energy per site      {:.6} ± {:.6}, Wolff's clusters", energy.value / n, energy.std_err / n);
    Ok(())
}
