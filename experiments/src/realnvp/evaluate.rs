//! The figures of a trained flow.

use anyhow::Result;
use burn::prelude::*;
use gibbs_core::{Estimate, Kind, LogProb};
use gibbs_data::{Splits, bits_per_dim};

use super::{RealNvpExperiment, config::Coordinates, coordinates::require_labels, train::log_probs};
use crate::{
    cli::Part,
    evaluation::{Evaluation, mean},
};

/// Log-density on a part of the data, in their own coordinates, beside that of their law where it is known; of a flow that
/// learned a Hamiltonian with its symmetries.
pub(super) fn evaluate(experiment: &RealNvpExperiment, data: &Splits, part: Part) -> Result<Evaluation> {
    let RealNvpExperiment { config, flow, preparation, device, .. } = experiment;
    let symmetrized = experiment.target.as_ref().map(|target| target.symmetrized(flow.clone()));
    let density = |y, labels: Option<&Tensor<2>>| match &symmetrized {
        Some(flow) => flow.log_prob(y),
        None => flow.log_prob_given(y, labels),
    };
    let (mut within, mut each, mut true_ones) = (Vec::new(), Vec::new(), Vec::new());
    for split in part.splits() {
        let set = data.get(*split);
        set.require_width(flow.n_variables())?;
        require_labels(set, config.model.n_classes)?;
        let (of_flow, of_data) = log_probs(density, flow.n_context(), preparation, set, device);
        within.extend(of_flow);
        each.extend(of_data);
        if let Some(law) = &data.law {
            let rows: Vec<usize> = (0..set.len()).collect();
            true_ones.extend(set.values(&rows).chunks(set.width()).map(|x| law.log_prob(x)));
        }
    }
    let mut evaluation = Evaluation::default();
    evaluation.add("log_prob", &Estimate::exact(mean(&each)), "nats");
    evaluation.note("log_prob", "binarization", "none");
    if let Some(flow) = &symmetrized {
        evaluation.note("log_prob", "symmetries", flow.group().order());
    }
    if config.model.n_classes > 0 {
        evaluation.note("log_prob", "given", "class");
    }
    if !true_ones.is_empty() {
        evaluation.add("log_prob_law", &Estimate::exact(mean(&true_ones)), "nats");
    }
    if config.model.coordinates == Some(Coordinates::Logit) {
        evaluation.note("log_prob", "coordinates", "values in [0, 1], dequantized");
        evaluation.add("log_prob_logit", &Estimate::exact(mean(&within)), "nats");
        // The density of dequantized values bounds the probability of the grey ones, in expectation over the draws. The error is
        // that of a mean over examples.
        let width = flow.n_variables();
        let bits: Vec<f64> = each.iter().map(|log_prob| bits_per_dim(*log_prob, width)).collect();
        evaluation.add("bits_per_dim", &Estimate::mean(&bits).with_kind(Kind::UpperBound), "bits");
    }
    evaluation.per_example = each;
    Ok(evaluation)
}
