//! The coordinates of data in which a model is a law of continuous variables.

use anyhow::Result;
use burn::prelude::*;
use gibbs_data::{Dataset, Splits};
use serde::{Deserialize, Serialize};

use crate::{
    fault::Fault,
    made::given,
    standardization::{Standardization, one_hot},
};

/// Columns from which on a table is whitened if nothing is said: what two columns have in common a flow finds at once.
const WHITENED: usize = 3;

/// What a model is a law of, as a function of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coordinates {
    /// The data.
    Data,
    /// Columns of mean 0 and standard deviation 1.
    Standardized,
    /// Logits of dequantized grey values.
    Logit,
    /// Dequantized grey values, black at -1 and white at 1.
    Signed,
}

impl Coordinates {
    /// Whether they are those of grey values.
    pub fn are_grey(self) -> bool {
        matches!(self, Self::Logit | Self::Signed)
    }
}

/// The data as the model is to see them, grey values dequantized; coordinates that are open become those of such data, `grey`
/// for grey values.
///
/// # Errors
/// Bits, which have no density.
pub fn continuous(
    coordinates: &mut Option<Coordinates>,
    grey: Coordinates,
    data: Splits,
    seed: u64,
) -> Result<Splits> {
    if data.train.is_binary() {
        return Err(Fault::usage(format!(
            "{}: zeros and ones have no density; take `made` or `rbm` for them",
            data.name()
        )));
    }
    match data.clone().try_map(|set| set.dequantized(seed)) {
        Ok(data) => {
            coordinates.get_or_insert(grey);
            Ok(data)
        }
        Err(_) => {
            coordinates.get_or_insert(Coordinates::Standardized);
            Ok(data)
        }
    }
}

/// Columns up to which a table is taken for one of few.
pub const FEW_COLUMNS: usize = 60;

/// Whether a model learns in white coordinates if nothing is said: tables of few columns.
pub fn is_whitened(coordinates: Option<Coordinates>, width: usize) -> bool {
    coordinates == Some(Coordinates::Standardized) && (WHITENED..=FEW_COLUMNS).contains(&width)
}

/// Fits what depends on the data, and checks that they have a density.
///
/// # Errors
/// A constant column, values outside of \[0, 1\] for logits, or labels that are missing.
pub fn settle(
    coordinates: Option<Coordinates>,
    standardization: &mut Option<Standardization>,
    n_classes: usize,
    data: &Splits,
) -> Result<()> {
    let coordinates = given(coordinates, "model.coordinates")?;
    if coordinates.are_grey() {
        [&data.train, &data.valid, &data.test].into_iter().try_for_each(Dataset::require_unit_interval)?;
    }
    if coordinates == Coordinates::Standardized {
        let width = data.width();
        if standardization.is_none() {
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
        standardization.get_or_insert_with(|| Standardization::fit(&data.train)).validate(width)?;
    }
    [&data.train, &data.valid, &data.test].into_iter().try_for_each(|set| require_labels(set, n_classes))
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

/// Whether a set has the labels that a conditional model needs.
///
/// # Errors
/// No labels, or one beyond the classes.
pub fn require_labels(data: &Dataset, n_classes: usize) -> Result<()> {
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

/// Labels as the context of a model of so many classes.
pub fn context(labels: Option<&[u8]>, n_classes: usize, device: &Device) -> Option<Tensor<2>> {
    let labels = labels.filter(|_| n_classes > 0)?;
    let classes: Vec<usize> = labels.iter().map(|&label| usize::from(label)).collect();
    Some(one_hot(&classes, n_classes, device))
}
