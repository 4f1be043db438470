//! Multi-scale architecture: some variables go on, the others have reached the base.
//!
//! ```text
//! x = (x_A, x_B),   z = (g(x_A), x_B),   ladj = ladj of g
//! ```
//!
//! with a chain `g` of the first variables. What passes is kept as it is among the latents, so that nothing is lost: half of the
//! variables of a picture stop at a coarser and coarser scale, and the finer layers are spared them.
//!
//! References: Dinh, Sohl-Dickstein & Bengio, "Real NVP", ICLR 2017, arXiv:1605.08803, section 3.6 and equations 13 to 16.
//!
//! Cost: that of the chain.

use burn::{module::Module, prelude::*};
use gibbs_core::Bijection;

use crate::Flow;

/// A chain of the first variables, while the others pass.
#[derive(Module, Debug)]
pub struct FactorOut {
    /// The chain, which knows its number of variables.
    pub inner: Flow,
}

impl FactorOut {
    /// With this chain.
    pub fn new(inner: Flow) -> Self {
        Self { inner }
    }

    /// Those that go on, and the others.
    fn split(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let ([_, width], first) = (x.dims(), self.inner.n_variables());
        (x.clone().narrow(1, 0, first), x.narrow(1, first, width - first))
    }

    /// With the normalizations of its chain fitted, see [`Flow::fitted`].
    #[must_use]
    pub(crate) fn fitted(self, x: &Tensor<2>, context: Option<&Tensor<2>>) -> Self {
        let (x, _) = self.split(x.clone());
        Self { inner: self.inner.fitted(x, context) }
    }
}

impl Bijection for FactorOut {
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
