//! A system at several temperatures by any Monte Carlo method.

use gibbs_backend::Noise;
use gibbs_backend::parallel::*;

use super::{
    Chain, HeatBath64, McmcSchedule, Measurements, ParallelTempering, REPLICAS, Rule, Sweep, Wolff,
    chain::measure_from,
};
use crate::{
    Hamiltonian, Pairwise, PhysicsError,
    exact::{self, MAX_DRAWN},
    named::named,
};

named! {
    /// A Monte Carlo method.
    MonteCarloMethod {
        /// Wolff's clusters
        Wolff = "wolff",
        /// Heat bath, 64 replicas in the bits of words where couplings allow
        HeatBath = "heat-bath",
        /// Metropolis
        Metropolis = "metropolis",
        /// Parallel tempering of heat baths over all temperatures
        Tempering = "tempering",
    }
}

/// Measurements of one method at one temperature.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The series.
    pub measurements: Measurements,
    /// Replicas of the system.
    pub replicas: usize,
    /// Sweeps from one measurement to the next.
    pub every: usize,
}

impl MonteCarloMethod {
    /// Wolff's clusters where they can grow, and the heat bath.
    pub fn suitable(system: &Pairwise) -> Vec<Self> {
        let wolff = Wolff::new(system, 0.0).ok().map(|_| Self::Wolff);
        wolff.into_iter().chain([Self::HeatBath]).collect()
    }

    /// Whether one chain measures all temperatures.
    pub fn is_joint(self) -> bool {
        self == Self::Tempering
    }

    /// Checks that the method suits the system and the temperatures.
    ///
    /// # Errors
    /// The coupling, field or temperature that the method does not allow.
    pub fn check(self, system: &Pairwise, betas: &[f64]) -> Result<(), PhysicsError> {
        match self {
            Self::Wolff => Wolff::new(system, 0.0).map(|_| ()),
            Self::Tempering => {
                ParallelTempering::new(system, &ascending(betas).1, Rule::HeatBath).map(|_| ())
            }
            Self::HeatBath | Self::Metropolis => Ok(()),
        }
    }

    /// Measures the system at each of `betas`, in their order. Lengths in `schedule` are in sweeps. All chains start with all
    /// spins up, as a ferromagnet that is cooled from disorder can keep two domains for long.
    ///
    /// For Wolff's clusters a sweep is the number of clusters that touch as many spins as there are, and each sweep ends with a
    /// measurement.
    ///
    /// # Errors
    /// Those of [`check`](Self::check), or a temperature that is negative or not finite.
    pub fn measure(
        self,
        system: &Pairwise,
        betas: &[f64],
        schedule: McmcSchedule,
        noise: &Noise,
    ) -> Result<Vec<Measured>, PhysicsError> {
        if !self.is_joint() {
            return betas.iter().map(|beta| self.measure_at(system, *beta, schedule, noise)).collect();
        }
        let (order, ladder) = ascending(betas);
        let chain = ParallelTempering::new(system, &ladder, Rule::HeatBath)?;
        let start = || chain.ladder(vec![vec![1; system.n_spins()]; ladder.len()]);
        let measured = measure_from(&chain, |_| start(), schedule, noise);
        let mut sorted: Vec<(usize, Measurements)> = order.into_iter().zip(measured).collect();
        sorted.sort_by_key(|(i, _)| *i);
        let McmcSchedule { chains: replicas, every, .. } = schedule;
        Ok(sorted.into_iter().map(|(_, measurements)| Measured { measurements, replicas, every }).collect())
    }

    fn measure_at(
        self,
        system: &Pairwise,
        beta: f64,
        schedule: McmcSchedule,
        noise: &Noise,
    ) -> Result<Measured, PhysicsError> {
        let noise = noise.child(beta.to_string());
        let up = || vec![1; system.n_spins()];
        let McmcSchedule { chains, burn_in, measurements, every } = schedule;
        let bits = if self == Self::HeatBath { HeatBath64::new(system, beta).ok() } else { None };
        let (found, replicas, every) = if self == Self::Wolff {
            let chain = Wolff::new(system, beta)?;
            let sweep = chain.clusters_per_sweep(up(), &mut noise.child("pilot"));
            // A sweep of clusters leaves almost no correlation with the state before it.
            let (burn_in, measurements) = (sweep * burn_in, measurements * every);
            let schedule = McmcSchedule { chains, burn_in, measurements, every: sweep };
            (measure_from(&chain, |_| up(), schedule, &noise), chains, 1)
        } else if let Some(chain) = bits {
            let schedule = McmcSchedule { chains: 1, ..schedule };
            (measure_from(&chain, |_| chain.pack(&[up()]), schedule, &noise), REPLICAS, every)
        } else {
            let rule = if self == Self::HeatBath { Rule::HeatBath } else { Rule::Metropolis };
            let chain = Sweep::new(system, beta, rule)?;
            (measure_from(&chain, |_| up(), schedule, &noise), chains, every)
        };
        let measurements = found.into_iter().next();
        let measurements = measurements.unwrap_or_else(|| Measurements::new(beta, []));
        Ok(Measured { measurements, replicas, every })
    }
}

/// Indices of `betas` in ascending order, and `betas` in this order.
fn ascending(betas: &[f64]) -> (Vec<usize>, Vec<f64>) {
    let mut order: Vec<usize> = (0..betas.len()).collect();
    order.sort_by(|a, b| betas[*a].total_cmp(&betas[*b]));
    let sorted = order.iter().map(|i| betas[*i]).collect();
    (order, sorted)
}

/// How heat-bath chains draw configurations where states are too many to sum over.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawSchedule {
    /// Independent chains.
    pub chains: usize,
    /// Sweeps of each before its first draw.
    pub burn_in: usize,
    /// Sweeps between two draws of a chain.
    pub every: usize,
}

/// `n` configurations `[n, spins]` of `system` at `β = 1`, and how they are made: [exact draws](exact::draw) where states are
/// few, else draws of heat-bath chains. Chain `c` uses the child `c` of `noise`.
///
/// # Errors
/// None at present; the type is that of [`exact::draw`].
pub fn draw_spins(
    system: &Pairwise,
    n: usize,
    schedule: DrawSchedule,
    noise: &Noise,
) -> Result<(Vec<i8>, String), PhysicsError> {
    if system.n_spins() <= MAX_DRAWN {
        return Ok((exact::draw(system, 1.0, n, &mut noise.clone())?, "exact draws by enumeration".into()));
    }
    let DrawSchedule { burn_in, every, .. } = schedule;
    let chains = schedule.chains.min(n);
    let sweep = Sweep::new(system, 1.0, Rule::HeatBath)?;
    let draws_of_chain = |c: usize| {
        let mut noise = noise.child(c.to_string());
        let mut state = sweep.init(&mut noise);
        let mut rows = Vec::new();
        for draw in (c..n).step_by(chains) {
            let sweeps = if draw < chains { burn_in } else { every };
            state = sweep.run(state, sweeps, &mut noise);
            rows.extend_from_slice(&state);
        }
        rows
    };
    let parts: Vec<Vec<i8>> = (0..chains).into_par_iter().map(draws_of_chain).collect();
    let how = format!("draws of {chains} heat-bath chains after {burn_in} sweeps, every {every}");
    Ok((parts.concat(), how))
}
