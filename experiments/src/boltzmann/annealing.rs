//! `log Z` of a machine: exact where it is small, else between two annealed estimates.

use anyhow::Result;
use gibbs_backend::Noise;
use gibbs_boltzmann::{
    AnyRbm, GibbsChain,
    ais::{AnnealedImportance, Bracket, Schedule},
    exact,
    units::AnyUnits,
};
use gibbs_core::Estimate;
use serde::{Deserialize, Serialize};

use super::check_counts;

/// How `log Z` is estimated.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Annealing {
    /// Annealed chains, in each direction.
    pub chains: usize,
    /// Intervals between inverse temperatures.
    pub temperatures: usize,
    /// Gibbs sweeps at inverse temperature 1 before the reverse direction starts.
    pub burn_in: usize,
}

impl Annealing {
    /// # Errors
    /// A count of zero; `name` is where the settings stand in the configuration.
    pub fn validate(self, name: &str) -> Result<()> {
        let [chains, temperatures] = ["chains", "temperatures"].map(|field| format!("{name}.{field}"));
        check_counts(&[(&chains, self.chains), (&temperatures, self.temperatures)])
    }

    /// The published schedule, or equal steps where there are too few for it.
    fn schedule(self) -> Schedule {
        match self.temperatures {
            0..29 => Schedule::linear(self.temperatures),
            _ => Schedule::salakhutdinov_murray(self.temperatures),
        }
    }

    /// For selection: exact where the machine is small, else annealed forward only.
    pub fn quick_log_z(self, rbm: &AnyRbm, base: &AnyUnits, noise: &mut Noise) -> Estimate {
        exact::log_z(rbm).unwrap_or_else(|_| {
            AnnealedImportance::new(rbm, base.clone(), self.schedule()).forward(self.chains, noise)
        })
    }

    /// Both ends; the reverse direction starts from annealed chains with a burn-in.
    pub fn bracket(self, rbm: &AnyRbm, base: &AnyUnits, noise: &mut Noise) -> Bracket {
        let schedule = self.schedule();
        let chain = GibbsChain::new(rbm);
        let v = chain.init(self.chains, noise);
        let v = chain.anneal(v, base, schedule.betas(), noise);
        let samples = chain.run(v, self.burn_in, noise);
        AnnealedImportance::new(rbm, base.clone(), schedule).bracket(self.chains, samples, noise)
    }
}
