//! Learned permutation: an invertible matrix, stored as its LU factors.
//!
//! ```text
//! z = x·P·(1 + U)·diag(s)·(1 + L),    ln s_i = S·tanh(a_i/S),  S = 3
//! ladj = Σ_i ln s_i
//! ```
//!
//! `P` is a fixed permutation, `U` is above and `L` below the diagonal, `x` are rows.
//!
//! References: Kingma & Dhariwal, "Glow", NeurIPS 2018, arXiv:1807.03039, equation 10.
//!
//! Differences from the paper: rows are multiplied from the right, so the order of the factors is reversed. The layer begins as the
//! permutation, not as a random rotation. `s` is positive and bounded, so that the matrix stays invertible in f32.
//!
//! Cost: two products with triangular matrices. The inverse is a substitution of D steps for each factor.

use burn::{
    config::Config,
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::{Init, Noise, Pattern, exp, masked_affine};
use gibbs_core::{Bijection, ConfigError};

use super::{
    layer_config::{FlowLayer, InitLayer, Sizes},
    permutation::{Permutation, Permute},
    univariate::{MAX_LOG_SCALE, bounded},
};

/// The start of a linear layer.
#[derive(Config, Debug, PartialEq)]
pub struct LinearConfig {
    /// The permutation that it begins as.
    pub order: Permute,
}

impl InitLayer for LinearConfig {
    type Layer = Linear;

    fn validate(&self, sizes: Sizes) -> Result<(), ConfigError> {
        self.order.order(sizes.n_variables, &mut Noise::new(0, "order")).map(drop)
    }

    fn init(
        &self,
        sizes: Sizes,
        device: &Device,
        _: &mut Noise,
        order: &mut Noise,
    ) -> Result<Linear, ConfigError> {
        Linear::new(self.order.order(sizes.n_variables, order)?, device)
    }
}

impl FlowLayer for Linear {}

/// An invertible linear layer.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[D, D]`: `U` above the diagonal and `L` below; the diagonal itself is not used.
    pub weight: Param<Tensor<2>>,
    /// `a [D]`.
    pub log_scale: Param<Tensor<1>>,
    permutation: Permutation,
    #[module(skip)]
    upper: Pattern,
    #[module(skip)]
    lower: Pattern,
}

impl Linear {
    /// The layer at its start: the permutation.
    ///
    /// # Errors
    /// If `order` is no permutation.
    pub fn new(order: Vec<usize>, device: &Device) -> Result<Self, ConfigError> {
        let n = order.len();
        let permutation = Permutation::new(order)?;
        let none = &mut Noise::new(0, "zeros");
        Ok(Self {
            weight: Init::Zeros.param([n, n], device, none),
            log_scale: Init::Zeros.param([n], device, none),
            permutation,
            upper: Pattern::from_fn(n, n, |row, column| row < column),
            lower: Pattern::from_fn(n, n, |row, column| row > column),
        })
    }

    /// `ln s [D]`.
    fn log_scale(&self) -> Tensor<1> {
        bounded(self.log_scale.val(), MAX_LOG_SCALE)
    }

    /// `x·T` for the triangle `T` of the weights in `pattern`.
    fn triangle(&self, x: Tensor<2>, pattern: &Pattern) -> Tensor<2> {
        let weight = self.weight.val();
        let none = Tensor::zeros([weight.dims()[1]], (&weight.device(), weight.dtype()));
        masked_affine(x, weight, none, pattern, None)
    }

    /// Solves `y + y·T = z` for `y`, column by column. A column needs the columns before it, or the columns behind it if `T` is below
    /// the diagonal.
    fn substitute(&self, z: Tensor<2>, is_lower: bool) -> Tensor<2> {
        let (weight, [_, n]) = (self.weight.val(), z.dims());
        let column_of = |step: usize| if is_lower { n - 1 - step } else { step };
        let first = z.clone().narrow(1, column_of(0), 1);
        (1..n).map(column_of).fold(first, |known, column| {
            let rows = if is_lower { column + 1..n } else { 0..column };
            let sums = known.clone().matmul(weight.clone().slice([rows, column..column + 1]));
            let y = z.clone().narrow(1, column, 1) - sums;
            Tensor::cat(if is_lower { vec![y, known] } else { vec![known, y] }, 1)
        })
    }
}

impl Bijection for Linear {
    fn forward(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let (x, none) = self.permutation.forward(x, context);
        let log_scale = self.log_scale();
        let x = (x.clone() + self.triangle(x, &self.upper)) * exp(log_scale.clone()).unsqueeze();
        (x.clone() + self.triangle(x, &self.lower), none + log_scale.sum())
    }

    fn inverse(&self, z: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let shrink = self.log_scale().neg();
        let z = self.substitute(z, true) * exp(shrink.clone()).unsqueeze();
        let (x, none) = self.permutation.inverse(self.substitute(z, false), context);
        (x, none + shrink.sum())
    }
}
