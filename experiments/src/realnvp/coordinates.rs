//! Between the coordinates of the data and those of the flow.

use anyhow::Result;
use burn::prelude::*;
use gibbs_core::Bijection;
use gibbs_data::{Dataset, Splits};
use gibbs_flow::Logit;

use super::config::{Coordinates, RealNvpModel};
use crate::{
    fault::Fault,
    made::given,
    standardization::{Standardization, one_hot},
};

/// The fixed map before the flow.
#[derive(Clone, Debug)]
pub(super) enum Preparation {
    /// None.
    Data,
    /// Shift and scale of each column.
    Standardized(Standardization),
    /// The logit of each value.
    Logit(Box<Logit>),
}

impl Preparation {
    /// # Errors
    /// Settings that are still open, or out of range.
    pub(super) fn of(model: &RealNvpModel) -> Result<Self> {
        Ok(match given(model.coordinates, "model.coordinates")? {
            Coordinates::Data => Self::Data,
            Coordinates::Standardized => {
                Self::Standardized(given(model.standardization.clone(), "model.standardization")?)
            }
            Coordinates::Logit => Self::Logit(Box::new(Logit::new(given(model.margin, "model.margin")?)?)),
        })
    }

    /// Data `[n, D]` in the coordinates of the flow, and the logarithms `[n]` of the factors by which a density there becomes one
    /// of data.
    pub(super) fn forward(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        let none = Tensor::zeros([x.dims()[0]], (&x.device(), x.dtype()));
        match self {
            Self::Data => (x, none),
            Self::Standardized(by) => (by.standardize(x), none + by.log_volume()),
            Self::Logit(logit) => logit.forward(x, None),
        }
    }

    /// Points of the flow `[n, D]` as data.
    pub(super) fn inverse(&self, y: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Data => y,
            Self::Standardized(by) => by.restore(y),
            Self::Logit(logit) => logit.inverse(y, None).0.clamp(0.0, 1.0),
        }
    }
}

/// The data as the flow is to see them: grey values dequantized.
///
/// # Errors
/// Bits, which have no density.
pub(super) fn continuous(model: &mut RealNvpModel, data: Splits, seed: u64) -> Result<Splits> {
    if data.train.is_binary() {
        return Err(Fault::usage(format!(
            "{}: zeros and ones have no density; take `made` or `rbm` for them",
            data.name()
        )));
    }
    match data.clone().try_map(|set| set.dequantized(seed)) {
        Ok(data) => {
            model.coordinates.get_or_insert(Coordinates::Logit);
            Ok(data)
        }
        Err(_) => {
            model.coordinates.get_or_insert(Coordinates::Standardized);
            Ok(data)
        }
    }
}

/// Fits what depends on the data, and checks that they have a density.
///
/// # Errors
/// A constant column, values outside of \[0, 1\] for logits, or labels that are missing.
pub(super) fn settle(model: &mut RealNvpModel, data: &Splits) -> Result<()> {
    let coordinates = given(model.coordinates, "model.coordinates")?;
    if coordinates == Coordinates::Logit {
        [&data.train, &data.valid, &data.test].into_iter().try_for_each(Dataset::require_unit_interval)?;
    }
    if coordinates == Coordinates::Standardized {
        let width = data.width();
        if model.standardization.is_none() {
            let first = data.train.values(&[0]);
            let constant = constant_columns(&data.train);
            if let Some(column) = constant.iter().position(|constant| *constant) {
                return Err(Fault::usage(format!(
                    "{}: column {column} is {} in every training example, so its density is infinite; leave it out",
                    data.name(),
                    first[column]
                )));
            }
        }
        model.standardization.get_or_insert_with(|| Standardization::fit(&data.train)).validate(width)?;
    }
    [&data.train, &data.valid, &data.test]
        .into_iter()
        .try_for_each(|set| require_labels(set, model.n_classes))
}

fn constant_columns(data: &Dataset) -> Vec<bool> {
    let first = data.values(&[0]);
    let mut constant = vec![true; data.width()];
    for row in 1..data.len() {
        let values = data.values(&[row]);
        constant.iter_mut().zip(values.iter().zip(&first)).for_each(|(flag, (x, first))| *flag &= x == first);
        if !constant.contains(&true) {
            break;
        }
    }
    constant
}

/// Whether a set has the labels that a conditional flow needs.
///
/// # Errors
/// No labels, or one beyond the classes.
pub(super) fn require_labels(data: &Dataset, n_classes: usize) -> Result<()> {
    if n_classes == 0 {
        return Ok(());
    }
    let Some(labels) = data.labels() else {
        return Err(Fault::usage(format!("{} has no labels; take model.n_classes=0", data.name())));
    };
    match labels.iter().find(|label| usize::from(**label) >= n_classes) {
        Some(label) => Err(Fault::usage(format!(
            "{}: label {label} is beyond model.n_classes = {n_classes}",
            data.name()
        ))),
        None => Ok(()),
    }
}

/// Labels as the context of a flow of so many classes.
pub(super) fn context(labels: Option<&[u8]>, n_classes: usize, device: &Device) -> Option<Tensor<2>> {
    let labels = labels.filter(|_| n_classes > 0)?;
    let classes: Vec<usize> = labels.iter().map(|&label| usize::from(label)).collect();
    Some(one_hot(&classes, n_classes, device))
}
