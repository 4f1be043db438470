//! Preprocessing: fixed bijections between data and the coordinates that a model learns in.
//!
//! ```text
//! y = map(x),   z = whitening(y),   ln p(x | c) = ln p_model(z | c) + ladj_map(x) + ladj_whitening
//! ```
//!
//! [`Preprocessed`] is a model behind such a map. Its densities and its samples are in the coordinates of the data.
//!
//! Preprocessing is not trained: its parameters have no gradient.

mod dequantization;
mod logit;
mod maps;
mod whitening;

use burn::{
    module::{Module, ModuleDisplay},
    prelude::*,
    tensor::DType,
};
use gibbs_backend::{Noise, has_double_precision};
use serde::{Deserialize, Serialize};

use crate::{Bijection, ColumnMoments, ConditionalLogProb, ConfigError, Sample, math::mean_and_variance};

pub use dequantization::Dequantization;
pub use logit::Logit;
pub use maps::{Map, Signed, Standardize};
pub use whitening::Whitening;

/// The map from data to the coordinates of a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum PreprocessorConfig {
    /// Data stay as they are.
    #[default]
    Identity,
    /// See [`Standardize`].
    Standardize {
        /// What is subtracted from each column.
        shift: Vec<f64>,
        /// What each column is then divided by, above 0.
        scale: Vec<f64>,
    },
    /// See [`Logit`].
    Logit {
        /// Distance kept from 0 and 1, at least 0 and below 0.5.
        margin: f64,
    },
    /// See [`Signed`].
    Signed,
}

impl PreprocessorConfig {
    /// The standardization by mean and standard deviation of each column. A constant column keeps its scale.
    pub fn standardize(columns: &[Vec<f64>]) -> Self {
        let moments = columns.iter().map(|column| mean_and_variance(column));
        let or_one = |variance: f64| if variance > 0.0 { variance.sqrt() } else { 1.0 };
        let (shift, scale) = moments.map(|(mean, variance)| (mean, or_one(variance))).unzip();
        Self::Standardize { shift, scale }
    }

    /// Checks every field, for data of this width.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self, width: usize) -> Result<(), ConfigError> {
        self.init(width).map(drop)
    }

    /// The preprocessor, without whitening.
    ///
    /// # Errors
    /// If a field is out of range.
    pub fn init(&self, width: usize) -> Result<Preprocessor, ConfigError> {
        let map = match self {
            Self::Identity => Map::Identity,
            Self::Standardize { shift, scale } => Map::Standardize(Standardize::new(width, shift, scale)?),
            Self::Logit { margin } => Map::Logit(Logit::new(*margin)?),
            Self::Signed => Map::Signed(Signed::new(width)),
        };
        Ok(Preprocessor { map, whitening: None })
    }

    /// Whether data are gray values in \[0, 1\].
    pub fn is_gray(&self) -> bool {
        matches!(self, Self::Logit { .. } | Self::Signed)
    }
}

/// A map, and a whitening behind it or none.
#[derive(Module, Debug)]
pub struct Preprocessor {
    /// From data to the coordinates in which densities are compared.
    #[module(skip)]
    pub map: Map,
    /// From these to white coordinates.
    pub whitening: Option<Whitening>,
}

impl Preprocessor {
    /// The same map with the whitening of data that come in batches `[batch, D]`. `None` without finite moments.
    pub fn fit_whitening(
        self,
        batches: impl IntoIterator<Item = Tensor<2>>,
        device: &Device,
    ) -> Option<Self> {
        let mapped = batches.into_iter().map(|x| {
            let y = self.map.forward(x).0;
            if has_double_precision(device) { y.cast(DType::F64) } else { y }
        });
        let moments = ColumnMoments::of(mapped).filter(|m| m.covariance.iter().all(|c| c.is_finite()))?;
        Some(Self { whitening: Some(Whitening::new(&moments, (device, DType::F32))), ..self })
    }

    /// The same map with the identity as its whitening, to load a whitening into.
    #[must_use]
    pub fn with_identity_whitening(self, width: usize, device: &Device) -> Self {
        Self { whitening: Some(Whitening::identity(width, device)), ..self }
    }

    /// Data `x [n, D]` in the coordinates of the model, and `ladj [n]`.
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

    /// Points `z [n, D]` of the model as data. Gray values are clamped to \[0, 1\].
    pub fn inverse(&self, z: Tensor<2>) -> Tensor<2> {
        let y = match &self.whitening {
            Some(whitening) => whitening.inverse(z, None).0,
            None => z,
        };
        self.map.inverse(y)
    }

    /// Log-densities in the coordinates before the whitening, from those `[n]` in the coordinates of the model.
    pub fn before_whitening(&self, log_prob: Tensor<1>) -> Tensor<1> {
        match &self.whitening {
            Some(whitening) => log_prob + whitening.log_volume.val(),
            None => log_prob,
        }
    }
}

/// A model behind a preprocessor. Its densities are in the coordinates of the data.
#[derive(Module, Debug)]
pub struct Preprocessed<M: Module + ModuleDisplay> {
    /// From data to the coordinates of the model. Not trained.
    pub preprocessor: Preprocessor,
    /// The model.
    pub model: M,
}

impl<M: Module + ModuleDisplay + ConditionalLogProb> Preprocessed<M> {
    /// `ln p(x | c)` in the coordinates of the data, and in the coordinates before the whitening: `[n]` each, nats.
    ///
    /// # Panics
    /// As [`ConditionalLogProb::log_prob_given`].
    pub fn log_prob_and_within(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<1>, Tensor<1>) {
        let (z, ladj) = self.preprocessor.forward(x);
        let log_prob = self.model.log_prob_given(z, context);
        (log_prob.clone() + ladj, self.preprocessor.before_whitening(log_prob))
    }

    /// `ln p` in the coordinates before the whitening: `[n]`, nats.
    ///
    /// # Panics
    /// As [`ConditionalLogProb::log_prob_given`].
    pub fn within(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> Tensor<1> {
        self.log_prob_and_within(x, context).1
    }
}

impl<M: Module + ModuleDisplay + ConditionalLogProb> ConditionalLogProb for Preprocessed<M> {
    fn n_context(&self) -> usize {
        self.model.n_context()
    }

    fn log_prob_given(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> Tensor<1> {
        let (z, ladj) = self.preprocessor.forward(x);
        self.model.log_prob_given(z, context) + ladj
    }
}

impl<M: Module + ModuleDisplay + Sample> Sample for Preprocessed<M> {
    fn sample(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        self.preprocessor.inverse(self.model.sample(n, noise))
    }
}
