//! Log-densities of a trained flow.

use gibbs_core::{Kind, LogProb, preprocess::Preprocessed};
use gibbs_flow::Flow;
use gibbs_physics::system::ContinuousSystemConfig;

use super::RealNvpExperiment;
use crate::{
    flow::{LogProbs, measure},
    prelude::*,
    preprocessed::blocks,
    source::rows,
};

/// Examples whose densities are computed at once.
const ROWS: usize = 1000;

/// `ln p` of each example of a set, in the coordinates of the flow and in those of the data.
pub(super) fn log_probs(flow: &Preprocessed<Flow>, data: &Dataset, device: &Device) -> LogProbs {
    let mut log_probs = LogProbs::default();
    for Batch { x, context, .. } in blocks(data, &rows(data), ROWS, flow.n_context(), device) {
        let (of_data, within) = flow.log_prob_and_within(x, context.as_ref());
        log_probs.within.extend(to_host(within));
        log_probs.of_data.extend(to_host(of_data));
    }
    log_probs
}

/// Log-density on a part of the data; of a flow that learned a Hamiltonian with its symmetries.
pub(super) fn evaluate(
    flow: &RealNvpExperiment,
    on: &Measurement<ContinuousSystemConfig>,
) -> Result<Evaluation> {
    let RealNvpExperiment { model, device, .. } = flow;
    let symmetrized = flow.target.as_ref().map(|target| target.symmetrized(model.clone()));
    let mut evaluation = measure(flow, on.data()?, &on.sets()?, Kind::Exact, |set| match &symmetrized {
        None => Ok(log_probs(model, set, device)),
        Some(model) => {
            let log_prob = |batch: Batch| to_host(model.log_prob(batch.x));
            let of_data = blocks(set, &rows(set), ROWS, 0, device).flat_map(log_prob).collect();
            Ok(LogProbs { of_data, ..LogProbs::default() })
        }
    })?;
    if let Some(model) = &symmetrized {
        evaluation.note("log_prob", "symmetries", model.group().order());
    }
    Ok(evaluation)
}
