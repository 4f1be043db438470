//! Against enumeration, closed forms and repeated runs.

mod balance;
mod bits;
mod estimates;
mod stationary;
mod statistics;

use super::*;
use crate::{Boundary, Hamiltonian, Lattice, Pairwise, PhysicsError, edwards_anderson, ising};

fn torus(length: usize, coupling: f64, field: f64) -> Pairwise {
    ising(&Lattice::square(length, Boundary::Periodic).unwrap(), coupling, field).unwrap()
}

/// A 3×3 torus with couplings ±1 and a field at every spin.
fn glass() -> Pairwise {
    let lattice = Lattice::square(3, Boundary::Periodic).unwrap();
    let mut noise = gibbs_backend::Noise::new(11, "instance");
    let field = (0..9).map(|_| 0.3 * noise.next_normal()).collect();
    edwards_anderson(&lattice, &mut noise).unwrap().with_field(field).unwrap()
}

/// All states of `n` spins; bit `i` of the index is spin `i`.
fn states(n: usize) -> Vec<Vec<i8>> {
    (0..1usize << n).map(|state| (0..n).map(|i| if state >> i & 1 == 1 { 1 } else { -1 }).collect()).collect()
}

/// The index of a state in [`states`].
fn index(spins: &[i8]) -> usize {
    spins.iter().enumerate().map(|(i, s)| usize::from(*s > 0) << i).sum()
}

/// The canonical distribution on [`states`].
fn distribution(hamiltonian: &Pairwise, beta: f64) -> Vec<f64> {
    let weights: Vec<f64> =
        states(hamiltonian.n_spins()).iter().map(|s| (-beta * hamiltonian.energy_of(s)).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|w| w / total).collect()
}

#[test]
fn bad_input_is_named() {
    let message = |error: PhysicsError| error.to_string();
    let plain = torus(3, 1.0, 0.0);
    assert_eq!(
        message(Sweep::new(&plain, -1.0, Rule::HeatBath).unwrap_err()),
        "beta = -1: must be finite and at least 0"
    );
    assert!(Wolff::new(&plain, f64::NAN).is_err());
    assert!(HeatBath64::new(&plain, f64::INFINITY).is_err());
    assert_eq!(
        message(Wolff::new(&torus(3, -1.0, 0.0), 0.4).unwrap_err()),
        "coupling (0, 1) is -1; clusters of Wolff need couplings of at least 0, use a heat bath"
    );
    assert_eq!(
        message(Wolff::new(&torus(3, 1.0, 0.1), 0.4).unwrap_err()),
        "field 0 is 0.1; clusters of Wolff need a field of 0, use a heat bath"
    );
    let unequal = Pairwise::from_bonds([(0, 1, 1.0), (1, 2, -0.5)], vec![0.0; 3]).unwrap();
    assert_eq!(
        message(HeatBath64::new(&unequal, 0.4).unwrap_err()),
        "coupling (1, 2) is -0.5 but another is ±1; in bits all must be of one strength, use Sweep"
    );
    let star = Pairwise::from_bonds((1..10).map(|j| (0, j, 1.0)), vec![0.0; 10]).unwrap();
    assert_eq!(
        message(HeatBath64::new(&star, 0.4).unwrap_err()),
        "spin 0 has 9 neighbors; in bits at most 8 can be counted, use Sweep"
    );
    for (betas, index, value) in [(vec![0.5], 0, 0.5), (vec![0.1, 0.3, 0.3], 2, 0.3)] {
        let error = ParallelTempering::new(&plain, &betas, Rule::HeatBath).unwrap_err();
        assert_eq!(
            error,
            PhysicsError::Invalid(format!(
                "beta {index} of a ladder is {value}; a ladder needs at least two values, in ascending order"
            ))
        );
    }
    assert_eq!(
        message(ParallelTempering::new(&plain, &[0.4, 0.2], Rule::HeatBath).unwrap_err()),
        "beta 1 of a ladder is 0.2; a ladder needs at least two values, in ascending order"
    );
}
