//! Spins ±1 by a model of bits.

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{LogProb, Sample};

use crate::{Autoregressive, Conditional};

/// A model of bits as a law of spins: `s = 2x - 1`.
///
/// ```
/// use burn::prelude::*;
/// use gibbs_autoregressive::{MadeConfig, Spins};
/// use gibbs_backend::Noise;
/// use gibbs_core::{LogProb, Sample, math::to_host};
///
/// let noise = &mut Noise::new(0, "example");
/// let spins = Spins::new(MadeConfig::new(16, vec![32]).init(&Device::flex(), noise)?);
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
    /// If the model is not one of bits, or has a context.
    pub fn new(model: M) -> Self {
        assert_eq!(model.conditional(), Conditional::Bernoulli, "spins are made of bits");
        assert_eq!(model.n_context(), 0, "a law of spins has no context");
        Self { model }
    }

    /// The model of bits.
    pub fn model(&self) -> &M {
        &self.model
    }
}

impl<M: Autoregressive> LogProb for Spins<M> {
    fn log_prob(&self, s: Tensor<2>) -> Tensor<1> {
        self.model.log_prob_given((s + 1.0) * 0.5, None)
    }
}

impl<M: Autoregressive> Sample for Spins<M> {
    fn sample(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        self.model.sample_given(n, None, noise) * 2.0 - 1.0
    }
}
