//! Gray levels in flows that solve a differential equation.

use gibbs_core::{ode::SolveError, preprocess::Preprocessor};
use gibbs_flow::{
    ContinuousFlow,
    continuous::{LevelEncoding, NoisyLevels, VelocityField},
};

use super::{LogProbs, rows_at_once};
use crate::{prelude::*, preprocessed::blocks};

/// Gray levels of bytes.
pub const LEVELS: usize = 256;

/// Noise that remains in levels, as a part of their distance. By the normal distribution the decoder loses 0.02 nats of a black pixel,
/// and a network that sees no single levels 0.2 nats of a gray one; more noise costs black pixels more, less noise gray ones.
pub const LEVEL_NOISE: f64 = 0.22;

/// Black and white among the levels from -1 to 1: the centers of their cells, and the standard deviation of a uniform distribution on
/// a cell, its width over √12.
pub fn black_and_white(levels: usize) -> ([f64; 2], f64) {
    let cell = 2.0 / levels.max(2) as f64;
    ([-1.0 + 0.5 * cell, 1.0 - 0.5 * cell], cell / 12f64.sqrt())
}

/// A lower bound on `ln P` of the gray levels nearest to `x [n, D]` by a flow of noisy `levels`, as the density in \[0, 1\] that is
/// constant in each of their cells: `[n]`, nats; and the number of evaluations.
///
/// # Errors
/// An equation that cannot be solved.
pub fn level_log_prob<V: VelocityField>(
    (preprocessor, flow): (&Preprocessor, &ContinuousFlow<V>),
    (encoding, levels): (&LevelEncoding, &NoisyLevels),
    x: Tensor<2>,
    context: Option<&Tensor<2>>,
    noise: &mut Noise,
) -> Result<(Tensor<1>, usize), SolveError> {
    let log_volume = x.dims()[1] as f64 * (encoding.count() as f64).ln();
    let variables = encoding.encode(preprocessor.forward(x).0);
    let (log_prob, taken) = levels.try_log_prob(flow, variables, context, noise)?;
    Ok((log_prob + log_volume, taken))
}

/// [`level_log_prob`] of examples of a set, and the number of evaluations for each.
///
/// # Errors
/// An equation that cannot be solved.
pub fn log_probs_of_levels<V: VelocityField>(
    model: (&Preprocessor, &ContinuousFlow<V>),
    levels: (&LevelEncoding, &NoisyLevels),
    (data, rows): (&Dataset, &[usize]),
    device: &Device,
    noise: &mut Noise,
) -> Result<(LogProbs, Vec<f64>), SolveError> {
    let (mut log_probs, mut evaluations) = (LogProbs::default(), Vec::with_capacity(rows.len()));
    for Batch { x, context, .. } in blocks(data, rows, rows_at_once(data), model.1.field.n_context(), device)
    {
        let n_rows = x.dims()[0];
        let (log_prob, taken) = level_log_prob(model, levels, x, context.as_ref(), noise)?;
        evaluations.extend(std::iter::repeat_n(taken as f64, n_rows));
        let log_prob = to_host(log_prob);
        log_probs.within.extend(log_prob.iter());
        log_probs.of_data.extend(log_prob);
    }
    Ok((log_probs, evaluations))
}

/// Notes that these metrics are of gray levels.
pub fn note_levels(evaluation: &mut Evaluation, names: &[&str]) {
    let coordinates = "probability of gray levels, as a density in [0, 1]";
    evaluation.note_all(names, Some(("coordinates", coordinates.into())));
}
