//! Between the values of a data set and those of the model's variables.

use anyhow::Result;
use burn::prelude::*;
use gibbs_autoregressive::Conditional;
use gibbs_core::math::{mean_and_variance, to_host};
use gibbs_data::Dataset;
use serde::{Deserialize, Serialize};

use super::config::MadeModel;
use crate::{
    fault::Fault,
    levels::{of_level, to_levels},
};

/// Examples that are looked at, or computed, at once.
const BLOCK: usize = 1000;

/// How a model sees data.
#[derive(Clone, Debug)]
pub(super) struct Values {
    conditional: Conditional,
    n_classes: usize,
    standardization: Option<Standardization>,
}

/// Shift and scale of each column, by which real data become variables of mean 0 and standard deviation 1.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standardization {
    /// What is subtracted.
    pub shift: Vec<f64>,
    /// What it is then divided by.
    pub scale: Vec<f64>,
}

impl Standardization {
    /// By the moments of a set; a constant column keeps its scale.
    pub(super) fn fit(data: &Dataset) -> Self {
        let (device, width) = (Device::default(), data.width());
        let rows: Vec<usize> = (0..data.len()).collect();
        let mut columns = vec![Vec::with_capacity(data.len()); width];
        for rows in rows.chunks(BLOCK) {
            let x = to_host(data.tensor(rows, &device));
            x.iter().enumerate().for_each(|(i, &x)| columns[i % width].push(x));
        }
        let moments = columns.iter().map(|column| mean_and_variance(column));
        let or_one = |variance: f64| if variance > 0.0 { variance.sqrt() } else { 1.0 };
        let (shift, scale) = moments.map(|(mean, variance)| (mean, or_one(variance))).unzip();
        Self { shift, scale }
    }

    /// # Errors
    /// Another number of columns, or a scale that is not positive.
    pub(super) fn validate(&self, width: usize) -> Result<()> {
        let is_valid = |numbers: &[f64]| numbers.len() == width && numbers.iter().all(|x| x.is_finite());
        match is_valid(&self.shift) && is_valid(&self.scale) && self.scale.iter().all(|&scale| scale > 0.0) {
            true => Ok(()),
            false => Err(Fault::usage(format!(
                "model.standardization: shift and scale must be {width} finite numbers each, the scales positive"
            ))),
        }
    }

    fn row(values: &[f64], like: &Tensor<2>) -> Tensor<2> {
        Tensor::<1>::from_data(values, (&like.device(), like.dtype())).unsqueeze()
    }
}

/// Examples as the model takes them.
pub(super) struct Examples {
    /// Values of the variables `[n, D]`.
    pub(super) x: Tensor<2>,
    /// Classes, one of each row 1, where the model is conditioned on them.
    pub(super) context: Option<Tensor<2>>,
}

impl Values {
    pub(super) fn of(model: &MadeModel) -> Self {
        Self {
            conditional: model.conditional(),
            n_classes: model.n_classes,
            standardization: model.standardization.clone(),
        }
    }

    /// Data and their labels as the model takes them.
    pub(super) fn encode(&self, x: Tensor<2>, labels: Option<&[u8]>) -> Examples {
        let x = match self.conditional {
            Conditional::Categorical { values } => to_levels(x, values),
            _ => match &self.standardization {
                Some(by) => {
                    (x.clone() - Standardization::row(&by.shift, &x)) / Standardization::row(&by.scale, &x)
                }
                None => x,
            },
        };
        let classes = labels.map(|labels| labels.iter().map(|&label| usize::from(label)).collect::<Vec<_>>());
        let context = classes.and_then(|classes| self.context(&classes, &x.device()));
        Examples { x, context }
    }

    /// The context of classes, where the model has one.
    pub(super) fn context(&self, classes: &[usize], device: &Device) -> Option<Tensor<2>> {
        (self.n_classes > 0).then(|| {
            let one_hot =
                classes.iter().flat_map(|&class| (0..self.n_classes).map(move |k| f32::from(k == class)));
            let values: Vec<f32> = one_hot.collect();
            Tensor::from_data(TensorData::new(values, [classes.len(), self.n_classes]), device)
        })
    }

