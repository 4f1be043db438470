//! The figures of a trained machine.

use anyhow::Result;
use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_boltzmann::{
    GibbsChain, Rbm,
    ais::{AnnealedImportance, Bracket, Schedule},
    exact,
    units::{AnyUnits, UnitKind, Units},
};
use gibbs_core::{Estimate, Kind, math::to_host};
use gibbs_data::{Dataset, Splits};

use super::{RbmExperiment, RbmRun, config::Annealing, moments};
use crate::{cli::Part, evaluation::Evaluation};

/// Examples whose free energy is computed at once.
const BLOCK: usize = 1000;

type AnyRbm = Rbm<AnyUnits, AnyUnits>;

/// Something about each example of a set, block by block.
fn for_each_example(
    config: &RbmRun,
    data: &Dataset,
    device: &Device,
    figure: impl Fn(Tensor<2>) -> Tensor<1>,
) -> Vec<f64> {
    let rows: Vec<usize> = (0..data.len()).collect();
    rows.chunks(BLOCK)
        .flat_map(|rows| to_host(figure(config.model.encode(data.tensor(rows, device)))))
        .collect()
}

/// Free energy of each example.
pub(super) fn free_energies(config: &RbmRun, rbm: &AnyRbm, data: &Dataset, device: &Device) -> Vec<f64> {
    for_each_example(config, data, device, |v| rbm.free_energy(v))
}

/// `log Z` for selection: exact where the machine is small, else annealed forward only.
pub(super) fn quick_log_z(
    rbm: &AnyRbm,
    base: &AnyUnits,
    annealing: Annealing,
    noise: &mut Noise,
) -> Estimate {
    exact::log_z(rbm).unwrap_or_else(|_| {
        AnnealedImportance::new(rbm, base.clone(), schedule(annealing.temperatures))
            .forward(annealing.chains, noise)
    })
}

/// The published schedule, or equal steps where there are too few for it.
fn schedule(intervals: usize) -> Schedule {
    if intervals < 29 { Schedule::linear(intervals) } else { Schedule::salakhutdinov_murray(intervals) }
}

/// Both ends of `log Z`; the reverse direction starts from annealed chains with a burn-in.
fn bracket(rbm: &AnyRbm, base: &AnyUnits, annealing: Annealing, noise: &mut Noise) -> Bracket {
    let schedule = schedule(annealing.temperatures);
    let chain = GibbsChain::new(rbm);
    let v = chain.init(annealing.chains, noise);
    let v = chain.anneal(v, base, schedule.betas(), noise);
    let samples = chain.run(v, annealing.burn_in, noise);
    AnnealedImportance::new(rbm, base.clone(), schedule).bracket(annealing.chains, samples, noise)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// All figures on a part of the data, and the log-likelihood of each example.
pub(super) fn evaluate(experiment: &RbmExperiment, data: &Splits, part: Part) -> Result<Evaluation> {
    let RbmExperiment { config, rbm, device } = experiment;
    for &split in part.splits() {
        let set = data.get(split);
        set.require_width(config.model.data_width(rbm.visible.width()))?;
        if config.model.visible != UnitKind::Gaussian {
            set.require_unit_interval()?;
        }
    }
    let concat = |figure: &dyn Fn(Tensor<2>) -> Tensor<1>| -> Vec<f64> {
        let sets = part.splits().iter().map(|&split| data.get(split));
        sets.flat_map(|set| for_each_example(config, set, device, figure)).collect()
    };
    let free_energy = concat(&|v| rbm.free_energy(v));
    let mut evaluation = Evaluation::default();

    let binarization = config.data.binarization.map_or("none", |kind| kind.name());
    let log_z = match exact::log_z(rbm) {
        Ok(exact) => exact,
        Err(_) => {
            let base = rbm.visible.fitted(&moments(config, &data.train, device));
            let mut noise = Noise::new(config.seed, "evaluation");
            let Bracket { lower, upper } = bracket(rbm, &base, config.train.evaluation, &mut noise);
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
