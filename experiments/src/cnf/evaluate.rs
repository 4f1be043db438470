//! Log-densities of a trained continuous flow.

use gibbs_flow::FlowMatching;

use super::Flow;
use crate::{flow::ROWS, prelude::*, preprocessed::blocks, source::rows};

/// The loss of flow matching on a set, with the same noise each time.
pub(super) fn matching_loss(
    matching: &FlowMatching,
    flow: &Flow,
    data: &Dataset,
    seed: u64,
    device: &Device,
) -> f64 {
    let noise = &mut Noise::new(seed, "valid");
    let rows = rows(data);
    let losses = blocks(data, &rows, ROWS, flow.n_context(), device).map(|Batch { x, context, .. }| {
        let n_rows = x.dims()[0];
        let y = flow.preprocessor.forward(x).0;
        to_host(matching.loss(&flow.model.field, y, context.as_ref(), noise))[0] * n_rows as f64
    });
    losses.sum::<f64>() / data.len() as f64
}
