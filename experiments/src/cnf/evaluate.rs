//! The figures of a trained continuous flow.

use anyhow::Result;
use gibbs_backend::Noise;
use gibbs_core::Estimate;
use gibbs_data::Splits;
use gibbs_flow::{
    continuous::Trace,
    ode::{Method, Solver},
};

use super::{CnfExperiment, train::log_probs};
use crate::{
    cli::Part,
    density::{LogProbs, Measured},
    evaluation::Evaluation,
};

/// Log-density on a part of the data, with `model.measured` on that many examples evenly spread over each set, in their own
/// coordinates, beside that of their law where it is known; and the evaluations of the field that it took.
pub(super) fn evaluate(experiment: &CnfExperiment, data: &Splits, part: Part) -> Result<Evaluation> {
    let CnfExperiment { config, flow, preparation, device, .. } = experiment;
    let measured = Measured {
        data,
        part,
        n_variables: config.model.n_visible.unwrap_or(data.width()),
        n_classes: config.model.n_classes,
        coordinates: config.model.coordinates,
    };
    let (mut all, mut evaluations) = ((Vec::new(), Vec::new()), 0.0);
    for set in measured.sets()? {
        let noise = &mut Noise::new(config.seed, "directions");
        let n = config.model.measured.unwrap_or(set.len()).min(set.len());
        let rows: Vec<usize> = (0..n).map(|i| i * set.len() / n).collect();
        let (within, of_data, taken) = log_probs(flow, preparation, (set, &rows), device, noise)?;
        evaluations += taken * n as f64;
        all.0.extend(within);
        all.1.extend(of_data);
    }
    let n = all.1.len();
    let log_probs = match flow.trace() {
        Trace::Exact => LogProbs::exact(all),
        Trace::Hutchinson(_) => LogProbs::unbiased(all),
    };
    let mut evaluation = measured.figures(log_probs)?;
    evaluation.draws = config.model.measured.is_some().then_some(n);
    evaluation.note("log_prob", "solver", describe(flow.solver()));
    evaluation.add("nfe", &Estimate::exact(evaluations / n as f64), "evaluations per example");
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
