//! Real numbers on which a model is conditioned, in standard units.

use std::path::Path;

use anyhow::Result;
use burn::prelude::*;
use gibbs_core::math::mean_and_variance;
use gibbs_data::{Dataset, Splits, load_file};
use serde::{Deserialize, Serialize};

use crate::{
    cli::Sample,
    request::Request,
    source::{SourceInfo, classes},
    usage::{OrUsage, usage},
};

/// The examples as a model receives them whose context has these units.
///
/// # Errors
/// As [`ContextUnits::standardized`].
pub fn prepared(units: Option<&ContextUnits>, data: Splits) -> Result<Splits> {
    match units {
        Some(units) => units.standardized(data),
        None => Ok(data),
    }
}

/// The contexts of `n` draws without a file of them: classes, or the mean of the training examples for real numbers.
///
/// # Errors
/// A class that the model does not have.
pub fn of_draws(
    n: usize,
    class: Option<usize>,
    (units, n_context): (Option<&ContextUnits>, usize),
    device: &Device,
) -> Result<Option<Tensor<2>>> {
    match units {
        Some(_) if class.is_some() => {
            Err(usage("--class: the model is conditioned on real numbers: give --context FILE"))
        }
        Some(_) => Ok(Some(Tensor::zeros([n, n_context], device))),
        None => classes(n, class, n_context, device),
    }
}

/// The contexts of the draws that `sample --context FILE` asks for: each row of the file, `-n` times.
///
/// # Errors
/// A file that does not fit, or a model without real numbers as its context.
pub fn of_file(
    file: Option<&Path>,
    args: &Sample,
    units: Option<&ContextUnits>,
    device: &Device,
) -> Result<Option<Tensor<2>>> {
    match (file, units) {
        (None, _) => Ok(None),
        (Some(file), Some(units)) => Ok(Some(units.read(file, args.asked.unwrap_or(1), device)?)),
        (Some(file), None) => Err(usage(format!(
            "--context {}: the model is not conditioned on real numbers; train it with --context FILE",
            file.display()
        ))),
    }
}

/// The units of a context: a model receives `(c - shift)/scale` of each number `c`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextUnits {
    /// Mean of each column over the training examples.
    pub shift: Vec<f64>,
    /// Standard deviation of each column; 1 where it is 0.
    pub scale: Vec<f64>,
}

impl ContextUnits {
    /// Those of the training examples; `None` without contexts.
    pub fn of(info: &SourceInfo) -> Option<Self> {
        let train = &info.data?.train;
        let (context, width) = (train.context()?, train.context_columns().len());
        let column =
            |k: usize| -> Vec<f64> { context.iter().skip(k).step_by(width).map(|c| f64::from(*c)).collect() };
        let (shift, scale) = (0..width)
            .map(|k| mean_and_variance(&column(k)))
            .map(|(mean, variance)| (mean, if variance > 0.0 { variance.sqrt() } else { 1.0 }))
            .unzip();
        Some(Self { shift, scale })
    }

    /// Those of a preset. A complete configuration has its own or none.
    pub fn of_preset(request: &Request, info: &SourceInfo) -> Option<Self> {
        if request.has("model.n_visible") { None } else { Self::of(info) }
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.shift.len()
    }

    /// Checks the units of a model with a context of `n_context` numbers.
    ///
    /// # Errors
    /// Another number of columns, or a scale that is not above 0.
    pub fn validate(&self, n_context: usize) -> Result<()> {
        let Self { shift, scale } = self;
        let holds = shift.len() == n_context
            && scale.len() == n_context
            && shift.iter().all(|x| x.is_finite())
            && scale.iter().all(|x| x.is_finite() && *x > 0.0);
        match holds {
            true => Ok(()),
            false => Err(usage(format!(
                "model.context: shift {shift:?} and scale {scale:?} must be {n_context} finite numbers, scales above 0"
            ))),
        }
    }

    fn standard(&self, column: usize, value: f32) -> f32 {
        ((f64::from(value) - self.shift[column]) / self.scale[column]) as f32
    }

    /// The same examples with their contexts in standard units.
    ///
    /// # Errors
    /// Contexts that are missing or of another width.
    pub fn standardized(&self, data: Splits) -> Result<Splits> {
        data.try_map(|set| {
            let found = set.context_columns().len();
            match found == self.width() {
                true => Ok(set.map_context(|column, value| self.standard(column, value))),
                false => Err(usage(format!(
                    "{} has a context of {found} columns, the model one of {}: give --context FILE",
                    set.name(),
                    self.width()
                ))),
            }
        })
    }

    /// The contexts in the rows of a file, in standard units, each `times` times: `[rows·times, n_context]`.
    ///
    /// # Errors
    /// A file that cannot be read, or of another width.
    pub fn read(&self, file: &Path, times: usize, device: &Device) -> Result<Tensor<2>> {
        let data: Dataset = load_file(file).or_usage()?;
        data.require_width(self.width()).or_usage()?;
        let rows: Vec<usize> = (0..data.len()).collect();
        let values = data.values(&rows);
        let standard = values.iter().enumerate().map(|(i, &value)| self.standard(i % self.width(), value));
        let standard: Vec<f32> = standard.collect();
        let each =
            standard.chunks(self.width()).flat_map(|row| std::iter::repeat_n(row, times).flatten().copied());
        let values: Vec<f32> = each.collect();
        Ok(Tensor::from_data(TensorData::new(values, [data.len() * times, self.width()]), device))
    }
}
