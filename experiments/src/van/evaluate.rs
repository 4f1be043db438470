//! The figures of a trained network.

use anyhow::Result;
use gibbs_backend::Noise;
use gibbs_core::{Estimate, math::to_host, variational::Draws};
use gibbs_data::Splits;
use gibbs_physics::monte_carlo::{Measurements, Observation, TimeAverage};

use super::{
    VanExperiment,
    train::{log_probs, mean},
};
use crate::{
    cli::Part,
    evaluation::Evaluation,
    system::{Reference, Spins},
};

/// Draws whose images under the group pass through the network together with each other.
const AT_ONCE: usize = 500;

pub(super) fn evaluate(experiment: &VanExperiment, data: &Splits, part: Part) -> Result<Evaluation> {
    match super::config::spins(&experiment.config)? {
        Some(spins) => free_energies(experiment, &spins),
        None => likelihood(experiment, data, part),
    }
}

/// Log-likelihood on a part of the data.
fn likelihood(experiment: &VanExperiment, data: &Splits, part: Part) -> Result<Evaluation> {
    let law = experiment.law();
    let mut each = Vec::new();
    for split in part.splits() {
        let set = data.get(*split);
        set.require_width(experiment.n_spins())?;
        each.extend(log_probs(&law, set, &experiment.device));
    }
    let mut evaluation = Evaluation::default();
    evaluation.add("log_prob", &Estimate::exact(mean(&each)), "nats");
    evaluation.per_example = each;
    Ok(evaluation)
}

/// What the network's draws tell about its Hamiltonian, beside exact values where there are any.
fn free_energies(experiment: &VanExperiment, spins: &Spins) -> Result<Evaluation> {
    let config = &experiment.config;
    let (beta, n_spins) = (config.model.system.beta, spins.n_spins() as f64);
    let noise = &mut Noise::new(config.seed, "eval");
    let (mut magnetizations, law) = (Vec::new(), experiment.law());
    let draws = Draws::from_model(&law, &spins.at(beta)?, config.train.samples, AT_ONCE, noise, |s| {
        magnetizations.extend(to_host(s.clone().mean_dim(1).squeeze_dim::<1>(1)));
    });
    let energies: Vec<f64> = draws.energy().iter().map(|energy| energy / beta).collect();
    let observe = |i: usize| Observation { energy: energies[i], magnetization: magnetizations[i] };

    let mut evaluation = Evaluation::default();
    let mut per_site = |name: &str, of_system: Estimate| {
        evaluation.add(name, &of_system.affine(1.0 / n_spins, 0.0), "per site")
    };
    let free_energy = |log_z: Estimate| log_z.affine(-1.0 / beta, 0.0);
    per_site("free_energy_per_site", free_energy(draws.log_z_bound()));
    per_site("free_energy_corrected", free_energy(draws.log_z()));
    let reference = Reference::of(&config.model.system, spins, beta)?;
    if let Some(exact) = &reference {
        per_site("free_energy_exact", Estimate::exact(exact.thermodynamics.free_energy()));
    }
    per_site("energy_per_site", draws.average(&energies));
    let chain = draws.markov_chain(noise);
    let visited = Measurements::new(beta, [chain.held.iter().map(|i| observe(*i)).collect()]);
    per_site("energy_per_site_chain", visited.energy().estimate);
    if let Some(exact) = &reference {
        per_site("energy_per_site_exact", Estimate::exact(exact.thermodynamics.energy));
    }
    let sizes: Vec<f64> = magnetizations.iter().map(|m| m.abs()).collect();
    evaluation.add("abs_magnetization", &draws.average(&sizes), "per site");
    evaluation.add("abs_magnetization_chain", &visited.abs_magnetization().estimate, "per site");
    if let Some(exact) = reference.and_then(|exact| exact.magnetization) {
        evaluation.add("abs_magnetization_exact", &Estimate::exact(exact.abs), "per site");
    }
    evaluation.add("effective_sample_size", &draws.effective_sample_size(), "draws");
    evaluation.note("effective_sample_size", "of", draws.len());
    evaluation.add("acceptance", &TimeAverage::mean(&[chain.accepted]).estimate, "of proposals");
    for name in ["free_energy_per_site", "free_energy_corrected"] {
        evaluation.note(name, "symmetries", law.group().order());
    }
    if let Some(exact) = &reference {
        evaluation.note("free_energy_exact", "method", exact.method);
    }
    evaluation.per_example = draws.log_q().to_vec();
    evaluation.draws = Some(draws.len());
    Ok(evaluation)
}
