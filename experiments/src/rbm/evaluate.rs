//! The figures of a trained machine.

use anyhow::Result;
use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_boltzmann::{
    AnyRbm,
    ais::Bracket,
    exact,
    units::{UnitFamily, Units},
};
use gibbs_core::{Estimate, Kind};
use gibbs_data::{Dataset, Splits};

use super::{RbmExperiment, RbmRun};
use crate::{
    cli::Part,
    evaluation::{Evaluation, mean},
};

/// Free energy of each example.
pub(super) fn free_energies(config: &RbmRun, rbm: &AnyRbm, data: &Dataset, device: &Device) -> Vec<f64> {
    config.model.coding().for_each(data, device, |v| rbm.free_energy(v))
}

/// All figures on a part of the data, and the log-likelihood of each example.
pub(super) fn evaluate(experiment: &RbmExperiment, data: &Splits, part: Part) -> Result<Evaluation> {
    let RbmExperiment { config, rbm, device } = experiment;
    let coding = config.model.coding();
    for &split in part.splits() {
        coding.require(data.get(split), rbm.visible.width())?;
    }
    let concat = |figure: &dyn Fn(Tensor<2>) -> Tensor<1>| -> Vec<f64> {
        let sets = part.splits().iter().map(|&split| data.get(split));
        sets.flat_map(|set| coding.for_each(set, device, figure)).collect()
    };
    let free_energy = concat(&|v| rbm.free_energy(v));
    let mut evaluation = Evaluation::default();

    let binarization = config.data.binarization.map_or("none", |kind| kind.name());
    let log_z = match exact::log_z(rbm) {
        Ok(exact) => exact,
        Err(_) => {
            let base = rbm.visible.fitted(&coding.moments(&data.train, device));
            let mut noise = Noise::new(config.seed, "evaluation");
            let Bracket { lower, upper } = config.train.evaluation.bracket(rbm, &base, &mut noise);
            evaluation.add("log_z_lower", &lower, "nats");
            evaluation.add("log_z_upper", &upper, "nats");
            let log_prob = |log_z: &Estimate| log_z.clone().affine(-1.0, -mean(&free_energy));
            evaluation.add("log_prob_lower", &log_prob(&upper), "nats");
            evaluation.add("log_prob_upper", &log_prob(&lower), "nats");
            lower.with_kind(Kind::Asymptotic)
        }
    };
    let log_prob = log_z.clone().affine(-1.0, -mean(&free_energy));
    evaluation.add("log_prob", &log_prob, "nats");
    evaluation.note("log_prob", "binarization", binarization);
    evaluation.add("log_z", &log_z, "nats");

    let error = concat(&|v| rbm.reconstruction_error(v));
    evaluation.add("reconstruction_error", &Estimate::exact(mean(&error)), "squared, per example");
    let gap_rows = data.train.len().min(data.valid.len());
    let train = mean(&free_energies(config, rbm, &data.train.rows(0..gap_rows), device));
    let valid = mean(&free_energies(config, rbm, &data.valid, device));
    evaluation.add("free_energy_gap", &Estimate::exact(train - valid), "nats");
    evaluation.per_example = free_energy.into_iter().map(|f| -f - log_z.value).collect();
    Ok(evaluation)
}
