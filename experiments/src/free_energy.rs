//! Free energies by samplers with a density, as figures: a variational law beside a Hamiltonian.

use burn::prelude::*;
use gibbs_core::{
    Estimate,
    variational::{Draws, MarkovChain},
};
use gibbs_physics::monte_carlo::TimeAverage;
use gibbs_train::training::Metrics;

use crate::evaluation::Evaluation;

/// How the `ln Z` of draws becomes a free energy per site, `F/N = -(ln Z + offset) / (β N)`, and what it is compared with.
#[derive(Clone, Copy, Debug)]
pub struct FreeEnergy {
    /// `N`.
    pub n_sites: usize,
    /// `β`, and the unit of `F`.
    pub unit: (f64, &'static str),
    /// What is added to `ln Z`, where the law of the draws stands for another system.
    pub log_z_offset: f64,
    /// Images over which the sampler is averaged.
    pub symmetries: usize,
    /// `ln Z` of the system, and how it is computed, where it is known.
    pub exact: Option<(f64, &'static str)>,
}

impl FreeEnergy {
    /// `1 / (β N)`.
    fn scale(&self) -> f64 {
        1.0 / (self.unit.0 * self.n_sites as f64)
    }

    /// `F/N` of a `ln Z` of the law of the draws; of a lower bound, an upper one.
    pub fn per_site(&self, log_z: Estimate) -> Estimate {
        log_z.affine(-self.scale(), -self.scale() * self.log_z_offset)
    }

    /// The bound of `F/N` that `⟨ln q + E⟩` is, `[1]`.
    pub fn bound(&self, mean: Tensor<1>) -> Tensor<1> {
        (mean - self.log_z_offset) * self.scale()
    }

    /// Adds the variational free energy per site, the importance-corrected one, and the exact one with the relative excess of
    /// the bound over it.
    pub fn add(&self, draws: &Draws, evaluation: &mut Evaluation) {
        let unit = self.unit.1;
        evaluation.add("free_energy_per_site", &self.per_site(draws.log_z_bound()), unit);
        evaluation.note("free_energy_per_site", "symmetries", self.symmetries);
        evaluation.add("free_energy_corrected", &self.per_site(draws.log_z()), unit);
        if let Some((log_z, method)) = self.exact {
            let of_draws = Estimate::exact(log_z - self.log_z_offset);
            evaluation.add("free_energy_exact", &self.per_site(of_draws), unit);
            evaluation.note("free_energy_exact", "method", method);
            let excess = (log_z - self.log_z_offset) / log_z.abs();
            let excess = draws.log_z_bound().affine(-1.0 / log_z.abs(), excess);
            evaluation.add("relative_excess", &excess, "of the free energy");
        }
    }

    /// The figures of a measurement along the way, of which both free energies come with their errors.
    pub fn figures(&self, draws: &Draws) -> Metrics {
        let (bound, corrected) = (self.per_site(draws.log_z_bound()), self.per_site(draws.log_z()));
        Metrics::new()
            .with("valid_free_energy", bound.value)
            .with("valid_free_energy_std_err", bound.std_err)
            .with("valid_free_energy_corrected", corrected.value)
            .with("valid_free_energy_corrected_std_err", corrected.std_err)
            .with("valid_effective", draws.effective_sample_size().value / draws.len() as f64)
    }
}

/// Adds how well draws and their Markov chain sample the law: `ln q`, effective sample size, accepted proposals.
pub fn add_sampling(draws: &Draws, chain: &MarkovChain, evaluation: &mut Evaluation) {
    let log_prob = draws.log_q().iter().sum::<f64>() / draws.len() as f64;
    evaluation.add("log_prob", &Estimate::exact(log_prob), "nats");
    evaluation.note("log_prob", "of", "its draws");
    evaluation.add("effective_sample_size", &draws.effective_sample_size(), "draws");
    evaluation.note("effective_sample_size", "of", draws.len());
    evaluation.add(
        "acceptance",
        &TimeAverage::mean(std::slice::from_ref(&chain.accepted)).estimate,
        "of proposals",
    );
    evaluation.per_example = draws.log_q().to_vec();
    evaluation.draws = Some(draws.len());
}
