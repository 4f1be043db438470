//! Real data on a scale of about one, and classes as vectors.

use anyhow::Result;
use burn::prelude::*;
use gibbs_core::math::mean_and_variance;
use gibbs_data::Dataset;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// Examples that are looked at at once.
const BLOCK: usize = 1000;

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
    pub fn fit(data: &Dataset) -> Self {
        let width = data.width();
        let rows: Vec<usize> = (0..data.len()).collect();
        let mut columns = vec![Vec::with_capacity(data.len()); width];
        for rows in rows.chunks(BLOCK) {
            let x = data.values(rows);
            x.iter().enumerate().for_each(|(i, &x)| columns[i % width].push(f64::from(x)));
        }
        let moments = columns.iter().map(|column| mean_and_variance(column));
        let or_one = |variance: f64| if variance > 0.0 { variance.sqrt() } else { 1.0 };
        let (shift, scale) = moments.map(|(mean, variance)| (mean, or_one(variance))).unzip();
        Self { shift, scale }
    }

    /// # Errors
    /// Another number of columns, or a scale that is not positive.
    pub fn validate(&self, width: usize) -> Result<()> {
        let is_valid = |numbers: &[f64]| numbers.len() == width && numbers.iter().all(|x| x.is_finite());
        match is_valid(&self.shift) && is_valid(&self.scale) && self.scale.iter().all(|&scale| scale > 0.0) {
            true => Ok(()),
            false => Err(Fault::usage(format!(
                "model.standardization: shift and scale must be {width} finite numbers each, the scales positive"
            ))),
        }
    }

    /// Data `[n, D]` as variables.
    pub fn standardize(&self, x: Tensor<2>) -> Tensor<2> {
        (x.clone() - row(&self.shift, &x)) / row(&self.scale, &x)
    }

    /// Variables `[n, D]` as data.
    pub fn restore(&self, x: Tensor<2>) -> Tensor<2> {
        x.clone() * row(&self.scale, &x) + row(&self.shift, &x)
    }

    /// Logarithm of the factor by which a density of variables becomes one of data.
    pub fn log_volume(&self) -> f64 {
        -self.scale.iter().map(|scale| scale.ln()).sum::<f64>()
    }
}

fn row(values: &[f64], like: &Tensor<2>) -> Tensor<2> {
    Tensor::<1>::from_data(values, (&like.device(), like.dtype())).unsqueeze()
}

/// Classes as rows `[n, n_classes]` of which one entry is 1.
pub fn one_hot(classes: &[usize], n_classes: usize, device: &Device) -> Tensor<2> {
    let rows = classes.iter().flat_map(|&class| (0..n_classes).map(move |k| f32::from(k == class)));
    Tensor::from_data(TensorData::new(rows.collect::<Vec<f32>>(), [classes.len(), n_classes]), device)
}
