//! Wolff's cluster update of ferromagnets without a field.
//!
//! ```text
//! begin at a random spin; join each neighbor j of a joined i with s_j = s_i with probability 1 - exp(-2β J_ij);
//! turn all joined spins over
//! ```
//!
//! The update is in detailed balance with `exp(-β H)` and has almost no critical slowing down. Each bond between equal spins
//! is tried once, from the end that joined first; couplings may differ as long as none is negative.
//!
//! Reference: Wolff, Phys. Rev. Lett. 62:361 (1989), doi:10.1103/PhysRevLett.62.361.
//!
//! Cost: one 64-bit word of noise for each bond tried; at the critical temperature a cluster of the `L × L` lattice has
//! about `L^{7/4}` spins.

use gibbs_backend::Noise;

use super::{
    chain::{Chain, Observation},
    words::{Words, uniform},
};
use crate::{Hamiltonian, Pairwise, PhysicsError, error::inverse_temperature, spins::fair_spins};

/// Clusters of a pilot run that are measured, and that are discarded before.
const PILOT: usize = 200;

/// One replica of a ferromagnet; the state is its spins `[n]`, ±1. A step turns one cluster over.
#[derive(Clone, Debug)]
pub struct Wolff<'a> {
    hamiltonian: &'a Pairwise,
    beta: f64,
    /// The neighbors of each spin, with the probability that they join.
    neighbors: Vec<Vec<(usize, f64)>>,
}

impl<'a> Wolff<'a> {
    /// Clusters at `beta`.
    ///
    /// # Errors
    /// If a coupling is negative, a field is not zero, or `beta` is negative or not finite.
    pub fn new(hamiltonian: &'a Pairwise, beta: f64) -> Result<Self, PhysicsError> {
        let beta = inverse_temperature(beta)?;
        if let Some((i, j, value)) = hamiltonian.bonds().find(|bond| bond.2 < 0.0) {
            return Err(PhysicsError::Unsupported(format!(
                "coupling ({i}, {j}) is {value}; clusters of Wolff need couplings of at least 0, use a heat bath"
            )));
        }
        if let Some((i, value)) = hamiltonian.field().iter().enumerate().find(|(_, h)| **h != 0.0) {
            return Err(PhysicsError::Unsupported(format!(
                "field {i} is {value}; clusters of Wolff need a field of 0, use a heat bath"
            )));
        }
        let join = |(j, value): &(usize, f64)| (*j, -(-2.0 * beta * value).exp_m1());
        let neighbors =
            (0..hamiltonian.n_spins()).map(|i| hamiltonian.neighbors(i).iter().map(join).collect()).collect();
        Ok(Self { hamiltonian, beta, neighbors })
    }

    /// Number of clusters that touch as many spins as a sweep, from a pilot run that starts at `start [n]`. The mean cluster has
    /// `n ⟨m²⟩` spins (Wolff 1989), so this is `1 / ⟨m²⟩`.
    ///
    /// # Panics
    /// If `start` has not one value for each spin.
    pub fn clusters_per_sweep(&self, start: Vec<i8>, noise: &mut Noise) -> usize {
        let n = start.len();
        let mut state = self.run(start, PILOT, noise);
        let mut sum = 0.0;
        for _ in 0..PILOT {
            state = self.step(state, noise);
            sum += Observation::of(self.hamiltonian, &state).magnetization.powi(2);
        }
        ((PILOT as f64 / sum).ceil() as usize).clamp(1, n)
    }
}

impl Chain for Wolff<'_> {
    type State = Vec<i8>;

    fn init(&self, noise: &mut Noise) -> Vec<i8> {
        fair_spins(self.hamiltonian.n_spins(), noise)
    }

    fn step(&self, mut spins: Vec<i8>, noise: &mut Noise) -> Vec<i8> {
        assert_eq!(spins.len(), self.hamiltonian.n_spins(), "one value for each spin");
        let seed = noise.below(spins.len());
        let old = spins[seed];
        let mut words = Words::new(noise);
        spins[seed] = -old;
        let mut border = vec![seed];
        while let Some(i) = border.pop() {
            for (j, join) in &self.neighbors[i] {
                if spins[*j] == old && uniform(words.next()) < *join {
                    spins[*j] = -old;
                    border.push(*j);
                }
            }
        }
        spins
    }

    fn betas(&self) -> Vec<f64> {
        vec![self.beta]
    }

    fn observe(&self, spins: &Vec<i8>) -> Vec<Observation> {
        vec![Observation::of(self.hamiltonian, spins)]
    }
}
