//! Maps of several variables, of which some are angles.
//!
//! ```text
//! a real variable    z = g(x; θ)
//! an angle           z = g(y; θ),   y = x + t - 2B·k  in [-B, B)  for a whole number of turns k
//! ```
//!
//! An angle lies on a circle of length `2B`: `x` and `x + 2B` are the same point. `g` is a spline that maps `[-B, B]` onto itself,
//! with slope 1 at both ends. So `z` is a smooth map of the circle onto itself, whose derivative has no jump, not even where the circle
//! was cut. The phase `t` turns the circle. If all parameters are zero, the map is the identity.
//!
//! A network that depends on an angle `x` receives its features `cos(πx/B)` and `sin(πx/B)`, which are the same for the same point.
//!
//! Reference: Rezende et al., "Normalizing flows on tori and spheres", ICML 2020, arXiv:2002.02428, section 2.1: circular splines,
//! phase translations, and the features.
//!
//! Difference from the paper: the slope of a spline where the circle is cut is 1 instead of a parameter. In a chain of layers each
//! has its own phase.

use std::{f64::consts::PI, sync::Arc};

use burn::prelude::*;
use gibbs_core::{ConfigError, columns::select};

use super::Univariate;

/// The same map for each variable, with a phase where some are angles.
#[derive(Clone, Debug)]
pub(crate) struct VariableMaps {
    map: Univariate,
    is_angle: Vec<bool>,
    has_phase: bool,
}

impl VariableMaps {
    /// The maps of `n_variables`, of which `angles` are angles.
    ///
    /// # Errors
    /// A map out of range, an angle that is no variable, or angles without splines.
    pub(crate) fn new(map: Univariate, n_variables: usize, angles: &[usize]) -> Result<Self, ConfigError> {
        map.validate()?;
        let mut is_angle = vec![false; n_variables];
        for &angle in angles {
            let reason = format!("there are {n_variables} variables, counted from 0");
            ConfigError::require(angle < n_variables, "angles", angle, reason)?;
            is_angle[angle] = true;
        }
        let has_phase = !angles.is_empty();
        let suits = !has_phase || matches!(map, Univariate::Spline { .. });
        ConfigError::require(suits, "angles", format!("{angles:?}"), "only splines map a circle to itself")?;
        Ok(Self { map, is_angle, has_phase })
    }

    /// The maps of these variables, in this order.
    pub(crate) fn of(&self, variables: &[usize]) -> Self {
        let is_angle = variables.iter().map(|&variable| self.is_angle[variable]).collect();
        Self { is_angle, ..*self }
    }

    /// Number of parameters `P` of one variable.
    pub(crate) fn n_parameters(&self) -> usize {
        self.map.n_parameters() + usize::from(self.has_phase)
    }

    /// The variable of each feature.
    pub(crate) fn variables_of_features(&self) -> Vec<usize> {
        let of_variable = |(d, &is_angle): (usize, &bool)| vec![d; 1 + usize::from(is_angle)];
        self.is_angle.iter().enumerate().flat_map(of_variable).collect()
    }

    /// What a network that depends on `x [n, D]` receives: a real variable as it is, an angle as its cosine and sine.
    pub(crate) fn features(&self, x: Tensor<2>) -> Tensor<2> {
        if !self.is_angle.contains(&true) {
            return x;
        }
        let (width, turned) = (self.is_angle.len(), x.clone() * (PI / self.bound()));
        let of_variable = |(d, &is_angle): (usize, &bool)| match is_angle {
            true => vec![width + d, 2 * width + d],
            false => vec![d],
        };
        let columns: Vec<usize> = self.is_angle.iter().enumerate().flat_map(of_variable).collect();
        select(Tensor::cat(vec![x, turned.clone().cos(), turned.sin()], 1), &columns)
    }

    /// `x [n, D]` to `(z [n, D], ladj [n])` for parameters `[n, P·D]`: the phases of all variables, if there are angles, then those of
    /// [`Univariate::forward`].
    pub(crate) fn forward(&self, x: Tensor<2>, parameters: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        match self.phases(&parameters) {
            None => self.map.forward(x, parameters),
            Some((phases, rest)) => self.map.forward(self.on_circle(x + phases), rest),
        }
    }

    /// `z [n, D]` to `(x [n, D], log |det ∂x/∂z| [n])`, the inverse of [`forward`](Self::forward). Angles are in `[-B, B)`.
    pub(crate) fn inverse(&self, z: Tensor<2>, parameters: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        match self.phases(&parameters) {
            None => self.map.inverse(z, parameters),
            Some((phases, rest)) => {
                let (y, ladj) = self.map.inverse(self.on_circle(z), rest);
                (self.on_circle(y - phases), ladj)
            }
        }
    }

    /// The map, or its inverse, of the variables in some `columns` of `x`, the others unchanged, and the log-determinant, for parameters as
    /// in [`forward`](Self::forward). `None` if the device has no operation for it.
    pub(crate) fn scaled(
        &self,
        x: &Tensor<2>,
        parameters: &Tensor<2>,
        columns: &Arc<[usize]>,
        inverse: bool,
    ) -> Option<(Tensor<2>, Tensor<1>)> {
        self.map.scaled(x, parameters, Some(columns.clone()), inverse)
    }

    /// The bound of the logarithms of the scales of affine maps; `None` for other maps.
    pub(crate) fn log_scale_bound(&self) -> Option<f64> {
        match self.map {
            Univariate::Affine { max_log_scale } if !self.has_phase => Some(max_log_scale),
            _ => None,
        }
    }

    /// Phases `[n, D]`, which are 0 for real variables, and the other parameters.
    fn phases(&self, parameters: &Tensor<2>) -> Option<(Tensor<2>, Tensor<2>)> {
        let (width, all) = (self.is_angle.len(), parameters.dims()[1]);
        self.has_phase.then(|| {
            let phases = parameters.clone().narrow(1, 0, width);
            (phases.clone() * self.mask(&phases), parameters.clone().narrow(1, width, all - width))
        })
    }

    /// Angles in `[-B, B)`, by whole turns.
    fn on_circle(&self, x: Tensor<2>) -> Tensor<2> {
        let turn = 2.0 * self.bound();
        let turns = (x.clone().detach() * turn.recip() + 0.5).floor() * self.mask(&x);
        x - turns * turn
    }

    /// `[1, D]`: 1 for an angle, 0 for a real variable.
    fn mask(&self, like: &Tensor<2>) -> Tensor<2> {
        let mask: Vec<f32> = self.is_angle.iter().map(|&is_angle| f32::from(u8::from(is_angle))).collect();
        Tensor::from_data(TensorData::new(mask, [1, self.is_angle.len()]), (&like.device(), like.dtype()))
    }

    /// `B`.
    fn bound(&self) -> f64 {
        match self.map {
            Univariate::Spline { bound, .. } => bound,
            _ => unreachable!("angles have splines"),
        }
    }
}
