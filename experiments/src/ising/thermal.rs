//! A system at one temperature by each Monte Carlo method.

use anyhow::{Context, Result};
use clap::ValueEnum;
use gibbs_backend::Noise;
use gibbs_physics::{
    Hamiltonian, Pairwise,
    monte_carlo::{
        Chain, HeatBath64, Measurements, Observation, ParallelTempering, REPLICAS, Rule, Schedule, Sweep,
        Wolff, measure,
    },
};
use serde::Serialize;

/// A Monte Carlo method.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Walker {
    /// Wolff's clusters
    Wolff,
    /// Heat bath, 64 replicas in the bits of words where couplings allow
    HeatBath,
    /// Metropolis
    Metropolis,
    /// Parallel tempering of heat baths over all temperatures
    Tempering,
}

/// Clusters turned over to see how many make a sweep, and as many to settle before.
const PILOT: usize = 200;

/// Lengths in sweeps.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Plan {
    pub(super) chains: usize,
    pub(super) burn_in: usize,
    pub(super) measurements: usize,
    pub(super) every: usize,
}

/// What a method measured at one temperature.
pub(super) struct Measured {
    pub(super) measurements: Measurements,
    /// Replicas of the system.
    pub(super) replicas: usize,
    /// Sweeps from one measurement to the next.
    pub(super) every: usize,
}

impl Walker {
    /// The name, as on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Wolff => "wolff",
            Self::HeatBath => "heat-bath",
            Self::Metropolis => "metropolis",
            Self::Tempering => "tempering",
        }
    }

    /// Wolff's clusters where they can grow, and the heat bath.
    pub(super) fn suitable(system: &Pairwise) -> Vec<Self> {
        let wolff = Wolff::new(system, 0.0).ok().map(|_| Self::Wolff);
        wolff.into_iter().chain([Self::HeatBath]).collect()
    }

    /// Whether all temperatures are measured at once.
    pub(super) fn is_joint(self) -> bool {
        self == Self::Tempering
    }

    /// That the method suits the system and the temperatures.
    ///
    /// # Errors
    /// Names what it cannot have.
    pub(super) fn check(self, system: &Pairwise, betas: &[f64]) -> Result<()> {
        let checked = match self {
            Self::Wolff => Wolff::new(system, 0.0).map(|_| ()),
            Self::Tempering => ParallelTempering::new(system, &ladder(betas).1, Rule::HeatBath).map(|_| ()),
            Self::HeatBath | Self::Metropolis => Ok(()),
        };
        checked.with_context(|| format!("--method {}", self.name()))
    }

    /// Measurements at each of `betas`, in their order.
    ///
    /// # Errors
    /// A system or temperatures that the method cannot have.
    pub(super) fn measure(
        self,
        system: &Pairwise,
        betas: &[f64],
        plan: Plan,
        noise: &Noise,
    ) -> Result<Vec<Measured>> {
        let up = || vec![1; system.n_spins()];
        let Plan { chains, burn_in, measurements, every } = plan;
        let schedule = |chains: usize| Schedule { chains, burn_in, measurements, every };
        if self.is_joint() {
            let (order, ladder) = ladder(betas);
            let chain = ParallelTempering::new(system, &ladder, Rule::HeatBath)?;
            let start = || chain.ladder(vec![up(); ladder.len()]);
            let measured = measure(&Ordered { chain: &chain, start }, schedule(chains), noise);
            let mut sorted: Vec<(usize, Measurements)> = order.into_iter().zip(measured).collect();
            sorted.sort_by_key(|(i, _)| *i);
            let own = |(_, measurements)| Measured { measurements, replicas: chains, every };
            return Ok(sorted.into_iter().map(own).collect());
        }
        let each = |beta: f64| -> Result<Measured> {
            let noise = noise.child(beta.to_string());
            let (found, replicas, every) = match self {
                Self::Wolff => {
                    let chain = Wolff::new(system, beta)?;
                    let sweep = clusters_of_a_sweep(&chain, up(), &noise);
                    // A sweep of clusters leaves next to nothing of what was before it.
                    let (burn_in, measurements) = (sweep * burn_in, measurements * every);
                    let schedule = Schedule { chains, burn_in, measurements, every: sweep };
                    (measure(&Ordered { chain: &chain, start: up }, schedule, &noise), chains, 1)
                }
                Self::HeatBath if HeatBath64::new(system, beta).is_ok() => {
                    let chain = HeatBath64::new(system, beta)?;
                    let start = || chain.pack(&[up()]);
                    let found = measure(&Ordered { chain: &chain, start }, schedule(1), &noise);
                    (found, REPLICAS, every)
                }
                _ => {
                    let rule = if self == Self::HeatBath { Rule::HeatBath } else { Rule::Metropolis };
                    let chain = Sweep::new(system, beta, rule)?;
                    let found = measure(&Ordered { chain: &chain, start: up }, schedule(chains), &noise);
                    (found, chains, every)
                }
            };
            let measurements = found.into_iter().next();
            let measurements = measurements.unwrap_or_else(|| Measurements::new(beta, []));
            Ok(Measured { measurements, replicas, every })
        };
        betas.iter().map(|beta| each(*beta)).collect()
    }
}

/// Indices of `betas` in ascending order, and they in this order.
fn ladder(betas: &[f64]) -> (Vec<usize>, Vec<f64>) {
    let mut order: Vec<usize> = (0..betas.len()).collect();
    order.sort_by(|a, b| betas[*a].total_cmp(&betas[*b]));
    let sorted = order.iter().map(|i| betas[*i]).collect();
    (order, sorted)
}

/// The mean cluster has `n ⟨m²⟩` spins (Wolff 1989), so that `1 / ⟨m²⟩` of them touch as many spins as a sweep.
fn clusters_of_a_sweep(chain: &Wolff, start: Vec<i8>, noise: &Noise) -> usize {
    let n = start.len();
    let mut noise = noise.child("pilot");
    let mut state = chain.run(start, PILOT, &mut noise);
    let mut sum = 0.0;
    for _ in 0..PILOT {
        state = chain.step(state, &mut noise);
        sum += chain.observe(&state).iter().map(|one| one.magnetization.powi(2)).sum::<f64>();
    }
    ((PILOT as f64 / sum).ceil() as usize).clamp(1, n)
}

/// A chain that begins with all spins up. A ferromagnet that is cooled from disorder can be left with two domains for long.
struct Ordered<'a, C, F> {
    chain: &'a C,
    start: F,
}

impl<C: Chain, F: Fn() -> C::State + Sync> Chain for Ordered<'_, C, F> {
    type State = C::State;

    fn init(&self, _noise: &mut Noise) -> C::State {
        (self.start)()
    }

    fn step(&self, state: C::State, noise: &mut Noise) -> C::State {
        self.chain.step(state, noise)
    }

    fn betas(&self) -> Vec<f64> {
        self.chain.betas()
    }

    fn observe(&self, state: &C::State) -> Vec<Observation> {
        self.chain.observe(state)
    }

    fn run(&self, state: C::State, n: usize, noise: &mut Noise) -> C::State {
        self.chain.run(state, n, noise)
    }
}
