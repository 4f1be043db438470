//! Binary units and one softmax unit for a label.

use burn::{
    module::{Module, Param},
    prelude::*,
    tensor::activation,
};
use gibbs_backend::{Noise, sigmoid, softplus};
use gibbs_core::math::log_sum_exp_rows;

use super::{
    biased::{Biased, linear_energy, own_bias},
    traits::{EnumerableUnits, UnitMoments, Units, rows_like},
};

/// `n` binary units and, in the last `q` columns, one softmax unit that holds a label: `E(x) = -b·x`,
///
/// ```text
/// p(x_i = 1 | I) = σ(b_i + I_i),  i ≤ n;      p(label k | I) = softmax(b + I)_{n+k}
/// Γ(I) = Σ_{i ≤ n} softplus(b_i + I_i) + log Σ_k exp(b + I)_{n+k}
/// ```
///
/// (Hinton, Osindero & Teh, Neural Computation 18:1527, 2006, figure 1: the top layer of their network.)
#[derive(Module, Debug)]
pub struct Labeled {
    /// `b [n + q]`.
    pub bias: Param<Tensor<1>>,
    classes: usize,
}

impl Labeled {
    /// `n` binary units and a label of `classes` states, with zero biases.
    ///
    /// # Panics
    /// If `classes` is zero.
    pub fn new(n: usize, classes: usize, device: &Device) -> Self {
        assert!(classes > 0, "a label needs at least one state");
        Self { bias: Param::from_tensor(Tensor::zeros([n + classes], device)), classes }
    }

    /// Number of states of the label.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Number of binary units.
    pub fn n_binary(&self) -> usize {
        self.width() - self.classes
    }

    /// The columns of the binary units and those of the label.
    fn split(&self, x: Tensor<2>) -> [Tensor<2>; 2] {
        let n = self.n_binary();
        [x.clone().narrow(1, 0, n), x.narrow(1, n, self.classes)]
    }

    fn logits(&self, input: Tensor<2>) -> [Tensor<2>; 2] {
        self.split(input + self.bias.val().unsqueeze())
    }

    fn one_hot(&self, label: Tensor<1, Int>, like: &Tensor<2>) -> Tensor<2> {
        label.one_hot::<2>(self.classes).float().cast(like.dtype())
    }
}

impl Units for Labeled {
    linear_energy!();

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn log_partition(&self, input: Tensor<2>) -> Tensor<1> {
        let [binary, label] = self.logits(input);
        softplus(binary).sum_dim(1).squeeze_dim(1) + log_sum_exp_rows(label)
    }

    fn mean(&self, input: Tensor<2>) -> Tensor<2> {
        let [binary, label] = self.logits(input);
        Tensor::cat(vec![sigmoid(binary), activation::softmax(label, 1)], 1)
    }

    fn sample(&self, input: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        let [binary, label] = self.logits(input);
        let label = self.one_hot(noise.categorical(label), &binary);
        Tensor::cat(vec![noise.bernoulli_logits(binary), label], 1)
    }
}

impl Biased for Labeled {
    own_bias!();

    fn fitted_bias(&self, data: &UnitMoments) -> Tensor<1> {
        let n = data.n as f64;
        let [binary, label] = self.split(data.mean.clone().unsqueeze());
        let on = (binary * n + 1.0) / (n + 2.0);
        let binary = on.clone().log() - (-on + 1.0).log();
        let label = ((label * n + 1.0) / (n + self.classes as f64)).log();
        Tensor::cat(vec![binary, label], 1).squeeze_dim(0)
    }
}

impl EnumerableUnits for Labeled {
    /// The two kinds of units have no common alphabet.
    fn alphabet(&self) -> Option<Vec<Vec<f64>>> {
        None
    }

    fn n_states(&self) -> Option<u64> {
        let binary = 1_u64.checked_shl(u32::try_from(self.n_binary()).ok()?)?;
        binary.checked_mul(self.classes as u64).filter(|n| *n <= i64::MAX as u64)
    }

    /// The first binary unit changes fastest, the label slowest.
    fn states(&self, first: u64, n: usize) -> Tensor<2> {
        let binary = self.n_binary();
        let bit = |yes: bool| f64::from(u8::from(yes));
        let values: Vec<f64> = (first..first + n as u64)
            .flat_map(|state| {
                let label = (state >> binary) as usize;
                let binary = (0..binary).map(move |i| bit(state >> i & 1 == 1));
                binary.chain((0..self.classes).map(move |k| bit(k == label)))
            })
            .collect();
        rows_like(&self.bias.val(), values)
    }
}
