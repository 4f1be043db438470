//! Units in {0, 1}.

use burn::{
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::{Noise, sigmoid, softplus};

use super::{Moments, Units, batch_mean, derived, dot_rows, lerp, zeros_like};

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
    fn width(&self) -> usize {
        self.bias.dims()[0]
    }

    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        dot_rows(x, self.bias.val()).neg()
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

    fn interpolate(&self, other: &Self, t: f64) -> Self {
        Self { bias: derived(lerp(self.bias.val(), other.bias.val(), t)) }
    }

    fn fitted(&self, data: &Moments) -> Self {
        let n = data.n as f64;
        let p = (data.mean.clone() * n + 1.0) / (n + 2.0);
        Self { bias: derived(p.clone().log() - (-p + 1.0).log()) }
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
        Some(vec![vec![0.0], vec![1.0]])
    }
}
