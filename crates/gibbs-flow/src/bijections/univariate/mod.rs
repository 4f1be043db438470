//! Increasing maps of one variable, given their parameters.
//!
//! ```text
//! additive    z = x + t                                 t
//! affine      z = x·e^s + t,   s = S·tanh(a/S)          t, a
//! spline      rational-quadratic inside [-B, B], z = x outside; see `spline`
//! ```
//!
//! The layer supplies the parameters: a coupling computes them from the variables that it keeps, an autoregressive layer from the
//! variables before, and an element-wise layer has constant ones. If all parameters are zero, each map is the identity. So a layer
//! whose network ends in zeros begins as the identity.
//!
//! References: Dinh, Krueger & Bengio, "NICE", 2014, arXiv:1410.8516, additive; Dinh, Sohl-Dickstein & Bengio, "Real NVP",
//! ICLR 2017, arXiv:1605.08803, affine (there without the bound); Durkan, Bekasov, Murray & Papamakarios, "Neural spline
//! flows", NeurIPS 2019, arXiv:1906.04032.

mod spline;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use burn::prelude::*;
use gibbs_backend::{Scaling, exp, log_scale_sums, scaled, tanh};
use gibbs_core::{
    ConfigError,
    math::{row_sums, row_zeros},
};
use serde::{Deserialize, Serialize};

/// An increasing map of one variable.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Univariate {
    /// `z = x + t`.
    Additive,
    /// `z = x·e^s + t`.
    Affine {
        /// Bound `S > 0` of the logarithm of the scale.
        max_log_scale: f64,
    },
    /// A monotone rational-quadratic spline.
    Spline {
        /// Number of bins, 2 to 64 (8 to 10 in the paper).
        bins: usize,
        /// Half the width `B > 0` of the box; outside the map is the identity (3 for tables in the paper).
        bound: f64,
    },
}

/// Bound of the log-scale in one layer of many. A stretch by `e^3 ≈ 20` turns the rounding error of f32, 2^-24 of a value, into about
/// 1e-6 of it. Several layers make larger stretches.
pub(crate) const MAX_LOG_SCALE: f64 = 3.0;

/// Bound of the log-scale of a normalization, which follows the scale of the data: `ln 2^23`. f32 has no more digits.
const MAX_NORMALIZATION: f64 = 16.0;

impl Univariate {
    /// The affine map of coupling and autoregressive layers: a scale of at most `e^3`, so that they can be inverted in f32.
    pub fn affine() -> Self {
        Self::Affine { max_log_scale: MAX_LOG_SCALE }
    }

    /// The affine map of activation normalization, which follows the scale of the data, from `e^-16` to `e^16`.
    pub fn normalization() -> Self {
        Self::Affine { max_log_scale: MAX_NORMALIZATION }
    }

    /// A spline of 8 bins on [-3, 3].
    pub fn spline() -> Self {
        Self::Spline { bins: 8, bound: 3.0 }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(self) -> Result<(), ConfigError> {
        let positive = |field, value: f64| {
            ConfigError::require(value.is_finite() && value > 0.0, field, value, "must be finite and above 0")
        };
        match self {
            Self::Additive => Ok(()),
            Self::Affine { max_log_scale } => positive("max_log_scale", max_log_scale),
            Self::Spline { bins, bound } => {
                ConfigError::require((2..=64).contains(&bins), "bins", bins, "must be from 2 to 64")?;
                positive("bound", bound)
            }
        }
    }

    /// Number of parameters `P` of one variable.
    pub fn n_parameters(self) -> usize {
        match self {
            Self::Additive => 1,
            Self::Affine { .. } => 2,
            // Widths, heights, and slopes at the inner knots.
            Self::Spline { bins, .. } => 3 * bins - 1,
        }
    }

    /// `x [n, D]` to `(z [n, D], ladj [n])`, for parameters `[n, P·D]`: the first parameter of all variables, then the second of
    /// all, and so on.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn forward(self, x: Tensor<2>, parameters: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        self.assert_fits(&x, &parameters);
        if let Some(result) = self.scaled(&x, &parameters, None, false) {
            return result;
        }
        match self {
            Self::Additive => (x.clone() + parameters, row_zeros(&x)),
            Self::Affine { max_log_scale } => {
                let (shift, log_scale) = affine_parts(parameters, max_log_scale);
                (x * exp(log_scale.clone()) + shift, row_sums(log_scale))
            }
            Self::Spline { bins, bound } => spline::forward(x, parameters, bins, bound),
        }
    }

    /// `z [n, D]` to `(x [n, D], log |det ∂x/∂z| [n])`, the inverse of [`forward`](Self::forward) for the same parameters.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn inverse(self, z: Tensor<2>, parameters: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        self.assert_fits(&z, &parameters);
        if let Some(result) = self.scaled(&z, &parameters, None, true) {
            return result;
        }
        match self {
            Self::Additive => (z.clone() - parameters, row_zeros(&z)),
            Self::Affine { max_log_scale } => {
                let (shift, log_scale) = affine_parts(parameters, max_log_scale);
                let shrink = log_scale.neg();
                ((z - shift) * exp(shrink.clone()), row_sums(shrink))
            }
            Self::Spline { bins, bound } => spline::inverse(z, parameters, bins, bound),
        }
    }

    /// The affine map or its inverse of some columns of `x`, the others unchanged, as one operation; `None` for other maps, or if the
    /// device does not have it.
    pub(super) fn scaled(
        self,
        x: &Tensor<2>,
        parameters: &Tensor<2>,
        columns: Option<Arc<[usize]>>,
        inverse: bool,
    ) -> Option<(Tensor<2>, Tensor<1>)> {
        let Self::Affine { max_log_scale: bound } = self else { return None };
        let z = scaled(x.clone(), parameters.clone(), Scaling { columns, bound, inverse })?;
        let ladj = log_scale_sums(parameters.clone(), bound)?;
        Some((z, if inverse { ladj.neg() } else { ladj }))
    }

    fn assert_fits(self, x: &Tensor<2>, parameters: &Tensor<2>) {
        let ([n, width], found) = (x.dims(), parameters.dims());
        let expected = [n, width * self.n_parameters()];
        assert_eq!(found, expected, "parameters of {n} examples of {width} variables");
    }
}

/// `(t, S·tanh(a/S))` from `[n, 2·D]`.
fn affine_parts(parameters: Tensor<2>, bound: f64) -> (Tensor<2>, Tensor<2>) {
    let width = parameters.dims()[1] / 2;
    let raw = parameters.clone().narrow(1, width, width);
    (parameters.narrow(1, 0, width), bounded(raw, bound))
}

/// `S·tanh(a/S)`: a log-scale within the bound `S`, close to `a` for small `a`.
pub(crate) fn bounded<const D: usize>(raw: Tensor<D>, bound: f64) -> Tensor<D> {
    tanh(raw * bound.recip()) * bound
}

/// The inverse of [`bounded`]. Log-scales beyond 0.999 S are clamped.
pub(crate) fn unbounded(log_scale: Tensor<1>, bound: f64) -> Tensor<1> {
    let part = (log_scale / bound).clamp(-0.999, 0.999);
    ((part.clone() + 1.0) / (part.neg() + 1.0)).log() * (0.5 * bound)
}
