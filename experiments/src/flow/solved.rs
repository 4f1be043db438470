//! Densities of flows that solve a differential equation.

use gibbs_core::{
    Kind,
    ode::{Method, SolveError, Solver},
    preprocess::Preprocessor,
};
use gibbs_flow::{
    ContinuousFlow,
    continuous::{Trace, VelocityField},
};
use gibbs_physics::system::ContinuousSystemConfig;

use super::{FlowExperiment, FlowFamily, LogProbs, measure};
use crate::{prelude::*, preprocessed::blocks, source::spread};

/// Examples whose densities are computed at once, and the most numbers among them, so that what a step of the solver reads
/// and writes stays in the cache of the processor.
pub const ROWS: usize = 1000;
const NUMBERS: usize = 200_000;

/// Examples of a set whose densities are computed at once.
pub fn rows_at_once(data: &Dataset) -> usize {
    ROWS.min(NUMBERS / data.width()).max(1)
}

/// Examples of a set that are measured: `most`, evenly spread, or all.
pub fn measured_rows(data: &Dataset, most: Option<usize>) -> Vec<usize> {
    spread(data.len(), most.unwrap_or(data.len()))
}

/// Log-densities are exact, or unbiased where the trace is estimated.
pub fn kind_of_trace(trace: Trace) -> Kind {
    if trace == Trace::Exact { Kind::Exact } else { Kind::Unbiased }
}

/// `ln p` of examples of a set, in the coordinates of the flow and in those of the data, and the number of evaluations for each.
///
/// # Errors
/// An equation that cannot be solved.
pub fn log_probs_by_solver<V: VelocityField>(
    (preprocessor, flow): (&Preprocessor, &ContinuousFlow<V>),
    (data, rows): (&Dataset, &[usize]),
    device: &Device,
    noise: &mut Noise,
) -> Result<(LogProbs, Vec<f64>), SolveError> {
    let mut log_probs = LogProbs::default();
    let mut evaluations = Vec::with_capacity(rows.len());
    for Batch { x, context, .. } in blocks(data, rows, rows_at_once(data), flow.field.n_context(), device) {
        let n_rows = x.dims()[0];
        let (y, [of_map, of_steps]) = preprocessor.forward_in_parts(x);
        let (log_prob, taken) = flow.try_log_prob(y, context.as_ref(), Some(noise))?;
        evaluations.extend(std::iter::repeat_n(taken as f64, n_rows));
        log_probs.within.extend(to_host(log_prob.clone() + of_steps.clone()));
        log_probs.of_data.extend(to_host(log_prob + (of_map + of_steps)));
    }
    Ok((log_probs, evaluations))
}

/// Log-densities on a part of the data by a solver, on `most` examples of each set where the work is bounded, and the evaluations of the
/// network. `log_probs` gives those of the rows of a set, of a kind, by the solver of the `solved` flow.
///
/// # Errors
/// Data that do not fit, or an equation that cannot be solved.
pub fn evaluate_by_solver<F: FlowFamily, V: VelocityField>(
    experiment: &FlowExperiment<F>,
    solved: &ContinuousFlow<V>,
    (most, kind): (Option<usize>, Kind),
    on: &Measurement<ContinuousSystemConfig>,
    log_probs: impl Fn((&Dataset, &[usize]), &mut Noise) -> Result<(LogProbs, Vec<f64>), SolveError>,
) -> Result<Evaluation> {
    let most = most.filter(|_| on.work.is_bounded());
    let mut evaluations: Vec<f64> = Vec::new();
    let mut evaluation = measure(experiment, on.data()?, &on.sets()?, kind, |set| {
        let noise = &mut Noise::new(experiment.config.seed, "directions");
        let rows = measured_rows(set, most);
        let mut all = LogProbs::default();
        for rows in on.work.over(set.name(), rows.chunks(rows_at_once(set))) {
            let (found, taken) = log_probs((set, rows), noise)?;
            evaluations.extend(taken);
            all.extend(found);
        }
        Ok(all)
    })?;
    evaluation.draws = most.map(|_| evaluation.per_example.len());
    evaluation.note("log_prob", "solver", describe(solved.solver()));
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
