//! Preprocessing: fixed bijections between data and the coordinates that a model learns in.
//!
//! ```text
//! y = map(x)                               the values of data as real numbers: logits, logarithms
//! z = whitening(tails((y - shift)/scale))  each step where there is one
//! ln p(x | c) = ln p_model(z | c) + ladj of all steps
//! ```
//!
//! [`Preprocessed`] is a model behind such a map. Its densities and its samples are in the coordinates of the data.
//!
//! Preprocessing is not trained: its parameters have no gradient.

mod bounds;
mod dequantization;
mod logit;
mod maps;
mod scaling;
mod tails;
mod whitening;

use burn::{
    module::{Module, ModuleDisplay},
    prelude::*,
    tensor::DType,
};
use gibbs_backend::{Noise, has_double_precision};
use serde::{Deserialize, Serialize};

use crate::{Bijection, ColumnMoments, ConditionalLogProb, ConfigError, Sample, math::row_zeros};

pub use bounds::Bounds;
pub use dequantization::Dequantization;
pub use logit::Logit;
pub use maps::{Map, Signed, Standardize};
pub use scaling::Scaling;
pub use tails::Tails;
pub use whitening::Whitening;

/// The map from data to the coordinates of a model, without whitening.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum PreprocessorConfig {
    /// Data stay as they are.
    #[default]
    Identity,
    /// See [`Standardize`] and [`Tails`].
    Standardize {
        /// What is subtracted from each column.
        shift: Vec<f64>,
        /// What each column is then divided by, above 0.
        scale: Vec<f64>,
        /// Where logarithmic tails begin, above 0; none if it is absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tails: Option<f64>,
    },
    /// See [`Bounds`], [`Standardize`] and [`Tails`].
    Bounded {
        /// The lower bound of each column, or `null`.
        low: Vec<Option<f64>>,
        /// The upper bound of each column, or `null`.
        high: Vec<Option<f64>>,
        /// What is subtracted from each column after the map of its bounds.
        shift: Vec<f64>,
        /// What each column is then divided by, above 0.
        scale: Vec<f64>,
        /// Where logarithmic tails begin, above 0; none if it is absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tails: Option<f64>,
    },
    /// See [`Logit`].
    Logit {
        /// Distance kept from 0 and 1, at least 0 and below 0.5.
        margin: f64,
    },
    /// See [`Logit`] and [`Standardize`].
    StandardizedLogit {
        /// Distance kept from 0 and 1, at least 0 and below 0.5.
        margin: f64,
        /// What is subtracted from the logits of each column.
        shift: Vec<f64>,
        /// What they are then divided by, above 0.
        scale: Vec<f64>,
    },
    /// See [`Signed`].
    Signed,
}

impl PreprocessorConfig {
    /// The standardization by mean and standard deviation of each column. A constant column keeps its scale.
    pub fn standardize(columns: &[Vec<f64>]) -> Self {
        Self::scaled(columns, Scaling::Standard)
    }

    /// Columns shifted and scaled, with logarithmic tails if they are scaled robustly.
    pub fn scaled(columns: &[Vec<f64>], scaling: Scaling) -> Self {
        let (shift, scale) = columns.iter().map(|column| scaling.of(column)).unzip();
        match scaling {
            Scaling::None => Self::Identity,
            _ => Self::Standardize { shift, scale, tails: tails_of(scaling) },
        }
    }

    /// Columns of which some have a lower or an upper bound, all of whose values lie strictly between these: mapped to the real
    /// line, then shifted and scaled.
    pub fn bounded(
        columns: &[Vec<f64>],
        scaling: Scaling,
        low: Vec<Option<f64>>,
        high: Vec<Option<f64>>,
    ) -> Self {
        let unbounded = columns.iter().zip(low.iter().zip(&high)).map(|(column, (low, high))| {
            column.iter().map(|x| bounds::unbounded(*x, *low, *high)).collect::<Vec<f64>>()
        });
        let (shift, scale) = unbounded.map(|column| scaling.of(&column)).unzip();
        Self::Bounded { low, high, shift, scale, tails: tails_of(scaling) }
    }

    /// The same with some of `n_columns` on circles: their interval `[low, high]` becomes `[-bound, bound]`.
    #[must_use]
    pub fn with_circles(self, n_columns: usize, circles: &[(usize, [f64; 2])], bound: f64) -> Self {
        let mut whole = match self {
            Self::Identity => {
                Self::Standardize { shift: vec![0.0; n_columns], scale: vec![1.0; n_columns], tails: None }
            }
            other => other,
        };
        if let Self::Standardize { shift, scale, .. } | Self::Bounded { shift, scale, .. } = &mut whole {
            for &(column, [low, high]) in circles {
                (shift[column], scale[column]) = (0.5 * (low + high), (high - low) / (2.0 * bound));
            }
        }
        whole
    }

