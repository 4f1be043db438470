//! Draws from a trained flow.

use std::path::{Path, PathBuf};

use anyhow::Result;
use burn::prelude::*;
use clap::Args;
use gibbs_backend::Noise;
use gibbs_data::npy;
use gibbs_report::{Axis, Figure, Panel, Series};

use super::{RealNvpExperiment, coordinates::context};
use crate::{cli::Sample, experiment::write_draws, fault::Fault};

/// Radius of the dots of a scatter plot.
const DOT: f64 = 1.2;

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
        self.config.data.shape.as_ref().is_some_and(|shape| shape.len() > 1)
            || matches!(self.preparation, super::coordinates::Preparation::Logit(_))
    }
}

impl RealNvpExperiment {
    /// Values as grey from 0 to 1: those of fields from the largest below zero to that above.
    pub(super) fn brightness(&self, values: &[f32]) -> Vec<f32> {
        if self.target.is_none() {
            return values.to_vec();
        }
        let largest = values.iter().fold(f32::MIN_POSITIVE, |largest, x| largest.max(x.abs()));
        values.iter().map(|x| 0.5 + 0.5 * x / largest).collect()
    }
}

/// The values of draws, row by row.
pub(super) fn host(x: Tensor<2>) -> Vec<f32> {
    x.into_data().iter::<f32>().collect()
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

/// Writes points as a scatter plot of their first two columns, or as an array.
fn write_points(path: &Path, values: &[f32], width: usize) -> Result<()> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("png") => Ok(scatter(&[("", values)], width).save(path)?),
        Some("npy") => Ok(npy::write(path, values, &[values.len() / width, width])?),
        _ => Err(Fault::usage(format!("--out {}: the name must end in .png or .npy", path.display()))),
    }
}

/// The first two columns of sets of points; of a single column its histogram would be drawn against itself.
pub(super) fn scatter(sets: &[(&str, &[f32])], width: usize) -> Figure {
    let second = usize::from(width > 1);
    let panel = |(name, values): &(&str, &[f32])| {
        let column = |k: usize| -> Vec<f32> { values.chunks(width).map(|x| x[k]).collect() };
        Panel::new(Axis::new(format!("column {second}")))
            .title(*name)
            .series(Series::new("", &column(0), &column(second)).dots(DOT))
    };
    let figure = Figure::new(Axis::new("column 0")).columns(sets.len().max(1));
    sets.iter().map(panel).fold(figure, Figure::panel)
}
