//! Distributions of spins ±1.

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{ConditionalLogProb, Sample};

use crate::{Autoregressive, OutputDistribution};

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
        assert_eq!(model.output(), OutputDistribution::Bernoulli, "spins need a model of bits");
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

    fn log_prob_given(&self, s: Tensor<2>, context: Option<&Tensor<2>>) -> Tensor<1> {
        self.model.log_prob_given((s + 1.0) * 0.5, context)
    }
}

impl<M: Autoregressive> Sample for Spins<M> {
    /// # Panics
    /// If the model has a context.
    fn sample(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        self.model.sample_given(n, None, noise) * 2.0 - 1.0
    }
}
