//! The inverse of a bijection.

use burn::{module::Module, prelude::*};
use gibbs_core::Bijection;

/// The inverse of a bijection. The inverse of an autoregressive layer is an inverse autoregressive flow, which is fast to sample.
#[derive(Module, Debug)]
pub struct Inverse<B> {
    /// What is inverted.
    pub inner: B,
}

impl<B: Bijection> Inverse<B> {
    /// The inverse of `inner`.
    pub fn of(inner: B) -> Self {
        Self { inner }
    }
}

impl<B: Bijection> Bijection for Inverse<B> {
    fn forward(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        self.inner.inverse(x, context)
    }

    fn inverse(&self, z: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        self.inner.forward(z, context)
    }
}