    /// Logits of gray values in \[0, 1\], with mean 0 and standard deviation 1 in each column.
    ///
    /// # Errors
    /// A margin out of range.
    pub fn standardized_logit(columns: &[Vec<f64>], margin: f64) -> Result<Self, ConfigError> {
        let logit = Logit::new(margin)?;
        let logits =
            columns.iter().map(|column| column.iter().map(|x| logit.of_value(*x)).collect::<Vec<f64>>());
        let (shift, scale) = logits.map(|column| Scaling::Standard.of(&column)).unzip();
        Ok(Self::StandardizedLogit { margin, shift, scale })
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
        let (map, scaling, tails) = match self {
            Self::Identity => (Map::Identity, None, None),
            Self::Standardize { shift, scale, tails } => (Map::Identity, Some((shift, scale)), *tails),
            Self::Bounded { low, high, shift, scale, tails } => {
                (Map::Bounds(Bounds::new(width, low, high)?), Some((shift, scale)), *tails)
            }
            Self::Logit { margin } => (Map::Logit(Logit::new(*margin)?), None, None),
            Self::StandardizedLogit { margin, shift, scale } => {
                (Map::Logit(Logit::new(*margin)?), Some((shift, scale)), None)
            }
            Self::Signed => (Map::Signed(Signed::new(width)), None, None),
        };
        Ok(Preprocessor {
            map,
            standardize: scaling.map(|(shift, scale)| Standardize::new(width, shift, scale)).transpose()?,
            tails: tails.map(Tails::new).transpose()?,
            whitening: None,
        })
    }

    /// Whether data are gray values in \[0, 1\].
    pub fn is_gray(&self) -> bool {
        self.is_logit() || *self == Self::Signed
    }

    /// Whether a model learns logits.
    pub fn is_logit(&self) -> bool {
        matches!(self, Self::Logit { .. } | Self::StandardizedLogit { .. })
    }

    /// Whether data are columns of a table, shifted and scaled.
    pub fn is_of_columns(&self) -> bool {
        matches!(self, Self::Standardize { .. } | Self::Bounded { .. })
    }
}

fn tails_of(scaling: Scaling) -> Option<f64> {
    (scaling == Scaling::Robust).then_some(Scaling::ROBUST_TAILS)
}

/// The steps from data to the coordinates of a model.
#[derive(Module, Debug)]
pub struct Preprocessor {
    /// From the values of data to real numbers.
    #[module(skip)]
    pub map: Map,
    /// Shift and scale of each column.
    #[module(skip)]
    pub standardize: Option<Standardize>,
    /// Logarithmic tails.
    #[module(skip)]
    pub tails: Option<Tails>,
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
            let y = self.forward(x).0;
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
        let (z, [of_map, of_steps]) = self.forward_in_parts(x);
        (z, of_map + of_steps)
    }

    /// As [`forward`](Self::forward), with the `ladj [n]` of the map and that of all later steps.
    pub fn forward_in_parts(&self, x: Tensor<2>) -> (Tensor<2>, [Tensor<1>; 2]) {
        let (y, of_map) = self.map.forward(x);
        let (y, of_scale) = forward_if(self.standardize.as_ref(), y);
        let (y, of_tails) = forward_if(self.tails.as_ref(), y);
        let (z, of_whitening) = forward_if(self.whitening.as_ref(), y);
        (z, [of_map, of_scale + of_tails + of_whitening])
    }

    /// Points `z [n, D]` of the model as data. Gray values are clamped to \[0, 1\].
    pub fn inverse(&self, z: Tensor<2>) -> Tensor<2> {
        let y = inverse_if(self.whitening.as_ref(), z);
        let y = inverse_if(self.tails.as_ref(), y);
        self.map.inverse(inverse_if(self.standardize.as_ref(), y))
    }
}

fn forward_if(step: Option<&impl Bijection>, y: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
    match step {
        Some(step) => step.forward(y, None),
        None => (y.clone(), row_zeros(&y)),
    }
}

fn inverse_if(step: Option<&impl Bijection>, z: Tensor<2>) -> Tensor<2> {
    match step {
        Some(step) => step.inverse(z, None).0,
        None => z,
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
    /// `ln p(x | c)` in the coordinates of the data, and in those behind the map, such as logits: `[n]` each, nats.
    ///
    /// # Panics
    /// As [`ConditionalLogProb::log_prob_given`].
    pub fn log_prob_and_within(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<1>, Tensor<1>) {
        let (z, [of_map, of_steps]) = self.preprocessor.forward_in_parts(x);
        let log_prob = self.model.log_prob_given(z, context);
        (log_prob.clone() + (of_map + of_steps.clone()), log_prob + of_steps)
    }

    /// `ln p` in the coordinates behind the map: `[n]`, nats.
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
