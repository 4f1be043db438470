//! The loss of a validation, and the variational bound of a trained model.

use gibbs_core::{Kind, ode::SolveError};
use gibbs_data::bits_per_dim;
use gibbs_flow::{
    ContinuousFlow,
    diffusion::{Denoising, Levels, ProbabilityFlow},
};
use gibbs_physics::system::ContinuousSystemConfig;

use super::{DiffusionExperiment, Model};
use crate::{
    flow::{LogProbs, ROWS, log_probs_by_solver, measured_rows, rows_at_once},
    prelude::*,
    preprocessed::blocks,
    source::rows,
};

/// Times of each example in a validation: with one, two validations differ by as much as a run gains in its second half.
const VALID_TIMES: usize = 4;

/// The loss on a set, with the same noise each time.
pub(super) fn loss(objective: &Denoising, model: &Model, data: &Dataset, seed: u64, device: &Device) -> f64 {
    let noise = &mut Noise::new(seed, "valid");
    // Every example has its context.
    let loss = objective.loss.with_context_dropout(0.0);
    let rows = rows(data);
    let losses = blocks(data, &rows, ROWS, model.n_context(), device).map(|Batch { x, context, .. }| {
        let n_rows = x.dims()[0] as f64;
        let y = rounded(objective.levels.as_ref(), model.preprocessor.forward(x).0);
        let once = |_| to_host(loss.loss(&model.model, y.clone(), context.as_ref(), noise))[0];
        (0..VALID_TIMES).map(once).sum::<f64>() * n_rows / VALID_TIMES as f64
    });
    losses.sum::<f64>() / data.len() as f64
}

/// The levels nearest to examples in the coordinates of the model, where they have levels.
fn rounded(levels: Option<&Levels>, y: Tensor<2>) -> Tensor<2> {
    levels.map_or_else(|| y.clone(), |levels| levels.nearest(y.clone()))
}

/// `ln p` of examples of a set, and the number of evaluations for each. The log-probability of levels becomes the density that is
/// constant in each of their cells.
pub(super) fn log_probs(
    experiment: &DiffusionExperiment,
    flow: &ContinuousFlow<ProbabilityFlow>,
    (data, rows): (&Dataset, &[usize]),
    noise: &mut Noise,
) -> Result<(LogProbs, Vec<f64>), SolveError> {
    let DiffusionExperiment { config, model, device, .. } = experiment;
    let Ok(Some(levels)) = config.model.flow.levels() else {
        return log_probs_by_solver((&model.preprocessor, flow), (data, rows), device, noise);
    };
    let (mut log_probs, mut evaluations) = (LogProbs::default(), Vec::with_capacity(rows.len()));
    for Batch { x, context, .. } in blocks(data, rows, rows_at_once(data), model.n_context(), device) {
        let [n, width] = x.dims();
        let y = levels.nearest(model.preprocessor.forward(x).0);
        let (found, taken) = model.model.try_level_log_prob(&levels, y, context.as_ref(), noise)?;
        evaluations.extend(std::iter::repeat_n(taken as f64, n));
        let found = to_host(found + width as f64 * (levels.count as f64).ln());
        log_probs.within.extend(found.iter());
        log_probs.of_data.extend(found);
    }
    Ok((log_probs, evaluations))
}

/// The bound of each example of these rows in the coordinates of the data, nats.
pub(super) fn bounds(
    experiment: &DiffusionExperiment,
    (data, rows): (&Dataset, &[usize]),
    noise: &mut Noise,
) -> Vec<f64> {
    let DiffusionExperiment { config, model, device, .. } = experiment;
    let (bound, levels) = (&config.model.flow.bound, config.model.flow.levels().ok().flatten());
    let mut all = Vec::with_capacity(rows.len());
    for Batch { x, context, .. } in blocks(data, rows, ROWS, model.n_context(), device) {
        let width = x.dims()[1] as f64;
        let (y, ladj) = model.preprocessor.forward(x);
        let y = rounded(levels.as_ref(), y);
        let found = bound.estimate(&model.model.denoiser(context.as_ref()), y, levels.as_ref(), noise);
        all.extend(to_host(match levels {
            Some(levels) => found + width * (levels.count as f64).ln(),
            None => found + ladj,
        }));
    }
    all
}

/// The evaluation with the variational bound on the same examples, after the log-density.
pub(super) fn with_bound(
    experiment: &DiffusionExperiment,
    on: &Measurement<ContinuousSystemConfig>,
    mut evaluation: Evaluation,
) -> Result<Evaluation> {
    let config = &experiment.config;
    let most = config.model.flow.measured.filter(|_| on.work.is_bounded());
    let noise = &mut Noise::new(config.seed, "bound");
    let mut all = Vec::new();
    for set in on.sets()? {
        for rows in on.work.over(set.name(), measured_rows(set, most).chunks(ROWS)) {
            all.extend(bounds(experiment, (set, rows), noise));
        }
    }
    let log_cell = config.density().log_cell();
    all.iter_mut().for_each(|bound| *bound += log_cell);
    evaluation.add_mean_of("log_prob_bound", Kind::LowerBound, &all, "nats");
    let bound = &config.model.flow.bound;
    let steps = bound.steps.map_or_else(|| "continuous time".into(), |steps| format!("{steps} steps"));
    evaluation.note("log_prob_bound", "steps", steps);
    if config.model.preprocessing.is_gray() {
        let n_visible = experiment.n_visible();
        let bits: Vec<f64> = all.iter().map(|bound| bits_per_dim(*bound, n_visible)).collect();
        evaluation.add_mean_of("bits_per_dim_bound", Kind::UpperBound, &bits, "bits");
    }
    if config.model.flow.levels.is_some() {
        let names = ["log_prob", "log_prob_bound"];
        evaluation.note_all(
            &names,
            Some(("coordinates", "probability of gray levels, as a density in [0, 1]".into())),
        );
    }
    Ok(evaluation)
}
