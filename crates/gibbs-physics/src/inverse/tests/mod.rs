use gibbs_backend::Noise;

use super::*;
use crate::{Hamiltonian, exact};

mod climbing;
mod closed;
mod refusals;
mod samples;

/// Gaussian couplings of all pairs with the standard deviation `strength / √n`, and fields of `field`.
fn glass(n: usize, strength: f64, field: f64) -> Pairwise {
    let mut noise = Noise::new(11, "truth");
    let pairs: Vec<(usize, usize)> = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))).collect();
    let scale = strength / (n as f64).sqrt();
    let bonds: Vec<_> = pairs.into_iter().map(|(i, j)| (i, j, scale * noise.next_normal())).collect();
    Pairwise::from_bonds(bonds, (0..n).map(|_| field * noise.next_normal()).collect()).unwrap()
}

/// All `2^n` states with their probabilities.
fn distribution(truth: &Pairwise) -> Samples {
    let n = truth.n_spins();
    let log_z = exact::enumerate(truth, 1.0).unwrap().thermodynamics.log_z;
    let spins: Vec<i8> = (0..1usize << n)
        .flat_map(|state| (0..n).map(move |i| if state >> i & 1 == 1 { 1 } else { -1 }))
        .collect();
    Samples::weighted(&spins, n, |k| (-truth.energy_of(&spins[k * n..(k + 1) * n]) - log_z).exp()).unwrap()
}

fn moments(truth: &Pairwise) -> Moments {
    Moments::from(&exact::enumerate(truth, 1.0).unwrap())
}