    /// Some examples of a set.
    pub(super) fn examples(&self, data: &Dataset, rows: &[usize], device: &Device) -> Examples {
        let labels: Option<Vec<u8>> =
            data.labels().map(|labels| rows.iter().map(|&row| labels[row]).collect());
        self.encode(data.tensor(rows, device), labels.as_deref())
    }

    /// Something about each example of a set, block by block.
    pub(super) fn for_each(
        &self,
        data: &Dataset,
        device: &Device,
        mut figure: impl FnMut(Examples) -> Tensor<1>,
    ) -> Vec<f64> {
        let rows: Vec<usize> = (0..data.len()).collect();
        rows.chunks(BLOCK).flat_map(|rows| to_host(figure(self.examples(data, rows, device)))).collect()
    }

    /// Logarithm of the factor by which a density of variables becomes one of data.
    pub(super) fn log_volume(&self) -> f64 {
        let scales = self.standardization.iter().flat_map(|by| &by.scale);
        -scales.map(|scale| scale.ln()).sum::<f64>()
    }

    /// Values of variables as data: levels become numbers from 0 to 1.
    pub(super) fn decode(&self, x: Tensor<2>) -> Vec<f32> {
        let x = match &self.standardization {
            Some(by) => x.clone() * Standardization::row(&by.scale, &x) + Standardization::row(&by.shift, &x),
            None => x,
        };
        let value = |x: f64| match self.conditional {
            Conditional::Categorical { values } => of_level(x, values) as f32,
            _ => x as f32,
        };
        to_host(x).into_iter().map(value).collect()
    }

    /// Whether the model can take data as they are.
    ///
    /// # Errors
    /// Values that its variables do not have, or labels that are missing or out of range.
    pub(super) fn require(&self, data: &Dataset) -> Result<()> {
        if !matches!(self.conditional, Conditional::GaussianMixture { .. }) {
            data.require_unit_interval()?;
        }
        match self.conditional {
            Conditional::Categorical { .. } => {}
            Conditional::Bernoulli if data.is_binary() => {}
            _ => self.require_values(data)?,
        }
        self.require_labels(data)
    }

    fn require_values(&self, data: &Dataset) -> Result<()> {
        let device = Device::default();
        let rows: Vec<usize> = (0..data.len()).collect();
        for (block, rows) in rows.chunks(BLOCK).enumerate() {
            let x = to_host(data.tensor(rows, &device));
            self.conditional.check(&x, data.width()).map_err(|mut error| {
                error.example += block * BLOCK;
                Fault::usage(format!("{}: {error}{}", data.name(), self.way_out()))
            })?;
        }
        Ok(())
    }

    fn way_out(&self) -> &'static str {
        match self.conditional {
            Conditional::Bernoulli => {
                "; give zeros and ones, or train with --set data.binarization=stochastic or threshold"
            }
            _ => "",
        }
    }

    /// Whether there are the labels on which the model is conditioned.
    ///
    /// # Errors
    /// If they are missing or out of range.
    pub(super) fn require_labels(&self, data: &Dataset) -> Result<()> {
        if self.n_classes == 0 {
            return Ok(());
        }
        let Some(labels) = data.labels() else {
            return Err(Fault::usage(format!(
                "{} has no labels, but model.n_classes = {}: take a set with labels, or n_classes = 0",
                data.name(),
                self.n_classes
            )));
        };
        match labels.iter().position(|&label| usize::from(label) >= self.n_classes) {
            None => Ok(()),
            Some(i) => Err(Fault::usage(format!(
                "{}: the label {} of example {i} is out of range: model.n_classes = {}",
                data.name(),
                labels[i],
                self.n_classes
            ))),
        }
    }

    /// # Errors
    /// A class that the model does not have.
    pub(super) fn require_class(&self, class: usize) -> Result<()> {
        match (self.n_classes, class) {
            (0, _) => {
                Err(Fault::usage("--class: the model is not conditioned on classes (model.n_classes = 0)"))
            }
            (n, class) if class >= n => Err(Fault::usage(format!(
                "--class {class} is out of range: the model has the classes 0 to {}",
                n - 1
            ))),
            _ => Ok(()),
        }
    }
}
