//! Maps of single columns.

use burn::{module::Module, prelude::*};

use super::{Bounds, Logit};
use crate::{Bijection, ConfigError, math::row_zeros};

/// Standardization of each column: `z = (x - shift)/scale`, `ladj = -Σ_d ln scale_d`.
#[derive(Module, Debug)]
pub struct Standardize {
    #[module(skip)]
    shift: Vec<f64>,
    #[module(skip)]
    scale: Vec<f64>,
}

impl Standardize {
    /// The standardization of `width` columns.
    ///
    /// # Errors
    /// Unless both lists have `width` finite numbers and all scales are above 0.
    pub fn new(width: usize, shift: &[f64], scale: &[f64]) -> Result<Self, ConfigError> {
        for (field, values, least) in [("shift", shift, f64::NEG_INFINITY), ("scale", scale, 0.0)] {
            let holds = values.len() == width && values.iter().all(|x| x.is_finite() && *x > least);
            let positive = if least == 0.0 { " above 0" } else { "" };
            let reason = format!("must be {width} finite numbers{positive}");
            ConfigError::require(holds, field, format!("{values:?}"), reason)?;
        }
        Ok(Self { shift: shift.to_vec(), scale: scale.to_vec() })
    }

    pub(super) fn log_volume(&self) -> f64 {
        -self.scale.iter().map(|scale| scale.ln()).sum::<f64>()
    }
}

/// Numbers as a row that fits to `like`.
pub(super) fn row(values: &[f64], like: &Tensor<2>) -> Tensor<2> {
    Tensor::<1>::from_data(values, (&like.device(), like.dtype())).unsqueeze()
}

impl Bijection for Standardize {
    fn forward(&self, x: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let ladj = row_zeros(&x) + self.log_volume();
        ((x.clone() - row(&self.shift, &x)) / row(&self.scale, &x), ladj)
    }

    fn inverse(&self, z: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let ladj = row_zeros(&z) - self.log_volume();
        (z.clone() * row(&self.scale, &z) + row(&self.shift, &z), ladj)
    }
}

/// From \[0, 1\] to \[-1, 1\]: `z = 2x - 1`, `ladj = D·ln 2`.
#[derive(Module, Debug)]
pub struct Signed {
    n_variables: usize,
}

impl Signed {
    /// The map of `n_variables`.
    pub fn new(n_variables: usize) -> Self {
        Self { n_variables }
    }

    fn log_volume(&self) -> f64 {
        self.n_variables as f64 * std::f64::consts::LN_2
    }
}

impl Bijection for Signed {
    fn forward(&self, x: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let ladj = row_zeros(&x) + self.log_volume();
        (x * 2.0 - 1.0, ladj)
    }

    fn inverse(&self, z: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let ladj = row_zeros(&z) - self.log_volume();
        ((z + 1.0) / 2.0, ladj)
    }
}

/// The first map of a [`Preprocessor`](super::Preprocessor): from the values of data to real numbers.
#[derive(Clone, Debug)]
pub enum Map {
    /// Data stay as they are.
    Identity,
    /// See [`Logit`].
    Logit(Logit),
    /// See [`Signed`].
    Signed(Signed),
    /// See [`Bounds`].
    Bounds(Bounds),
}

impl Map {
    /// `x [n, D] -> (y [n, D], ladj [n])`.
    pub fn forward(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        match self {
            Self::Identity => (x.clone(), row_zeros(&x)),
            Self::Logit(map) => map.forward(x, None),
            Self::Signed(map) => map.forward(x, None),
            Self::Bounds(map) => map.forward(x, None),
        }
    }

    /// `y [n, D] -> x [n, D]`. Gray values are clamped to \[0, 1\].
    pub fn inverse(&self, y: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Identity => y,
            Self::Logit(map) => map.inverse(y, None).0.clamp(0.0, 1.0),
            Self::Signed(map) => map.inverse(y, None).0.clamp(0.0, 1.0),
            Self::Bounds(map) => map.inverse(y, None).0,
        }
    }
}
