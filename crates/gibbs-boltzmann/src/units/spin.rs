//! Units in {-1, +1}.

use burn::{
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::{Noise, softplus, tanh};

use super::{
    biased::{Biased, linear_energy, own_bias},
    traits::{EnumerableUnits, UnitMoments, Units},
};

/// Spins: `E(s) = -b·s`, `s ∈ {-1, +1}`, so `E[s | I] = tanh(b + I)` and `Γ(I) = Σ log 2cosh(b + I)`.
#[derive(Module, Debug)]
pub struct Spin {
    /// `b [width]`.
    pub bias: Param<Tensor<1>>,
}

impl Spin {
    /// Spins with zero bias.
    pub fn new(width: usize, device: &Device) -> Self {
        Self { bias: Param::from_tensor(Tensor::zeros([width], device)) }
    }

    fn field(&self, input: Tensor<2>) -> Tensor<2> {
        input + self.bias.val().unsqueeze()
    }
}

impl Units for Spin {
    linear_energy!();

    fn range(&self) -> (f64, f64) {
        (-1.0, 1.0)
    }

    /// `log 2cosh(y) = softplus(2y) - y`.
    fn log_partition(&self, input: Tensor<2>) -> Tensor<1> {
        let field = self.field(input);
        (softplus(field.clone() * 2.0) - field).sum_dim(1).squeeze_dim(1)
    }

    fn mean(&self, input: Tensor<2>) -> Tensor<2> {
        tanh(self.field(input))
    }

    fn sample(&self, input: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        noise.bernoulli_logits(self.field(input) * 2.0) * 2.0 - 1.0
    }
}

impl Biased for Spin {
    own_bias!();

    /// `b = atanh(mean) = ½ log(p / (1-p))` with `p = (1 + mean) / 2`.
    fn fitted_bias(&self, data: &UnitMoments) -> Tensor<1> {
        let n = data.n as f64;
        let p = ((data.mean.clone() + 1.0) * (0.5 * n) + 1.0) / (n + 2.0);
        (p.clone().log() - (-p + 1.0).log()) * 0.5
    }
}

impl EnumerableUnits for Spin {
    fn alphabet(&self) -> Option<Vec<Vec<f64>>> {
        Some(vec![vec![-1.0], vec![1.0]])
    }
}
