//! Between the coordinates of the data and those of a law of continuous variables.

use anyhow::Result;
use burn::{
    module::{Module, ModuleDisplay},
    prelude::*,
    tensor::DType,
};
use gibbs_backend::has_double_precision;
use gibbs_core::{Bijection, ColumnMoments};
use gibbs_data::Dataset;
use gibbs_flow::{Logit, Whitening};
use gibbs_train::weights::{self, WeightsError};

use crate::{coordinates::Coordinates, fault::Fault, made::given, standardization::Standardization};

/// Examples whose moments are computed at once.
const BLOCK: usize = 1000;

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
        let moments =
            ColumnMoments::of(batches).filter(|moments| moments.covariance.iter().all(|c| c.is_finite()));
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
