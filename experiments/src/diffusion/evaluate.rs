//! The loss of a validation, and the variational bound of a trained model.

use gibbs_core::{Kind, ode::SolveError};
use gibbs_data::bits_per_dim;
use gibbs_flow::{
    ContinuousFlow,
    continuous::{LevelEncoding, NoisyLevels},
    diffusion::{Denoising, ProbabilityFlow},
};
use gibbs_physics::system::ContinuousSystemConfig;

use super::{DiffusionExperiment, DiffusionFamily, Model};
use crate::{
    flow::{
        FlowFamily, LogProbs, ROWS, level_log_prob, log_probs_by_solver, log_probs_of_levels, measured_rows,
        note_levels,
    },
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
        let y = objective.variables(model.preprocessor.forward(x).0);
        let once = |_| to_host(loss.loss(&model.model, y.clone(), context.as_ref(), noise))[0];
        (0..VALID_TIMES).map(once).sum::<f64>() * n_rows / VALID_TIMES as f64
    });
    losses.sum::<f64>() / data.len() as f64
}

/// `ln p` of examples of a set, and the number of evaluations for each.
pub(super) fn log_probs(
    experiment: &DiffusionExperiment,
    flow: &ContinuousFlow<ProbabilityFlow>,
    rows: (&Dataset, &[usize]),
    noise: &mut Noise,
) -> Result<(LogProbs, Vec<f64>), SolveError> {
    let DiffusionExperiment { model, device, .. } = experiment;
    let flow = (&model.preprocessor, flow);
    match levels(experiment) {
        Some((encoding, levels)) => log_probs_of_levels(flow, (&encoding, &levels), rows, device, noise),
        None => log_probs_by_solver(flow, rows, device, noise),
    }
}

/// `ln p` of data `x [n, D]`, `[n]`, nats.
pub(super) fn log_prob(
    experiment: &DiffusionExperiment,
    flow: &ContinuousFlow<ProbabilityFlow>,
    x: Tensor<2>,
    context: Option<&Tensor<2>>,
    noise: &mut Noise,
) -> Result<Tensor<1>, SolveError> {
    let preprocessor = &experiment.model.preprocessor;
    Ok(match levels(experiment) {
        Some((encoding, levels)) => {
            level_log_prob((preprocessor, flow), (&encoding, &levels), x, context, noise)?.0
        }
        None => {
            let (y, ladj) = preprocessor.forward(x);
            flow.try_log_prob(y, context, Some(noise))?.0 + ladj
        }
    })
}

/// How levels become variables, and the noise that these have, where the model learns levels.
fn levels(experiment: &DiffusionExperiment) -> Option<(LevelEncoding, NoisyLevels)> {
    let model = &experiment.config.model.flow;
    let encoding = DiffusionFamily::levels(model)?;
    Some((encoding, model.diffusion.parametrization.schedule.noisy(encoding.of_variable())))
}

/// The bound of each example of these rows in the coordinates of the data, nats.
pub(super) fn bounds(
    experiment: &DiffusionExperiment,
    (data, rows): (&Dataset, &[usize]),
    noise: &mut Noise,
) -> Vec<f64> {
    let DiffusionExperiment { config, model, device, .. } = experiment;
    let (bound, levels) = (&config.model.flow.bound, DiffusionFamily::levels(&config.model.flow));
    let mut all = Vec::with_capacity(rows.len());
    for Batch { x, context, .. } in blocks(data, rows, ROWS, model.n_context(), device) {
        let width = x.dims()[1] as f64;
        let (y, ladj) = model.preprocessor.forward(x);
        let denoiser = model.model.denoiser(context.as_ref());
        all.extend(to_host(match levels {
            Some(levels) => {
                let of_variable = levels.of_variable();
                bound.estimate(&denoiser, levels.encode(y), Some(&of_variable), noise)
                    + width * (levels.count() as f64).ln()
            }
            None => bound.estimate(&denoiser, y, None, noise) + ladj,
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
        note_levels(&mut evaluation, &["log_prob", "log_prob_bound"]);
    }
    Ok(evaluation)
}
