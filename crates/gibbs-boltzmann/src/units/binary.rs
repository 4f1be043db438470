//! Units in {0, 1}.

use burn::{
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::{Noise, sigmoid, softplus};

use super::{
    biased::{Biased, linear_energy, own_bias},
    traits::{EnumerableUnits, UnitMoments, Units},
};

/// Binary units: `E(x) = -b·x`, `x ∈ {0, 1}`, so `p(x = 1 | I) = σ(b + I)` and `Γ(I) = Σ softplus(b + I)`.
#[derive(Module, Debug)]
pub struct Binary {
    /// `b [width]`.
    pub bias: Param<Tensor<1>>,
}

impl Binary {
    /// Units with zero bias.
    pub fn new(width: usize, device: &Device) -> Self {
        Self { bias: Param::from_tensor(Tensor::zeros([width], device)) }
    }

    fn logits(&self, input: Tensor<2>) -> Tensor<2> {
        input + self.bias.val().unsqueeze()
    }
}

impl Units for Binary {
    linear_energy!();

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn log_partition(&self, input: Tensor<2>) -> Tensor<1> {
        softplus(self.logits(input)).sum_dim(1).squeeze_dim(1)
    }

    fn mean(&self, input: Tensor<2>) -> Tensor<2> {
        sigmoid(self.logits(input))
    }

    fn sample(&self, input: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        noise.bernoulli_logits(self.logits(input))
    }
}

impl Biased for Binary {
    own_bias!();

    fn fitted_bias(&self, data: &UnitMoments) -> Tensor<1> {
        let n = data.n as f64;
        let p = (data.mean.clone() * n + 1.0) / (n + 2.0);
        p.clone().log() - (-p + 1.0).log()
    }
}

impl EnumerableUnits for Binary {
    fn alphabet(&self) -> Option<Vec<Vec<f64>>> {
        Some(vec![vec![0.0], vec![1.0]])
    }
}
