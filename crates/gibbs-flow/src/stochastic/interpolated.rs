//! Energies between that of the base and that of the target.

use burn::prelude::*;
use gibbs_core::{Energy, Slope};

use crate::base;

/// `u_λ(y) = -(1 - λ) ln N(y; 0, 1) + λ E(y)`.
#[derive(Clone, Copy, Debug)]
pub struct Interpolated<'a, E: ?Sized> {
    energy: &'a E,
    lambda: f64,
}

impl<'a, E: ?Sized> Interpolated<'a, E> {
    /// Between the standard normal distribution (`lambda` 0) and `energy` (1).
    pub fn new(energy: &'a E, lambda: f64) -> Self {
        Self { energy, lambda }
    }
}

impl<E: Energy + ?Sized> Energy for Interpolated<'_, E> {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        base::log_prob(None, x.clone()) * (self.lambda - 1.0) + self.energy.energy(x) * self.lambda
    }
}

impl<E: Slope + ?Sized> Slope for Interpolated<'_, E> {
    fn slope(&self, x: Tensor<2>) -> Tensor<2> {
        x.clone() * (1.0 - self.lambda) + self.energy.slope(x) * self.lambda
    }
}

/// `f E(x)`: an energy at another temperature.
#[derive(Clone, Copy, Debug)]
pub struct Scaled<'a, E: ?Sized> {
    energy: &'a E,
    factor: f64,
}

impl<'a, E: ?Sized> Scaled<'a, E> {
    /// `energy` times `factor`.
    pub fn new(energy: &'a E, factor: f64) -> Self {
        Self { energy, factor }
    }
}

impl<E: Energy + ?Sized> Energy for Scaled<'_, E> {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        self.energy.energy(x) * self.factor
    }
}

impl<E: Slope + ?Sized> Slope for Scaled<'_, E> {
    fn slope(&self, x: Tensor<2>) -> Tensor<2> {
        self.energy.slope(x) * self.factor
    }
}
