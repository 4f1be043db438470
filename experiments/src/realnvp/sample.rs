//! Draws from a trained flow.

use gibbs_core::ConditionalLogProb;
use std::path::PathBuf;

use anyhow::Result;
use burn::prelude::*;
use clap::Args;
use gibbs_backend::Noise;

use super::RealNvpExperiment;
use crate::{
    cli::Sample,
    coordinates::context,
    experiment::write_draws,
    fault::Fault,
    points::{brightness, host, write_points},
};

/// Flags of `realnvp sample`.
#[derive(Args, Debug)]
pub struct RealNvpSampleArgs {
    /// Standard deviation of the base: below 1 the draws lie nearer to the mode
    #[arg(long, value_name = "T", default_value_t = 1.0, allow_negative_numbers = true)]
    pub temperature: f64,
    /// Draw from this class; all classes in turn if not given, where the flow is conditioned on them
    #[arg(long, value_name = "CLASS")]
    pub class: Option<usize>,
}

impl RealNvpExperiment {
    /// `n` draws `[n, D]` as data.
    pub(super) fn draw(
        &self,
        n: usize,
        class: Option<usize>,
        temperature: f64,
        noise: &mut Noise,
    ) -> Tensor<2> {
        let n_classes = self.flow.n_context();
        let labels: Vec<u8> = (0..n).map(|i| class.unwrap_or(i * n_classes / n) as u8).collect();
        let context = context(Some(&labels), n_classes, &self.device);
        let x = self.preparation.inverse(self.flow.sample_given(n, context.as_ref(), temperature, noise));
        match &self.target {
            Some(target) => target.group.scramble(x, noise),
            None => x,
        }
    }

    /// Whether examples are pictures.
    pub(super) fn is_picture(&self) -> bool {
        self.config.data.shape.as_ref().is_some_and(|shape| shape.len() > 1) || self.preparation.is_grey()
    }
}

impl RealNvpExperiment {
    /// Values as grey from 0 to 1.
    pub(super) fn brightness(&self, values: &[f32]) -> Vec<f32> {
        if self.target.is_some() { brightness(values) } else { values.to_vec() }
    }
}

pub(super) fn sample(
    experiment: &RealNvpExperiment,
    args: &Sample,
    family: &RealNvpSampleArgs,
) -> Result<PathBuf> {
    if !(family.temperature.is_finite() && family.temperature >= 0.0) {
        return Err(Fault::usage(format!(
            "--temperature {}: must be finite and at least 0",
            family.temperature
        )));
    }
    let n_classes = experiment.flow.n_context();
    if let Some(class) = family.class.filter(|class| *class >= n_classes) {
        return Err(Fault::usage(format!("--class {class}: the flow is conditioned on {n_classes} classes")));
    }
    let noise = &mut Noise::new(args.seed, "sample");
    let values = host(experiment.draw(args.n, family.class, family.temperature, noise));
    let out = args.out.clone().unwrap_or_else(|| args.run_dir.join("samples.png"));
    if experiment.is_picture() {
        let (rows, columns) = experiment.shape();
        write_draws(&out, &experiment.brightness(&values), &values, [args.n, rows, columns])?;
    } else {
        write_points(&out, &values, experiment.flow.n_variables())?;
    }
    Ok(out)
}
