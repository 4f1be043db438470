//! Units in {-1, +1}.

use burn::{
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::{Noise, softplus, tanh};

use super::{Moments, Units, batch_mean, derived, dot_rows, lerp, zeros_like};

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
    fn width(&self) -> usize {
        self.bias.dims()[0]
    }

    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        dot_rows(x, self.bias.val()).neg()
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

    fn interpolate(&self, other: &Self, t: f64) -> Self {
        Self { bias: derived(lerp(self.bias.val(), other.bias.val(), t)) }
    }

    /// `b = atanh(mean) = ½ log(p / (1-p))` with `p = (1 + mean) / 2`.
    fn fitted(&self, data: &Moments) -> Self {
        let n = data.n as f64;
        let p = ((data.mean.clone() + 1.0) * (0.5 * n) + 1.0) / (n + 2.0);
        Self { bias: derived((p.clone().log() - (-p + 1.0).log()) * 0.5) }
    }

    fn neutral(&self) -> Self {
        Self { bias: derived(zeros_like(&self.bias)) }
    }

    fn parameters(&self) -> Vec<&Param<Tensor<1>>> {
        vec![&self.bias]
    }

    fn statistics(&self, x: Tensor<2>) -> Vec<Tensor<1>> {
        vec![batch_mean(x)]
    }

    fn alphabet(&self) -> Option<Vec<Vec<f64>>> {
        Some(vec![vec![-1.0], vec![1.0]])
    }
}
