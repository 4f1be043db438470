//! Layers of any kind.

use burn::{module::Module, prelude::*};
use gibbs_core::Bijection;

use super::{LinearSymplectic, PointTransformation, Shear};
use crate::FlowLayer;

/// A canonical transformation. Its log-determinant is 0.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "a flow has a few layers, and their weights are elsewhere")]
pub enum SymplecticLayer {
    /// See [`Shear`].
    Shear(Shear),
    /// See [`LinearSymplectic`].
    Linear(LinearSymplectic),
    /// See [`PointTransformation`].
    Point(PointTransformation),
}

impl Bijection for SymplecticLayer {
    fn forward(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        match self {
            Self::Shear(layer) => layer.forward(x, context),
            Self::Linear(layer) => layer.forward(x, context),
            Self::Point(layer) => layer.forward(x, context),
        }
    }

    fn inverse(&self, z: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        match self {
            Self::Shear(layer) => layer.inverse(z, context),
            Self::Linear(layer) => layer.inverse(z, context),
            Self::Point(layer) => layer.inverse(z, context),
        }
    }
}

impl FlowLayer for SymplecticLayer {}
