//! Log-densities of a trained continuous flow.

use gibbs_core::{
    Kind,
    ode::{Method, SolveError, Solver},
};
use gibbs_flow::{FlowMatching, continuous::Trace};
use gibbs_physics::system::ContinuousSystemConfig;

use super::{CnfExperiment, Flow};
use crate::{
    flow::{LogProbs, measure},
    prelude::*,
    preprocessed::blocks,
    source::{rows, spread},
};

/// Examples whose densities are computed at once, and the most numbers among them, so that what a step of the solver reads
/// and writes stays in the cache of the processor.
const ROWS: usize = 1000;
const NUMBERS: usize = 200_000;

/// Examples of a set whose densities are computed at once.
fn rows_at_once(data: &Dataset) -> usize {
    ROWS.min(NUMBERS / data.width()).max(1)
}

/// Log-densities are exact, or unbiased where the trace is estimated.
fn kind(flow: &Flow) -> Kind {
    if flow.model.trace() == Trace::Exact { Kind::Exact } else { Kind::Unbiased }
}

/// `ln p` of examples of a set, in the coordinates of the flow and in those of the data, and the number of evaluations for each.
pub(super) fn log_probs(
    flow: &Flow,
    (data, rows): (&Dataset, &[usize]),
    device: &Device,
    noise: &mut Noise,
) -> Result<(LogProbs, Vec<f64>), SolveError> {
    let mut log_probs = LogProbs::default();
    let mut evaluations = Vec::with_capacity(rows.len());
    for Batch { x, context, .. } in blocks(data, rows, rows_at_once(data), flow.n_context(), device) {
        let n_rows = x.dims()[0];
        let (y, [of_map, of_steps]) = flow.preprocessor.forward_in_parts(x);
        let (log_prob, taken) = flow.model.try_log_prob(y, context.as_ref(), Some(noise))?;
        evaluations.extend(std::iter::repeat_n(taken as f64, n_rows));
        log_probs.within.extend(to_host(log_prob.clone() + of_steps.clone()));
        log_probs.of_data.extend(to_host(log_prob + (of_map + of_steps)));
    }
    Ok((log_probs, evaluations))
}

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

/// Log-density on a part of the data, with `model.measured` on that many examples of each set where the work is bounded, and the
/// evaluations of the field.
pub(super) fn evaluate(flow: &CnfExperiment, on: &Measurement<ContinuousSystemConfig>) -> Result<Evaluation> {
    let CnfExperiment { config, model, device, .. } = flow;
    let most = config.model.flow.measured.filter(|_| on.work.is_bounded());
    let mut evaluations: Vec<f64> = Vec::new();
    let mut evaluation = measure(flow, on.data()?, &on.sets()?, kind(model), |set| {
        let noise = &mut Noise::new(config.seed, "directions");
        let rows = spread(set.len(), most.unwrap_or(set.len()));
        let mut all = LogProbs::default();
        for rows in on.work.over(set.name(), rows.chunks(rows_at_once(set))) {
            let (found, taken) = log_probs(model, (set, rows), device, noise)?;
            evaluations.extend(taken);
            all.extend(found);
        }
        Ok(all)
    })?;
    evaluation.draws = most.map(|_| evaluation.per_example.len());
    evaluation.note("log_prob", "solver", describe(model.model.solver()));
    evaluation.add_mean("nfe", &evaluations, "evaluations per example");
    Ok(evaluation)
}

/// The solver in a few words.
fn describe(solver: Solver) -> String {
    let method = match solver.method {
        Method::Euler => "euler",
        Method::Midpoint => "midpoint",
        Method::Rk4 => "rk4",
        Method::DormandPrince => "dormand_prince",
        Method::Tsitouras => "tsitouras",
    };
    match solver.steps {
        Some(steps) => format!("{method}, {steps} steps"),
        None => format!("{method}, tolerance {:e}", solver.tolerance),
    }
}
