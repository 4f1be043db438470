//! Between the coordinates of the data and those of a law of continuous variables.

use anyhow::Result;
use burn::{
    module::{Module, ModuleDisplay},
    prelude::*,
    tensor::DType,
};
use gibbs_backend::has_double_precision;
use gibbs_core::{Bijection, Moments};
use gibbs_data::{Dataset, Splits};
use gibbs_flow::{Logit, Whitening};
use gibbs_train::weights::{self, WeightsError};
use serde::{Deserialize, Serialize};

use crate::{
    fault::Fault,
    made::given,
    standardization::{Standardization, one_hot},
};

/// Examples whose moments are computed at once.
const BLOCK: usize = 1000;

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

/// The fixed map before the model: to its coordinates, and white ones if it learns in those.
#[derive(Clone, Debug)]
pub struct Preparation {
    map: Map,
    whitening: Option<Whitening>,
}

/// To the coordinates.
#[derive(Clone, Debug)]
enum Map {
    /// None.
    Data,
    /// Shift and scale of each column.
    Standardized(Standardization),
    /// The logit of each value.
    Logit(Box<Logit>),
    /// From \[0, 1\] to \[-1, 1\].
    Signed,
}

impl Preparation {
    /// That of a model with these settings; `margin` is the distance that logits keep from 0 and 1.
    ///
    /// # Errors
    /// Settings that are still open, or out of range.
    pub fn new(
        coordinates: Option<Coordinates>,
        margin: Option<f64>,
        standardization: Option<&Standardization>,
    ) -> Result<Self> {
        let map = match given(coordinates, "model.coordinates")? {
            Coordinates::Data => Map::Data,
            Coordinates::Standardized => {
                Map::Standardized(given(standardization.cloned(), "model.standardization")?)
            }
            Coordinates::Logit => Map::Logit(Box::new(Logit::new(given(margin, "model.margin")?)?)),
            Coordinates::Signed => Map::Signed,
        };
        Ok(Self { map, whitening: None })
    }

    /// The same with a whitening behind it, or none.
    #[must_use]
    pub fn with_whitening(self, whitening: Option<Whitening>) -> Self {
        Self { whitening, ..self }
    }

    /// The same with the whitening of a set.
    ///
    /// # Errors
    /// Values without finite moments.
    pub fn fitted(self, data: &Dataset, device: &Device) -> Result<Self> {
        let rows: Vec<usize> = (0..data.len()).collect();
        let batches = rows.chunks(BLOCK).map(|rows| {
            let x = self.map.forward(data.batch(rows, device).x).0;
            if has_double_precision(device) { x.cast(DType::F64) } else { x }
        });
        let moments = Moments::of(batches).filter(|moments| moments.covariance.iter().all(|c| c.is_finite()));
        let Some(moments) = moments else {
            return Err(Fault::usage(format!(
                "{}: no finite mean and covariance to whiten by; take model.whitened=false",
                data.name()
            )));
        };
        Ok(self.with_whitening(Some(Whitening::new(&moments, (device, DType::F32)))))
    }

    /// The bytes of a model that is to be loaded with this preparation: the whitening with it, where there is one.
    ///
    /// # Errors
    /// Those of the format.
    pub fn to_bytes<M: Module + ModuleDisplay>(&self, model: M) -> Result<Vec<u8>, WeightsError> {
        match self.whitening.clone() {
            Some(whitening) => weights::to_bytes(&Whitened { whitening, flow: model }),
            None => weights::to_bytes(&model),
        }
    }

    /// The reverse of [`to_bytes`](Self::to_bytes): a model of `n_variables`, and this preparation with what is saved of it.
    ///
    /// # Errors
    /// Those of the format, or weights of another model.
    pub fn load<M: Module + ModuleDisplay>(
        self,
        model: M,
        n_variables: Option<usize>,
        bytes: &[u8],
        device: &Device,
    ) -> Result<(M, Self), WeightsError> {
        let Some(n_variables) = n_variables else { return Ok((weights::from_bytes(model, bytes)?, self)) };
        let start = Whitened { whitening: Whitening::identity(n_variables, device), flow: model };
        let Whitened { whitening, flow } = weights::from_bytes(start, bytes)?;
        Ok((flow, self.with_whitening(Some(whitening))))
    }

    /// Data `[n, D]` in the coordinates of the model, and the logarithms `[n]` of the factors by which a density there becomes one
    /// of data.
    pub fn forward(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        let (y, ladj) = self.map.forward(x);
        match &self.whitening {
            Some(whitening) => {
                let (z, of_whitening) = whitening.forward(y, None);
                (z, ladj + of_whitening)
            }
            None => (y, ladj),
        }
    }

    /// Log-densities in [`Coordinates`] for those of the model.
    pub fn before_whitening(&self, log_prob: Tensor<1>) -> Tensor<1> {
        match &self.whitening {
            Some(whitening) => log_prob + whitening.log_volume.val(),
            None => log_prob,
        }
    }

    /// Whether examples are grey values.
    pub fn is_grey(&self) -> bool {
        matches!(self.map, Map::Logit(_) | Map::Signed)
    }

    /// Points of the model `[n, D]` as data.
    pub fn inverse(&self, y: Tensor<2>) -> Tensor<2> {
        self.map.inverse(match &self.whitening {
            Some(whitening) => whitening.inverse(y, None).0,
            None => y,
        })
    }
}

/// A model with the whitening before it, as they are saved.
#[derive(Module, Debug)]
struct Whitened<M: Module + ModuleDisplay> {
    whitening: Whitening,
    flow: M,
}

impl Map {
    fn forward(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        let none = Tensor::zeros([x.dims()[0]], (&x.device(), x.dtype()));
        match self {
            Self::Data => (x, none),
            Self::Standardized(by) => (by.standardize(x), none + by.log_volume()),
            Self::Logit(logit) => logit.forward(x, None),
            Self::Signed => {
                let log_volume = x.dims()[1] as f64 * std::f64::consts::LN_2;
                (x * 2.0 - 1.0, none + log_volume)
            }
        }
    }

    fn inverse(&self, y: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Data => y,
            Self::Standardized(by) => by.restore(y),
            Self::Logit(logit) => logit.inverse(y, None).0.clamp(0.0, 1.0),
            Self::Signed => ((y + 1.0) / 2.0).clamp(0.0, 1.0),
        }
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

/// Whether a model learns in white coordinates if nothing is said: tables of few columns.
pub fn is_whitened(coordinates: Option<Coordinates>, width: usize, most: usize) -> bool {
    coordinates == Some(Coordinates::Standardized) && (WHITENED..=most).contains(&width)
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
