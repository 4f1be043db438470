//! The figures of a trained model.

use anyhow::Result;
use burn::prelude::*;
use gibbs_autoregressive::Autoregressive;
use gibbs_core::Estimate;
use gibbs_data::{Dataset, Splits};

use super::{
    MadeExperiment,
    config::Outputs,
    values::{Examples, Values},
};
use crate::{
    cli::Part,
    evaluation::{Evaluation, mean},
};

/// Exact log-probability of each example of a set.
pub(super) fn log_probs<M: Autoregressive + ?Sized>(
    model: &M,
    values: &Values,
    data: &Dataset,
    device: &Device,
) -> Vec<f64> {
    let log_prob = |examples: Examples| model.log_prob_given(examples.x, examples.context.as_ref());
    values.for_each(data, device, |examples| log_prob(examples) + values.log_volume())
}

/// Log-likelihood on a part of the data, with what it depends on.
pub(super) fn evaluate(experiment: &MadeExperiment, data: &Splits, part: Part) -> Result<Evaluation> {
    let MadeExperiment { config, model, device } = experiment;
    let values = Values::of(&config.model);
    let sets: Vec<&Dataset> = part.splits().iter().map(|&split| data.get(split)).collect();
    for set in &sets {
        set.require_width(model.law().n_visible())?;
        values.require(set)?;
    }
    let each: Vec<f64> = sets.iter().flat_map(|set| log_probs(model.law(), &values, set, device)).collect();

    let mut evaluation = Evaluation::default();
    evaluation.add("log_prob", &Estimate::exact(mean(&each)), "nats");
    let binarization = config.data.binarization.map_or("none", |kind| kind.name());
    evaluation.note("log_prob", "binarization", binarization);
    evaluation.note("log_prob", "orderings", model.law().n_masks());
    if config.model.n_classes > 0 {
        evaluation.note("log_prob", "given", "class");
    }
    if config.model.outputs == Outputs::Categorical {
        let bits = -mean(&each) / (std::f64::consts::LN_2 * model.law().n_visible() as f64);
        evaluation.add("bits_per_dim", &Estimate::exact(bits), "bits");
        evaluation.note("bits_per_dim", "levels", config.model.levels);
    }
    evaluation.per_example = each;
    Ok(evaluation)
}
