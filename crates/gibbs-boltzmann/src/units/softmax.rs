//! Units with q states, one-hot coded.

use burn::{
    module::{Module, Param},
    prelude::*,
    tensor::activation,
};
use gibbs_backend::Noise;
use gibbs_core::math::log_sum_exp_rows;

use super::{
    biased::{Biased, linear_energy, own_bias},
    traits::{EnumerableUnits, UnitMoments, Units},
};

/// Softmax (Potts) units: `width / q` sites with `q` states each, one-hot in `q` neighboring columns.
/// `E(x) = -b·x`, so `p(state k of a site | I) = softmax(b + I)_k` and `Γ(I) = Σ_sites log Σ_k exp(b + I)_k`.
#[derive(Module, Debug)]
pub struct Softmax {
    /// `b [width]`, the `q` states of the first site first.
    pub bias: Param<Tensor<1>>,
    states: usize,
}

impl Softmax {
    /// `sites` units with `states` states each and zero bias.
    ///
    /// # Panics
    /// If `states` is zero.
    pub fn new(sites: usize, states: usize, device: &Device) -> Self {
        assert!(states > 0, "a softmax unit needs at least one state");
        Self { bias: Param::from_tensor(Tensor::zeros([sites * states], device)), states }
    }

    /// One row for each site of each example, `[batch · sites, states]`.
    fn site_logits(&self, input: Tensor<2>) -> Tensor<2> {
        let [batch, width] = input.dims();
        (input + self.bias.val().unsqueeze()).reshape([batch * width / self.states, self.states])
    }
}

impl Units for Softmax {
    linear_energy!();

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn log_partition(&self, input: Tensor<2>) -> Tensor<1> {
        let batch = input.dims()[0];
        log_sum_exp_rows(self.site_logits(input))
            .reshape([batch, self.width() / self.states])
            .sum_dim(1)
            .squeeze_dim(1)
    }

    fn mean(&self, input: Tensor<2>) -> Tensor<2> {
        let shape = input.dims();
        activation::softmax(self.site_logits(input), 1).reshape(shape)
    }

    fn sample(&self, input: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        let (shape, dtype) = (input.dims(), input.dtype());
        let states = noise.categorical(self.site_logits(input));
        states.one_hot::<2>(self.states).float().cast(dtype).reshape(shape)
    }
}

impl Biased for Softmax {
    own_bias!();

    fn fitted_bias(&self, data: &UnitMoments) -> Tensor<1> {
        let n = data.n as f64;
        ((data.mean.clone() * n + 1.0) / (n + self.states as f64)).log()
    }
}

impl EnumerableUnits for Softmax {
    fn alphabet(&self) -> Option<Vec<Vec<f64>>> {
        let one_hot = |k: usize| (0..self.states).map(|j| f64::from(u8::from(j == k))).collect();
        Some((0..self.states).map(one_hot).collect())
    }
}
