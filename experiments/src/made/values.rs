//! Between the values of a data set and those of the model's variables.

use anyhow::Result;
use burn::prelude::*;
use gibbs_autoregressive::OutputDistribution;
use gibbs_core::math::to_host;
use gibbs_data::Dataset;

use super::config::MadeModel;
use crate::{
    fault::Fault,
    levels::{of_level, to_levels},
    standardization::{Standardization, one_hot},
};

/// Examples that are looked at, or computed, at once.
const BLOCK: usize = 1000;

/// How a model sees data.
#[derive(Clone, Debug)]
pub(super) struct Values {
    conditional: OutputDistribution,
    n_classes: usize,
    standardization: Option<Standardization>,
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
            OutputDistribution::Categorical { levels } => to_levels(x, levels),
            _ => match &self.standardization {
                Some(by) => by.standardize(x),
                None => x,
            },
        };
        let classes = labels.map(|labels| labels.iter().map(|&label| usize::from(label)).collect::<Vec<_>>());
        let context = classes.and_then(|classes| self.context(&classes, &x.device()));
        Examples { x, context }
    }

    /// The context of classes, where the model has one.
    pub(super) fn context(&self, classes: &[usize], device: &Device) -> Option<Tensor<2>> {
        (self.n_classes > 0).then(|| one_hot(classes, self.n_classes, device))
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
        self.standardization.as_ref().map_or(0.0, Standardization::log_volume)
    }

    /// Values of variables as data: levels become numbers from 0 to 1.
    pub(super) fn decode(&self, x: Tensor<2>) -> Vec<f32> {
        let x = match &self.standardization {
            Some(by) => by.restore(x),
            None => x,
        };
        let value = |x: f64| match self.conditional {
            OutputDistribution::Categorical { levels } => of_level(x, levels) as f32,
            _ => x as f32,
        };
        to_host(x).into_iter().map(value).collect()
    }

    /// Whether the model can take data as they are.
    ///
    /// # Errors
    /// Values that its variables do not have, or labels that are missing or out of range.
    pub(super) fn require(&self, data: &Dataset) -> Result<()> {
        if !matches!(self.conditional, OutputDistribution::GaussianMixture { .. }) {
            data.require_unit_interval()?;
        }
        match self.conditional {
            OutputDistribution::Categorical { .. } => {}
            OutputDistribution::Bernoulli if data.is_binary() => {}
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
            OutputDistribution::Bernoulli => {
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
