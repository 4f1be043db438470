//! How levels become the variables of a model of real numbers: as they are, or as analog bits, their binary digits.
//!
//! ```text
//! k = Σ_j d_j·2^(B-1-j),  d_j in {0, 1}      the index of a level among 2^B
//! encode   b_j = 2·d_j - 1                   a variable for each digit, the highest first
//! decode   d_j = 1 if b_j > 0, else 0
//! ```
//!
//! A level and its digits are the same event: `P(k) = P(b)`. Digits are themselves levels, two of them, so
//! [`NoisyLevels`](super::NoisyLevels) and [`Bound`](crate::diffusion::Bound) bound the probability of the level that they spell.
//!
//! References: Chen, Zhang & Hinton, "Analog bits: generating discrete data using diffusion models with self-conditioning", ICLR 2023,
//! arXiv:2208.04202.
//!
//! Differences from the paper: no self-conditioning. The paper reports no likelihood.
//!
//! Cost: `B` variables for each value.

use burn::prelude::*;
use gibbs_core::ConfigError;

use super::levels::Levels;

/// How levels become variables.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LevelEncoding {
    /// Each value is a variable.
    Values(Levels),
    /// Each binary digit of a value is a variable.
    Bits(AnalogBits),
}

impl LevelEncoding {
    /// Number of levels of a value.
    pub fn count(&self) -> usize {
        match self {
            Self::Values(levels) => levels.count,
            Self::Bits(bits) => bits.values.count,
        }
    }

    /// Variables for each value.
    pub fn per_value(&self) -> usize {
        match self {
            Self::Values(_) => 1,
            Self::Bits(bits) => bits.count,
        }
    }

    /// The levels of a variable.
    pub fn of_variable(&self) -> Levels {
        match self {
            Self::Values(levels) => *levels,
            Self::Bits(_) => Levels { count: 2, first: -1.0, spacing: 2.0 },
        }
    }

    /// The variables of the levels nearest to `x [n, D]`.
    pub fn encode(&self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Values(levels) => levels.nearest(x),
            Self::Bits(bits) => bits.encode(x),
        }
    }

    /// Variables of a model as values `[n, D]`: values as they are, digits as the level that they spell.
    pub fn decode(&self, variables: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Values(_) => variables,
            Self::Bits(bits) => bits.decode(variables),
        }
    }
}

/// Levels as binary digits -1 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnalogBits {
    values: Levels,
    count: usize,
}

impl AnalogBits {
    /// The digits of these levels.
    ///
    /// # Errors
    /// A number of levels that is no power of 2.
    pub fn new(values: Levels) -> Result<Self, ConfigError> {
        let reason = "must be a power of 2, whose levels have the same number of binary digits";
        ConfigError::require(values.count.is_power_of_two(), "levels", values.count, reason)?;
        Ok(Self { values, count: values.count.ilog2() as usize })
    }

    /// The digits `[n, D·B]` of the levels nearest to `x [n, D]`; those of a level are next to each other.
    pub fn encode(&self, x: Tensor<2>) -> Tensor<2> {
        let [n, width] = x.dims();
        let index = self.values.indices(x).reshape([n, width, 1]);
        let above = (index.clone() / self.weights(&index)).floor();
        let digits = above.clone() - (above / 2.0).floor() * 2.0;
        (digits * 2.0 - 1.0).reshape([n, width * self.count])
    }

    /// The levels `[n, D]` whose digits are nearest to `bits [n, D·B]`.
    pub fn decode(&self, bits: Tensor<2>) -> Tensor<2> {
        let [n, width] = bits.dims();
        let bits = bits.reshape([n, width / self.count, self.count]);
        let digits = bits.clone().greater_elem(0.0).float().cast(bits.dtype());
        let index = (digits * self.weights(&bits)).sum_dim(2).reshape([n, width / self.count]);
        index * self.values.spacing + self.values.first
    }

    /// `2^(B-1-j)` of each digit, `[1, 1, B]`, placed like `x`.
    fn weights(&self, x: &Tensor<3>) -> Tensor<3> {
        let weights: Vec<f64> = (0..self.count as i32).rev().map(|place| 2f64.powi(place)).collect();
        Tensor::from_data(TensorData::new(weights, [1, 1, self.count]), (&x.device(), x.dtype()))
    }
}
