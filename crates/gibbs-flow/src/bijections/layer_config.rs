//! What a chain needs from its layers.

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{Bijection, ConfigError};

/// Sizes that a layer takes from its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Number of variables.
    pub n_variables: usize,
    /// Width of the context, 0 for none.
    pub n_context: usize,
}

/// A configuration of a layer.
pub trait InitLayer {
    /// The layer.
    type Layer: FlowLayer;

    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    fn validate(&self, sizes: Sizes) -> Result<(), ConfigError>;

    /// The layer at its start. Weights are drawn from `noise`, random orders from `order_noise`.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    fn init(
        &self,
        sizes: Sizes,
        device: &Device,
        noise: &mut Noise,
        order_noise: &mut Noise,
    ) -> Result<Self::Layer, ConfigError>;
}

/// A layer of a chain: a bijection that knows which variables it changes and may be fitted to data.
pub trait FlowLayer: Bijection {
    /// Which variables learned maps have changed after this layer, for those that they have changed before it. By default all.
    fn touch(&self, touched: Vec<bool>) -> Vec<bool> {
        vec![true; touched.len()]
    }

    /// Whether it contains a coupling.
    fn has_coupling(&self) -> bool {
        false
    }

    /// Whether it may have [`on_blocks`](Self::on_blocks).
    fn acts_on_blocks(&self) -> bool {
        false
    }

    /// The layer, or its inverse, on blocks of columns of `x [n, W + 1]` at once, whose last column is a log-determinant to which it adds.
    /// `columns` are those of one block after the other. `None` if the layer has no such operation, as by default.
    fn on_blocks(&self, _x: &Tensor<2>, _columns: &[usize], _inverse: bool) -> Option<Tensor<2>> {
        None
    }

    /// The layer with its normalizations fitted to the inputs `x`. By default it stays as it is.
    #[must_use]
    fn fitted(self, _x: &Tensor<2>, _context: Option<&Tensor<2>>) -> Self {
        self
    }
}
