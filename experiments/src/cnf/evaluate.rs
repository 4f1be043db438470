//! The figures of a trained continuous flow.

use anyhow::Result;
use gibbs_backend::Noise;
use gibbs_core::{Estimate, Kind};
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

/// Independent directions for each example where traces are estimated: two are the fewest that tell their error.
const DIRECTIONS: usize = 2;

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
    let is_exact = flow.trace() == Trace::Exact;
    let (mut within, mut of_data) = (Vec::new(), Vec::new());
    let (mut squares, mut evaluations) = (0.0, 0.0);
    for set in measured.sets()? {
        let solve = |direction: usize| {
            let noise = &mut Noise::new(config.seed, format!("direction/{direction}"));
            log_probs(flow, preparation, set, device, noise)
        };
        let first = solve(0)?;
        evaluations += first.2 * set.len() as f64;
        if is_exact {
            within.extend(first.0);
            of_data.extend(first.1);
            continue;
        }
        let second = solve(1)?;
        let both = |a: f64, b: f64| (a + b) / DIRECTIONS as f64;
        squares +=
            first.0.iter().zip(&second.0).map(|(a, b)| ((a - b) / DIRECTIONS as f64).powi(2)).sum::<f64>();
        within.extend(first.0.into_iter().zip(second.0).map(|(a, b)| both(a, b)));
        of_data.extend(first.1.into_iter().zip(second.1).map(|(a, b)| both(a, b)));
    }
    let n = of_data.len() as f64;
    let kind = if is_exact { Kind::Exact } else { Kind::Unbiased };
    let log_probs = LogProbs { within, of_data, kind, std_err: squares.sqrt() / n };
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
