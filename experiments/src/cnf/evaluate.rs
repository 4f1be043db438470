//! Log-densities of a trained continuous flow.

use gibbs_core::{ode::SolveError, preprocess::Preprocessor};
use gibbs_flow::{
    ContinuousFlow,
    continuous::{LevelEncoding, Matching},
};

use super::{CnfModel, Flow};
use crate::{
    flow::{LogProbs, ROWS, log_probs_by_solver, log_probs_of_levels},
    prelude::*,
    preprocessed::blocks,
    source::rows,
};

/// The loss of flow matching on a set, with the same noise each time.
pub(super) fn matching_loss(
    matching: &Matching,
    flow: &Flow,
    data: &Dataset,
    seed: u64,
    device: &Device,
) -> f64 {
    let noise = &mut Noise::new(seed, "valid");
    let rows = rows(data);
    let losses = blocks(data, &rows, ROWS, flow.n_context(), device).map(|Batch { x, context, .. }| {
        let n_rows = x.dims()[0];
        let y = matching.variables(flow.preprocessor.forward(x).0, noise);
        to_host(matching.loss.loss(&flow.model.field, y, context.as_ref(), noise))[0] * n_rows as f64
    });
    losses.sum::<f64>() / data.len() as f64
}

/// `ln p` of examples of a set, and the number of evaluations for each.
pub(super) fn log_probs(
    config: &CnfModel,
    flow: (&Preprocessor, &ContinuousFlow),
    rows: (&Dataset, &[usize]),
    device: &Device,
    noise: &mut Noise,
) -> Result<(LogProbs, Vec<f64>), SolveError> {
    match config.noisy_levels() {
        Ok(Some(noisy)) => {
            let levels = (&LevelEncoding::Values(noisy.levels), &noisy);
            log_probs_of_levels(flow, levels, rows, device, noise)
        }
        _ => log_probs_by_solver(flow, rows, device, noise),
    }
}
