//! Log-densities of a trained continuous flow, and draws from it.

use std::path::PathBuf;

use anyhow::Result;
use burn::prelude::*;
use clap::Args;
use gibbs_backend::Noise;
use gibbs_core::{
    Batch, ConditionalLogProb, Kind,
    math::to_host,
    ode::{Method, SolveError, Solver},
    preprocess::Preprocessed,
};
use gibbs_data::{Dataset, Splits};
use gibbs_flow::{
    ContinuousFlow, FlowMatching,
    continuous::{Guided, Trace, VelocityField},
};

use super::{CnfExperiment, Flow};
use crate::{
    cli::{Part, Sample},
    conditions,
    density::{self, LogProbs, Measured},
    evaluation::Evaluation,
    look::{Look, independent_draws},
    pictures::host,
    preprocessed::blocks,
    progress::Work,
    source::spread,
    usage::usage,
};

/// Examples whose densities are computed at once, and the most numbers among them, so that what a step of the solver reads
/// and writes stays in the cache of the processor.
const ROWS: usize = 1000;
const NUMBERS: usize = 200_000;

/// Draws that are solved for at once.
const AT_ONCE: usize = 1000;

/// Examples of a set whose densities are computed at once.
fn rows_at_once(data: &Dataset) -> usize {
    ROWS.min(NUMBERS / data.width()).max(1)
}

/// `ln p` of examples of a set, in the coordinates of the flow and in those of the data, and the number of evaluations for each.
pub(super) fn log_probs(
    flow: &Flow,
    (data, rows): (&Dataset, &[usize]),
    device: &Device,
    noise: &mut Noise,
) -> Result<(LogProbs, Vec<f64>), SolveError> {
    let kind = if flow.model.trace() == Trace::Exact { Kind::Exact } else { Kind::Unbiased };
    let mut log_probs = LogProbs { within: Vec::new(), of_data: Vec::new(), kind };
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
    let rows: Vec<usize> = (0..data.len()).collect();
    let losses = blocks(data, &rows, ROWS, flow.n_context(), device).map(|Batch { x, context, .. }| {
        let n_rows = x.dims()[0];
        let y = flow.preprocessor.forward(x).0;
        to_host(matching.loss(&flow.model.field, y, context.as_ref(), noise))[0] * n_rows as f64
    });
    losses.sum::<f64>() / data.len() as f64
}

