//! Markov chains of spins, and how to run them.

use gibbs_backend::Noise;
use gibbs_backend::parallel::*;

use super::Measurements;
use crate::{Hamiltonian, Pairwise};

/// Measurements of one configuration of a whole system.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// `H(s)`, in units of the couplings.
    pub energy: f64,
    /// `m = (1/n) Σ_i s_i`.
    pub magnetization: f64,
}

impl Observation {
    /// Of one configuration.
    ///
    /// # Panics
    /// If `spins` has not one value for each spin.
    pub fn of(hamiltonian: &Pairwise, spins: &[i8]) -> Self {
        let up: i64 = spins.iter().map(|s| i64::from(*s)).sum();
        Self { energy: hamiltonian.energy_of(spins), magnetization: up as f64 / hamiltonian.n_spins() as f64 }
    }
}

/// A Markov kernel with a canonical stationary distribution. A state holds one replica of the system or several, each at its own
/// inverse temperature.
///
/// A chain starts with [`init`](Self::init) and continues with [`step`](Self::step), state in and state out. A step
/// depends on the state and the noise alone.
pub trait Chain: Sync {
    /// State of the chain.
    type State;

    /// A state of independent spins, up or down with probability 1/2.
    fn init(&self, noise: &mut Noise) -> Self::State;

    /// One step, as long as the chain defines it.
    ///
    /// # Panics
    /// If the state is of another system.
    fn step(&self, state: Self::State, noise: &mut Noise) -> Self::State;

    /// The inverse temperature of each replica.
    fn betas(&self) -> Vec<f64>;

    /// Measures each replica.
    fn observe(&self, state: &Self::State) -> Vec<Observation>;

    /// `n` steps.
    fn run(&self, state: Self::State, n: usize, noise: &mut Noise) -> Self::State {
        (0..n).fold(state, |state, _| self.step(state, noise))
    }
}

/// Lengths of Markov chain Monte Carlo runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct McmcSchedule {
    /// Independent chains, run in parallel.
    pub chains: usize,
    /// Steps of each chain before its first measurement: many times the autocorrelation time.
    pub burn_in: usize,
    /// Measurements taken of each chain.
    pub measurements: usize,
    /// Steps from one measurement to the next, at least 1.
    pub every: usize,
}

/// Runs independent chains from [`Chain::init`] and measures them: one [`Measurements`] for each run of equal values in
/// [`Chain::betas`], in their order. Chain `c` uses the child `c` of `noise`, so the result does not depend on the number of
/// threads.
///
/// # Panics
/// If `schedule` has no chains, no measurements, or `every` is 0.
pub fn measure<C: Chain>(chain: &C, schedule: McmcSchedule, noise: &Noise) -> Vec<Measurements> {
    measure_from(chain, |noise| chain.init(noise), schedule, noise)
}

/// [`measure`] from other states than those of [`Chain::init`].
pub(super) fn measure_from<C: Chain>(
    chain: &C,
    start: impl Fn(&mut Noise) -> C::State + Sync,
    schedule: McmcSchedule,
    noise: &Noise,
) -> Vec<Measurements> {
    let McmcSchedule { chains, burn_in, measurements, every } = schedule;
    assert!(chains > 0 && measurements > 0 && every > 0, "nothing to measure in {schedule:?}");
    let betas = chain.betas();
    let histories: Vec<Vec<Vec<Observation>>> = (0..chains)
        .into_par_iter()
        .map(|c| {
            let mut noise = noise.child(c.to_string());
            let mut state = start(&mut noise);
            state = chain.run(state, burn_in, &mut noise);
            let mut replicas = vec![Vec::with_capacity(measurements); betas.len()];
            for _ in 0..measurements {
                state = chain.run(state, every, &mut noise);
                for (history, observation) in replicas.iter_mut().zip(chain.observe(&state)) {
                    history.push(observation);
                }
            }
            replicas
        })
        .collect();
    let mut first = 0;
    betas
        .chunk_by(|a, b| a == b)
        .map(|equal| {
            let range = first..first + equal.len();
            first = range.end;
            Measurements::new(
                equal[0],
                histories.iter().flat_map(|replicas| replicas[range.clone()].to_vec()),
            )
        })
        .collect()
}
