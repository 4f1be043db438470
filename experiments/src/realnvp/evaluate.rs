//! Log-densities of a trained flow, and draws from it.

use std::path::PathBuf;

use anyhow::Result;
use burn::prelude::*;
use clap::Args;
use gibbs_backend::Noise;
use gibbs_core::{Batch, ConditionalLogProb, Kind, LogProb, math::to_host, preprocess::Preprocessed};
use gibbs_data::{Dataset, Splits};
use gibbs_flow::Flow;

use super::RealNvpExperiment;
use crate::{
    cli::{Part, Sample},
    conditions,
    density::{self, LogProbs, Measured},
    evaluation::Evaluation,
    look::{Look, independent_draws},
    pictures::host,
    preprocessed::blocks,
    usage::usage,
};

/// Examples whose densities are computed at once.
const ROWS: usize = 1000;

/// `ln p` of each example of a set, in the coordinates of the flow and in those of the data.
pub(super) fn log_probs(flow: &Preprocessed<Flow>, data: &Dataset, device: &Device) -> LogProbs {
    let rows: Vec<usize> = (0..data.len()).collect();
    let mut log_probs = LogProbs { within: Vec::new(), of_data: Vec::new(), kind: Kind::Exact };
    for Batch { x, context, .. } in blocks(data, &rows, ROWS, flow.n_context(), device) {
        let (of_data, within) = flow.log_prob_and_within(x, context.as_ref());
        log_probs.within.extend(to_host(within));
        log_probs.of_data.extend(to_host(of_data));
    }
    log_probs
}

/// Log-density on a part of the data; of a flow that learned a Hamiltonian with its symmetries.
pub(super) fn evaluate(experiment: &RealNvpExperiment, data: &Splits, part: Part) -> Result<Evaluation> {
    let RealNvpExperiment { config, model, target, device } = experiment;
    let preprocessing = &config.model.preprocessing;
    let (n_visible, n_classes) = (model.model.n_variables(), model.n_context());
    let measured = Measured::new(data, part, n_visible, n_classes, preprocessing, &config.density());
    let mut all = LogProbs { within: Vec::new(), of_data: Vec::new(), kind: Kind::Exact };
    let symmetrized = target.as_ref().map(|target| target.symmetrized(model.clone()));
    for set in measured.sets()? {
        match &symmetrized {
            None => all.extend(log_probs(model, set, device)),
            Some(model) => {
                let rows: Vec<usize> = (0..set.len()).collect();
                let log_prob = |batch: Batch| to_host(model.log_prob(batch.x));
                all.of_data.extend(blocks(set, &rows, ROWS, 0, device).flat_map(log_prob));
            }
        }
    }
    let mut evaluation = measured.metrics(all)?;
    if let Some(model) = &symmetrized {
        evaluation.note("log_prob", "symmetries", model.group().order());
    }
    Ok(evaluation)
}

/// Flags of `realnvp sample`.
#[derive(Args, Debug)]
pub struct FlowSampleArgs {
    /// Standard deviation of the base: below 1 the draws lie nearer to the mode
    #[arg(long, value_name = "T", default_value_t = 1.0, allow_negative_numbers = true)]
    pub temperature: f64,
    /// Draw from this class; all classes in equal parts if not given, where the flow is conditioned on them
    #[arg(long, value_name = "CLASS", conflicts_with = "context")]
    pub class: Option<usize>,
    /// Draw for each row of this file, where the flow is conditioned on real numbers; their mean if not given
    #[arg(long, value_name = "FILE")]
    pub context: Option<PathBuf>,
}

/// Whether a temperature is one.
///
/// # Errors
/// A negative or infinite one.
pub(super) fn require_temperature(temperature: f64) -> Result<()> {
    match temperature.is_finite() && temperature >= 0.0 {
        true => Ok(()),
        false => Err(usage(format!("--temperature {temperature}: must be finite and at least 0"))),
    }
}

impl RealNvpExperiment {
    /// `n` draws `[n, D]` as data.
    ///
    /// # Errors
    /// A class that the flow does not have.
    pub(super) fn draw(
        &self,
        n: usize,
        class: Option<usize>,
        temperature: f64,
        noise: &mut Noise,
    ) -> Result<Tensor<2>> {
        let units = (self.config.model.context.as_ref(), self.model.n_context());
        let context = conditions::of_draws(n, class, units, &self.device)?;
        Ok(self.draw_given(n, context, temperature, noise))
    }

    /// `n` draws `[n, D]` as data, for contexts `[n, C]`.
    fn draw_given(
        &self,
        n: usize,
        context: Option<Tensor<2>>,
        temperature: f64,
        noise: &mut Noise,
    ) -> Tensor<2> {
        let z = self.model.model.sample_given(n, context.as_ref(), temperature, noise);
        let x = self.model.preprocessor.inverse(z);
        match &self.target {
            Some(target) => target.group.apply_random(x, noise),
            None => x,
        }
    }

    pub(super) fn look(&self) -> Look {
        let Self { config, target, model, .. } = self;
        density::look(config, target.as_ref(), &config.model.preprocessing, model.model.n_variables())
    }
}

pub(super) fn sample(
    experiment: &RealNvpExperiment,
    args: &Sample,
    family: &FlowSampleArgs,
) -> Result<PathBuf> {
    require_temperature(family.temperature)?;
    let noise = &mut Noise::new(args.seed, "sample");
    let units = experiment.config.model.context.as_ref();
    let draws = match conditions::of_file(family.context.as_deref(), args, units, &experiment.device)? {
        Some(context) => experiment.draw_given(context.dims()[0], Some(context), family.temperature, noise),
        None => experiment.draw(args.n(), family.class, family.temperature, noise)?,
    };
    let n = draws.dims()[0];
    let values = experiment.config.rounded(host(draws));
    let out = args.out_path();
    experiment.look().write(&out, &independent_draws(n), &values, &values)?;
    Ok(out)
}