/// Log-density on a part of the data, with `model.measured` on that many examples of each set where the work is bounded, and the
/// evaluations of the field.
pub(super) fn evaluate(
    experiment: &CnfExperiment,
    data: &Splits,
    part: Part,
    work: &Work,
) -> Result<Evaluation> {
    let CnfExperiment { config, model, device, .. } = experiment;
    let (preprocessing, n_visible) = (&config.model.preprocessing, model.model.field.n_variables());
    let columns = config.density();
    let measured = Measured::new(data, part, n_visible, model.n_context(), preprocessing, &columns);
    let (mut all, mut evaluations): (Option<LogProbs>, Vec<f64>) = (None, Vec::new());
    for set in measured.sets()? {
        let noise = &mut Noise::new(config.seed, "directions");
        let most = config.model.measured.filter(|_| work.is_bounded());
        let rows = spread(set.len(), most.unwrap_or(set.len()));
        for rows in work.over(set.name(), rows.chunks(rows_at_once(set))) {
            let (found, taken) = log_probs(model, (set, rows), device, noise)?;
            evaluations.extend(taken);
            match &mut all {
                Some(all) => all.extend(found),
                None => all = Some(found),
            }
        }
    }
    let Some(all) = all else { return Err(usage("no examples to measure")) };
    let n = all.of_data.len();
    let mut evaluation = measured.metrics(all)?;
    evaluation.draws = config.model.measured.filter(|_| work.is_bounded()).map(|_| n);
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

/// Flags of `cnf sample`.
#[derive(Args, Clone, Debug)]
pub struct CnfSampleArgs {
    /// Standard deviation of the base: below 1 the draws lie nearer to the mode
    #[arg(long, value_name = "T", default_value_t = 1.0, allow_negative_numbers = true)]
    pub temperature: f64,
    /// Draw from this class; all classes in equal parts if not given, where the flow is conditioned on them
    #[arg(long, value_name = "CLASS", conflicts_with = "context")]
    pub class: Option<usize>,
    /// Draw for each row of this file, where the flow is conditioned on real numbers; their mean if not given
    #[arg(long, value_name = "FILE")]
    pub context: Option<PathBuf>,
    /// Strength of the class: 1 draws from the learned distribution, larger values make clearer examples
    #[arg(long, value_name = "W", default_value_t = 1.0, allow_negative_numbers = true)]
    pub guidance: f64,
}

/// All classes, as they were learned.
pub(super) const PLAIN: CnfSampleArgs =
    CnfSampleArgs { temperature: 1.0, class: None, context: None, guidance: 1.0 };

impl CnfExperiment {
    /// `n` draws as data, row by row.
    ///
    /// # Errors
    /// A class that the flow does not have, or an equation that cannot be solved.
    pub(super) fn draw(&self, n: usize, args: CnfSampleArgs, noise: &mut Noise) -> Result<Vec<f32>> {
        let units = (self.config.model.context.as_ref(), self.model.n_context());
        let context = conditions::of_draws(n, args.class, units, &self.device)?;
        self.draw_given(n, context, &args, noise)
    }

    /// `n` draws as data, row by row, for contexts `[n, C]`.
    fn draw_given(
        &self,
        n: usize,
        context: Option<Tensor<2>>,
        args: &CnfSampleArgs,
        noise: &mut Noise,
    ) -> Result<Vec<f32>> {
        let Preprocessed { preprocessor, model: flow } = &self.model;
        let mut values = Vec::new();
        for start in (0..n).step_by(AT_ONCE) {
            let m = AT_ONCE.min(n - start);
            let context = context.as_ref().map(|context| context.clone().narrow(0, start, m));
            let y = match args.guidance {
                1.0 => flow.sample_given(m, context.as_ref(), args.temperature, noise)?,
                weight => {
                    let field = Guided::new(flow.field.clone(), weight);
                    let flow =
                        ContinuousFlow::new(field, flow.solver(), flow.trace())?.with_base(flow.base.clone());
                    flow.sample_given(m, context.as_ref(), args.temperature, noise)?
                }
            };
            let x = preprocessor.inverse(y);
            values.extend(host(match &self.target {
                Some(target) => target.group.apply_random(x, noise),
                None => x,
            }));
        }
        Ok(values)
    }

    pub(super) fn look(&self) -> Look {
        let Self { config, target, model, .. } = self;
        density::look(config, target.as_ref(), &config.model.preprocessing, model.model.field.n_variables())
    }
}

pub(super) fn sample(experiment: &CnfExperiment, args: &Sample, family: &CnfSampleArgs) -> Result<PathBuf> {
    if !(family.temperature.is_finite() && family.temperature >= 0.0) {
        return Err(usage(format!("--temperature {}: must be finite and at least 0", family.temperature)));
    }
    if family.guidance != 1.0 && experiment.model.n_context() == 0 || !family.guidance.is_finite() {
        return Err(usage(format!(
            "--guidance {}: a finite number, for a flow that is conditioned on classes",
            family.guidance
        )));
    }
    let noise = &mut Noise::new(args.seed, "sample");
    let units = experiment.config.model.context.as_ref();
    let (n, values) = match conditions::of_file(family.context.as_deref(), args, units, &experiment.device)? {
        Some(context) => {
            let n = context.dims()[0];
            (n, experiment.draw_given(n, Some(context), family, noise)?)
        }
        None => (args.n(), experiment.draw(args.n(), family.clone(), noise)?),
    };
    let values = experiment.config.rounded(values);
    let out = args.out_path();
    experiment.look().write(&out, &independent_draws(n), &values, &values)?;
    Ok(out)
}
