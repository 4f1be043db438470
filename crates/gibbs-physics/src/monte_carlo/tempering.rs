//! Parallel tempering (replica exchange): replicas at several inverse temperatures that exchange their states.
//!
//! ```text
//! exchange the states of neighbors β < β' with probability min(1, exp((β' - β) (H' - H)))
//! ```
//!
//! A step is a sweep of every replica, then a round of exchanges between every second pair of neighbors. Rounds start with the
//! first and the second pair alternately. The product of the canonical distributions is stationary.
//!
//! References: Swendsen & Wang, Phys. Rev. Lett. 57:2607 (1986), doi:10.1103/PhysRevLett.57.2607; Hukushima & Nemoto, J.
//! Phys. Soc. Jpn. 65:1604 (1996), doi:10.1143/JPSJ.65.1604.

use gibbs_backend::Noise;

use super::{
    chain::{Chain, Observation},
    sweep::{Rule, Sweep},
    words::uniform,
};
use crate::{Pairwise, PhysicsError};

/// A ladder of temperatures for any [`Pairwise`].
#[derive(Clone, Debug)]
pub struct ParallelTempering<'a> {
    hamiltonian: &'a Pairwise,
    betas: Vec<f64>,
    sweeps: Vec<Sweep<'a>>,
}

/// The replicas of a [`ParallelTempering`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// The spins at each inverse temperature, in the order of the ladder.
    pub replicas: Vec<Vec<i8>>,
    /// Exchanges of each pair of neighbors so far.
    pub accepted: Vec<u64>,
    /// Exchanges of each pair that were tried.
    pub tried: Vec<u64>,
    /// Steps done so far; its parity decides which pairs are next.
    pub steps: u64,
}

impl Ladder {
    /// The share of exchanges of each pair of neighbors that were accepted; NaN before the first try.
    pub fn acceptance(&self) -> Vec<f64> {
        self.accepted
            .iter()
            .zip(&self.tried)
            .map(|(accepted, tried)| *accepted as f64 / *tried as f64)
            .collect()
    }
}

impl<'a> ParallelTempering<'a> {
    /// Replicas at `betas`, hottest first, each updated with `rule`.
    ///
    /// # Errors
    /// If there are fewer than two `betas`, they do not ascend, or one is negative or not finite.
    pub fn new(hamiltonian: &'a Pairwise, betas: &[f64], rule: Rule) -> Result<Self, PhysicsError> {
        let sweeps: Vec<_> =
            betas.iter().map(|beta| Sweep::new(hamiltonian, *beta, rule)).collect::<Result<_, _>>()?;
        if betas.len() < 2 {
            let value = betas.first().copied().unwrap_or(f64::NAN);
            return Err(not_ascending(0, value));
        }
        if let Some(i) = betas.windows(2).position(|pair| pair[0] >= pair[1]) {
            return Err(not_ascending(i + 1, betas[i + 1]));
        }
        Ok(Self { hamiltonian, betas: betas.to_vec(), sweeps })
    }

    /// A ladder that starts with the given spins at each inverse temperature.
    ///
    /// # Panics
    /// If there is not one replica for each inverse temperature.
    pub fn ladder(&self, replicas: Vec<Vec<i8>>) -> Ladder {
        assert_eq!(replicas.len(), self.betas.len(), "one replica for each inverse temperature");
        let pairs = self.betas.len() - 1;
        Ladder { replicas, accepted: vec![0; pairs], tried: vec![0; pairs], steps: 0 }
    }

    /// The probability that replica `hot`, of the first energy, and the next, of the second, exchange their states.
    pub(super) fn exchange_probability(&self, hot: usize, [first, second]: [f64; 2]) -> f64 {
        ((self.betas[hot + 1] - self.betas[hot]) * (second - first)).exp().min(1.0)
    }
}

fn not_ascending(index: usize, value: f64) -> PhysicsError {
    PhysicsError::Invalid(format!(
        "beta {index} of a ladder is {value}; a ladder needs at least two values, in ascending order"
    ))
}

impl Chain for ParallelTempering<'_> {
    type State = Ladder;

    fn init(&self, noise: &mut Noise) -> Ladder {
        self.ladder(self.sweeps.iter().map(|sweep| sweep.init(noise)).collect())
    }

    fn step(&self, mut ladder: Ladder, noise: &mut Noise) -> Ladder {
        let replicas = std::mem::take(&mut ladder.replicas);
        ladder.replicas =
            self.sweeps.iter().zip(replicas).map(|(sweep, spins)| sweep.step(spins, noise)).collect();
        for hot in ((ladder.steps % 2) as usize..self.betas.len() - 1).step_by(2) {
            let energies = [hot, hot + 1].map(|i| self.hamiltonian.energy_of(&ladder.replicas[i]));
            ladder.tried[hot] += 1;
            if uniform(noise.next_u64()) < self.exchange_probability(hot, energies) {
                ladder.accepted[hot] += 1;
                ladder.replicas.swap(hot, hot + 1);
            }
        }
        ladder.steps += 1;
        ladder
    }

    fn betas(&self) -> Vec<f64> {
        self.betas.clone()
    }

    fn observe(&self, ladder: &Ladder) -> Vec<Observation> {
        ladder.replicas.iter().map(|spins| Observation::of(self.hamiltonian, spins)).collect()
    }
}
