//! The figures of learned couplings.

use anyhow::Result;
use gibbs_core::Estimate;
use gibbs_data::Splits;
use gibbs_physics::{
    Hamiltonian, Pairwise,
    exact::{self, Enumeration, MAX_DRAWN},
    inverse::{Moments, Samples, coupling_error, field_error, pseudo_log_likelihood},
};

use super::{IsingExperiment, data};
use crate::{cli::Part, evaluation::Evaluation};

/// Sums over all states of a model, if they are few.
pub(super) fn enumeration(learned: &Pairwise) -> Result<Option<Enumeration>> {
    let few = learned.n_spins() <= MAX_DRAWN;
    Ok(few.then(|| exact::enumerate(learned, 1.0)).transpose()?)
}

/// All figures on a part of the data. `--per-example` is the log-likelihood where states are few, else the
/// pseudo-log-likelihood.
pub(super) fn evaluate(experiment: &IsingExperiment, data: &Splits, part: Part) -> Result<Evaluation> {
    let IsingExperiment { config, learned } = experiment;
    let n = learned.n_spins();
    let mut spins = Vec::new();
    for &split in part.splits() {
        data.get(split).require_width(n)?;
        spins.extend(data::spins(data.get(split))?);
    }
    let mean = |values: &[f64]| Estimate::exact(values.iter().sum::<f64>() / values.len() as f64);
    let mut evaluation = Evaluation::default();
    if let Some(truth) = data::truth(config)? {
        evaluation.add(
            "coupling_error",
            &Estimate::exact(coupling_error(learned, &truth).relative),
            "relative",
        );
        evaluation.add("coupling_error_rms", &Estimate::exact(coupling_error(learned, &truth).rms), "beta J");
        evaluation.add("field_error_rms", &Estimate::exact(field_error(learned, &truth).rms), "beta h");
    }
    let pseudo: Vec<f64> = spins.chunks(n).map(|row| pseudo_log_likelihood(learned, row)).collect();
    evaluation.add("pseudo_log_prob", &mean(&pseudo), "nats");
    evaluation.per_example = pseudo;
    if let Some(exact) = enumeration(learned)? {
        let log_z = exact.thermodynamics.log_z;
        let log_probs: Vec<f64> = spins.chunks(n).map(|row| -learned.energy_of(row) - log_z).collect();
        evaluation.add("log_prob", &mean(&log_probs), "nats");
        evaluation.add("log_z", &Estimate::exact(log_z), "nats");
        let gap = Samples::new(&spins, n)?.moments().gap(&Moments::from(&exact));
        evaluation.add("moments_gap", &Estimate::exact(gap), "rms");
        evaluation.per_example = log_probs;
    }
    Ok(evaluation)
}
