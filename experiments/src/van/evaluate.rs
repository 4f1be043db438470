//! The figures of a trained network.

use anyhow::Result;
use gibbs_backend::Noise;
use gibbs_core::{Estimate, math::to_host, variational::Draws};
use gibbs_data::Splits;
use gibbs_physics::{
    monte_carlo::{Measurements, Observation},
    system::SpinSystem,
};

use super::{VanExperiment, train::log_probs};
use crate::{
    cli::Part,
    evaluation::{Evaluation, mean},
    free_energy::{self, FreeEnergy},
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
        set.require_width(experiment.n_spins)?;
        each.extend(log_probs(&*law, set, &experiment.device));
    }
    let mut evaluation = Evaluation::default();
    evaluation.add("log_prob", &Estimate::exact(mean(&each)), "nats");
    let binarization = experiment.config.data.binarization.map_or("none", |kind| kind.name());
    evaluation.note("log_prob", "binarization", binarization);
    evaluation.per_example = each;
    Ok(evaluation)
}

/// What the network's draws tell about its Hamiltonian, beside exact values where there are any.
fn free_energies(experiment: &VanExperiment, spins: &SpinSystem) -> Result<Evaluation> {
    let (config, law) = (&experiment.config, experiment.law());
    let beta = config.model.system.beta;
    let noise = &mut Noise::new(config.seed, "eval");
    let mut magnetizations = Vec::new();
    let n = config.draws(experiment.group.order());
    let draws = Draws::from_model(&*law, &spins.at(beta)?, n, AT_ONCE, noise, |s| {
        magnetizations.extend(to_host(s.clone().mean_dim(1).squeeze_dim::<1>(1)));
    });
    let energies: Vec<f64> = draws.energy().iter().map(|energy| energy / beta).collect();
    let sizes: Vec<f64> = magnetizations.iter().map(|m| m.abs()).collect();
    let chain = draws.markov_chain(noise);
    let observe = |i: &usize| Observation { energy: energies[*i], magnetization: magnetizations[*i] };
    let visited = Measurements::new(beta, [chain.held.iter().map(observe).collect()]);
    let exact = spins.reference(beta)?;

    let per_site = |of_system: Estimate| of_system.affine(1.0 / spins.n_spins() as f64, 0.0);
    let mut evaluation = Evaluation::default();
    let of_whole = FreeEnergy {
        n_sites: spins.n_spins(),
        unit: (beta, "J"),
        log_z_offset: 0.0,
        symmetries: experiment.group.order(),
        exact: exact.as_ref().map(|exact| (exact.thermodynamics.log_z, exact.method)),
    };
    of_whole.add(&draws, &mut evaluation);
    evaluation.add("energy_per_site", &per_site(draws.average(&energies)), "J");
    evaluation.add("energy_per_site_chain", &per_site(visited.energy().estimate), "J");
    if let Some(exact) = &exact {
        evaluation.add("energy_per_site_exact", &per_site(Estimate::exact(exact.thermodynamics.energy)), "J");
    }
    evaluation.add("abs_magnetization", &draws.average(&sizes), "per site");
    evaluation.add("abs_magnetization_chain", &visited.abs_magnetization().estimate, "per site");
    if let Some(exact) = exact.and_then(|exact| exact.magnetization) {
        evaluation.add("abs_magnetization_exact", &Estimate::exact(exact.abs), "per site");
    }
    free_energy::add_sampling(&draws, &chain, &mut evaluation);
    Ok(evaluation)
}
