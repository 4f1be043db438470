//! The figures of a trained flow.

use anyhow::Result;
use burn::prelude::*;
use gibbs_core::{ConditionalLogProb, LogProb};
use gibbs_data::Splits;

use super::{RealNvpExperiment, train::log_probs};
use crate::{
    cli::Part,
    density::{LogProbs, Measured},
    evaluation::Evaluation,
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
    let measured = Measured {
        data,
        part,
        n_variables: flow.n_variables(),
        n_classes: config.model.n_classes,
        coordinates: config.model.coordinates,
    };
    let mut all = (Vec::new(), Vec::new());
    for set in measured.sets()? {
        let (within, of_data) = log_probs(density, flow.n_context(), preparation, set, device);
        all.0.extend(within);
        all.1.extend(of_data);
    }
    let mut evaluation = measured.figures(LogProbs::exact(all))?;
    if let Some(flow) = &symmetrized {
        evaluation.note("log_prob", "symmetries", flow.group().order());
    }
    Ok(evaluation)
}
