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

/// Log-density on a part of the data, in their own coordinates, beside that of their law where it is known; and the evaluations
/// of the field that it took.
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
        let (within, of_data, taken) = log_probs(flow, preparation, set, device, noise)?;
        evaluations += taken * set.len() as f64;
        all.0.extend(within);
        all.1.extend(of_data);
    }
    let n = all.1.len() as f64;
    let log_probs = match flow.trace() {
        Trace::Exact => LogProbs::exact(all),
        Trace::Hutchinson(_) => LogProbs::unbiased(all),
    };
    let mut evaluation = measured.figures(log_probs)?;
    evaluation.note("log_prob", "solver", describe(flow.solver()));
    evaluation.add("nfe", &Estimate::exact(evaluations / n), "evaluations per example");
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
