//! Multi-scale architecture: some variables go on, the others are latents already.
//!
//! ```text
//! x = (x_A, x_B),   z = (g(x_A), x_B),   ladj = ladj of g
//! ```
//!
//! `g` is a chain of the first variables. The other variables become latents as they are. In a flow of images half of the variables
//! leave at each scale, so the layers of coarser scales have fewer variables.
//!
//! References: Dinh, Sohl-Dickstein & Bengio, "Real NVP", ICLR 2017, arXiv:1605.08803, section 3.6 and equations 13 to 16.
//!
//! Cost: that of the chain.

use burn::{module::Module, prelude::*};
use gibbs_core::Bijection;

use super::{chain::Chain, layer_config::FlowLayer};

/// A chain of the first variables, while the others pass.
#[derive(Module, Debug)]
pub struct FactorOut<B> {
    /// The chain, which knows its number of variables.
    pub inner: Chain<B>,
}

impl<B: FlowLayer> FactorOut<B> {
    /// A chain of the first variables.
    pub fn new(inner: Chain<B>) -> Self {
        Self { inner }
    }

    /// Those that go on, and the others.
    fn split(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let ([_, width], first) = (x.dims(), self.inner.n_variables());
        (x.clone().narrow(1, 0, first), x.narrow(1, first, width - first))
    }
}

impl<B: FlowLayer> Bijection for FactorOut<B> {
    fn forward(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let (x, passing) = self.split(x);
        let (z, ladj) = self.inner.forward(x, context);
        (Tensor::cat(vec![z, passing], 1), ladj)
    }

    fn inverse(&self, z: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let (z, passing) = self.split(z);
        let (x, ladj) = self.inner.inverse(z, context);
        (Tensor::cat(vec![x, passing], 1), ladj)
    }
}

impl<B: FlowLayer> FlowLayer for FactorOut<B> {
    fn touch(&self, mut touched: Vec<bool>) -> Vec<bool> {
        let passing = touched.split_off(self.inner.n_variables());
        [self.inner.touch(touched), passing].concat()
    }

    fn has_coupling(&self) -> bool {
        self.inner.layers.iter().any(FlowLayer::has_coupling)
    }

    fn fitted(self, x: &Tensor<2>, context: Option<&Tensor<2>>) -> Self {
        let (x, _) = self.split(x.clone());
        Self { inner: self.inner.fitted(x, context) }
    }
}
