//! Numbers and columns of numbers, so that a formula is written once: on the host in f64, and on tensors.

use std::ops::{Add, Div, Mul, Neg, Sub};

use burn::prelude::*;

/// An f64, or a tensor with one number for each row.
pub(super) trait Number:
    Clone + Neg<Output = Self> + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    fn times(self, factor: f64) -> Self;
    fn plus(self, shift: f64) -> Self;
    fn exp(self) -> Self;
    fn ln(self) -> Self;
    fn sqrt(self) -> Self;
    fn sin(self) -> Self;
    fn cos(self) -> Self;
    fn tanh(self) -> Self;

    /// The number `value` in the same place.
    fn constant(&self, value: f64) -> Self {
        self.clone().times(0.0).plus(value)
    }
}

/// Implements the functions by those of a type.
macro_rules! functions {
    ($type:ty: $($name:ident = $of:ident),*) => {
        $(fn $name(self) -> Self {
            <$type>::$of(self)
        })*
    };
}

impl Number for f64 {
    fn times(self, factor: f64) -> Self {
        self * factor
    }

    fn plus(self, shift: f64) -> Self {
        self + shift
    }

    functions!(f64: exp = exp, ln = ln, sqrt = sqrt, sin = sin, cos = cos, tanh = tanh);
}

impl Number for Tensor<2> {
    fn times(self, factor: f64) -> Self {
        self * factor
    }

    fn plus(self, shift: f64) -> Self {
        self + shift
    }

    functions!(Tensor<2>: exp = exp, ln = log, sqrt = sqrt, sin = sin, cos = cos, tanh = tanh);
}
