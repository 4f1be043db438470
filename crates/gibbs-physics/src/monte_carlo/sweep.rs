//! Sweeps of single-spin updates.
//!
//! ```text
//! f_i = Σ_j J_ij s_j + h_i                                         local field
//! heat bath    s_i <- +1 with probability 1 / (1 + exp(-2β f_i)), else -1
//! Metropolis   s_i <- -s_i with probability min(1, exp(-2β s_i f_i))
//! ```
//!
//! Each update is in detailed balance with `exp(-β H)`, so a sweep, one update of every spin in a fixed order, leaves that
//! distribution unchanged. The order goes by colors: spins of one color are not coupled, hence updated at once. Colors are
//! given greedily in the order of the spins; on a hypercubic lattice with even periods this is the checkerboard, and
//! where all spins are coupled each has its own color.
//!
//! References: Metropolis et al., J. Chem. Phys. 21:1087 (1953), doi:10.1063/1.1699114. Glauber, J. Math. Phys. 4:294
//! (1963), doi:10.1063/1.1703954, for the heat bath of spins. Gonzalez, Low, Gretton & Guestrin, AISTATS 2011, for
//! colored Gibbs sampling.
//!
//! Cost: a sweep takes one exponential and one 64-bit word of noise for each spin, and a product for each neighbor.

use gibbs_backend::Noise;
use gibbs_backend::parallel::*;

use super::{
    chain::{Chain, Observation},
    words::uniform,
};
use crate::{Hamiltonian, Pairwise, PhysicsError, error::inverse_temperature, spins::fair_spins};

/// Fewest spins for a thread.
const PIECE: usize = 2048;

/// How a single spin is updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The spin is drawn again, given all others.
    HeatBath,
    /// The spin flips with the largest probability that keeps detailed balance. At `β = 0` it always flips, and sweeps in a
    /// fixed order then alternate between two states.
    Metropolis,
}

impl Rule {
    /// The probability that a spin flips if the flip costs the energy `cost = 2 s_i f_i`. (The heat bath flips a spin if it draws
    /// the other value.)
    pub(crate) fn flip_probability(self, beta: f64, cost: f64) -> f64 {
        match self {
            Self::HeatBath => 1.0 / (1.0 + (beta * cost).exp()),
            Self::Metropolis => (-beta * cost).exp().min(1.0),
        }
    }
}

/// One replica of any [`Pairwise`]; the state is its spins `[n]`, ±1. A step is a sweep.
#[derive(Clone, Debug)]
pub struct Sweep<'a> {
    hamiltonian: &'a Pairwise,
    beta: f64,
    rule: Rule,
    /// The spins of each color, ascending.
    colors: Vec<Vec<usize>>,
}

impl<'a> Sweep<'a> {
    /// Sweeps with `rule` at `beta`.
    ///
    /// # Errors
    /// If `beta` is negative or not finite.
    pub fn new(hamiltonian: &'a Pairwise, beta: f64, rule: Rule) -> Result<Self, PhysicsError> {
        Ok(Self { hamiltonian, beta: inverse_temperature(beta)?, rule, colors: colors(hamiltonian) })
    }

    /// The spins of each color, ascending: no two of one color are coupled. They are updated color by color.
    pub fn colors(&self) -> &[Vec<usize>] {
        &self.colors
    }
}

impl Chain for Sweep<'_> {
    type State = Vec<i8>;

    fn init(&self, noise: &mut Noise) -> Vec<i8> {
        fair_spins(self.hamiltonian.n_spins(), noise)
    }

    fn step(&self, mut spins: Vec<i8>, noise: &mut Noise) -> Vec<i8> {
        assert_eq!(spins.len(), self.hamiltonian.n_spins(), "one value for each spin");
        let mut words = vec![0; spins.len()];
        noise.fill_u64(&mut words);
        let mut rest = words.as_slice();
        for sites in &self.colors {
            let (words, after) = rest.split_at(sites.len());
            rest = after;
            let update = |spins: &[i8], i: usize, word: u64| {
                let cost = self.hamiltonian.flip_cost(spins, i);
                let flips = uniform(word) < self.rule.flip_probability(self.beta, cost);
                if flips { -spins[i] } else { spins[i] }
            };
            if sites.len() < 2 * PIECE {
                for (i, word) in sites.iter().zip(words) {
                    spins[*i] = update(&spins, *i, *word);
                }
            } else {
                let pairs = sites.par_iter().zip(words).with_min_len(PIECE);
                let new: Vec<i8> = pairs.map(|(i, word)| update(&spins, *i, *word)).collect();
                for (i, spin) in sites.iter().zip(new) {
                    spins[*i] = spin;
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

/// Spins by color. A spin has the first color that no earlier neighbor has.
fn colors(hamiltonian: &Pairwise) -> Vec<Vec<usize>> {
    let mut color_of: Vec<usize> = Vec::with_capacity(hamiltonian.n_spins());
    let mut colors: Vec<Vec<usize>> = Vec::new();
    let mut taken_by = Vec::new();
    for i in 0..hamiltonian.n_spins() {
        for (j, _) in hamiltonian.neighbors(i).iter().take_while(|(j, _)| *j < i) {
            taken_by[color_of[*j]] = i;
        }
        let color = taken_by.iter().position(|by| *by != i).unwrap_or(colors.len());
        if color == colors.len() {
            colors.push(Vec::new());
            taken_by.push(usize::MAX);
        }
        colors[color].push(i);
        color_of.push(color);
    }
    colors
}
