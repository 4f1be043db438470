//! Distributions of spins ±1.

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{ConditionalLogProb, Sample, check::require_values};

use crate::{
    Autoregressive, OutputDistribution,
    autoregressive::{log_prob_of_values, require_shapes},
};

/// A model of bits as a distribution of spins: `s = 2x - 1`.
///
/// ```
/// use burn::prelude::*;
/// use gibbs_autoregressive::{MadeConfig, Spins};
/// use gibbs_backend::Noise;
/// use gibbs_core::{LogProb, Sample, math::to_host};
///
/// let noise = &mut Noise::new(0, "example");
/// let spins = Spins::new(MadeConfig::new(16, 32.into()).init(&Device::flex(), noise)?);
/// let s = spins.sample(5, noise);
/// assert!(to_host(s.clone()).iter().all(|s| s.abs() == 1.0));
/// assert_eq!(spins.log_prob(s).dims(), [5]);
/// # Ok::<(), gibbs_autoregressive::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Spins<M> {
    model: M,
}

impl<M: Autoregressive> Spins<M> {
    /// # Panics
    /// If the variables of the model are not bits.
    pub fn new(model: M) -> Self {
        require_bits(&model);
        Self { model }
    }

    /// The model of bits.
    pub fn model(&self) -> &M {
        &self.model
    }
}

impl<M: Autoregressive> ConditionalLogProb for Spins<M> {
    fn n_context(&self) -> usize {
        self.model.n_context()
    }

    /// Waits for the device once, to check the values.
    ///
    /// # Panics
    /// If the shapes do not fit, or a spin is neither -1 nor 1.
    fn log_prob_given(&self, s: Tensor<2>, context: Option<&Tensor<2>>) -> Tensor<1> {
        require_shapes(&self.model, &s, context);
        let is_spin = |s: Tensor<2>| s.abs().equal_elem(1.0);
        require_values(self.model.name(), &s, is_spin, "-1 or 1");
        KnownSpins(&self.model).log_prob_given(s, context)
    }
}

fn require_bits(model: &impl Autoregressive) {
    assert_eq!(model.output(), &OutputDistribution::Bernoulli, "spins need a model of bits");
}

/// A model of spins that are known to be valid: nothing waits for the device, so that it can be trained.
#[derive(Debug)]
pub(crate) struct KnownSpins<'a, M>(&'a M);

impl<'a, M: Autoregressive> KnownSpins<'a, M> {
    /// # Panics
    /// If the variables of the model are not bits.
    pub(crate) fn new(model: &'a M) -> Self {
        require_bits(model);
        Self(model)
    }
}

impl<M: Autoregressive> ConditionalLogProb for KnownSpins<'_, M> {
    fn n_context(&self) -> usize {
        self.0.n_context()
    }

    fn log_prob_given(&self, s: Tensor<2>, context: Option<&Tensor<2>>) -> Tensor<1> {
        log_prob_of_values(self.0, (s + 1.0) * 0.5, context)
    }
}

impl<M: Autoregressive> Sample for Spins<M> {
    /// # Panics
    /// If the model has a context.
    fn sample(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        self.model.sample_given(n, None, noise) * 2.0 - 1.0
    }
}
