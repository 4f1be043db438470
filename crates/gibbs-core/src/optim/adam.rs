//! Adam, with decoupled weight decay.
//!
//! ```text
//! m_t = β₁·m_{t-1} + (1 - β₁)·g_t,      v_t = β₂·v_{t-1} + (1 - β₂)·g_t²,      m_0 = v_0 = 0
//! θ_t = (1 - α·λ)·θ_{t-1} - α·m̂_t/(√v̂_t + ε),      m̂_t = m_t/(1 - β₁^t),      v̂_t = v_t/(1 - β₂^t)
//! ```
//!
//! References: Kingma & Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, arXiv:1412.6980, algorithm 1; weight
//! decay λ: Loshchilov & Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, arXiv:1711.05101, algorithm 2.
//!
//! Differences from the papers: the decay is multiplied by the learning rate α. In the paper it is multiplied only by the
//! schedule of α.
//!
//! Cost: on `flex` one pass over parameters, gradients and moments, in place. Burn's Adam needs about ten passes.

use burn::config::Config;
use burn::optim::{LearningRate, Optimizer, RecordState, StateSink, StateSource};
use burn::prelude::*;
use gibbs_backend::{AdamStep, adam_step};

use crate::ConfigError;

/// Constants of Adam. The learning rate is an argument of each step.
#[derive(Config, Debug, PartialEq)]
pub struct AdamConfig {
    /// `β₁`, decay of the mean of the gradient, in [0, 1).
    #[config(default = 0.9)]
    pub beta_1: f64,
    /// `β₂`, decay of the mean of its square, in [0, 1).
    #[config(default = 0.999)]
    pub beta_2: f64,
    /// `ε`, positive. Gradients far below it give small steps.
    #[config(default = 1e-8)]
    pub epsilon: f64,
    /// `λ`, at least 0. Each step multiplies the parameters by `1 - α·λ`.
    #[config(default = 0.0)]
    pub weight_decay: f64,
}

impl AdamConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// [`ConfigError`] for the first field out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::fraction("beta_1", self.beta_1)?;
        ConfigError::fraction("beta_2", self.beta_2)?;
        let holds = self.epsilon > 0.0 && self.epsilon.is_finite();
        ConfigError::require(holds, "epsilon", self.epsilon, "must be positive and finite")?;
        ConfigError::not_negative("weight_decay", self.weight_decay)
    }

    /// Makes the optimizer of one tensor. For a whole module use `ModuleOptimizer::from(adam)`. For a module whose optimizer is
    /// saved and loaded use `gibbs_train::checkpoint::placed(adam, &device)`.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self) -> Result<Adam, ConfigError> {
        self.validate()?;
        Ok(Adam { config: self.clone() })
    }
}

/// The Adam optimizer. It stores two numbers for each parameter.
///
/// ```
/// use burn::optim::ModuleOptimizer;
/// use gibbs_core::optim::AdamConfig;
///
/// let optimizer = ModuleOptimizer::from(AdamConfig::new().with_weight_decay(1e-4).init()?);
/// # Ok::<(), gibbs_core::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Adam {
    config: AdamConfig,
}

impl Default for Adam {
    /// Adam with the constants of the paper.
    fn default() -> Self {
        Self { config: AdamConfig::new() }
    }
}

/// The state of Adam for one tensor of parameters.
#[derive(Clone, Debug)]
pub struct AdamState<const D: usize> {
    /// Number of steps done, `t`.
    pub time: usize,
    /// `m_t`, in the shape of the parameters.
    pub moment_1: Tensor<D>,
    /// `v_t`, in the shape of the parameters.
    pub moment_2: Tensor<D>,
}

impl<const D: usize> RecordState for AdamState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        out.push_scalar(prefix, "time", self.time.into());
        out.push_tensor(prefix, "moment_1", self.moment_1.to_data());
        out.push_tensor(prefix, "moment_2", self.moment_2.to_data());
    }

    fn state_unflatten(prefix: &str, source: &mut StateSource, device: &Device) -> Option<Self> {
        let time = source.take_scalar(prefix, "time")?.try_into().ok()?;
        let mut moment = |name| {
            let data = source.take_tensor(prefix, name)?;
            let dtype = data.dtype();
            Some(Tensor::from_data(data, (device, dtype)))
        };
        Some(Self { time, moment_1: moment("moment_1")?, moment_2: moment("moment_2")? })
    }
}

impl Optimizer for Adam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamState<D>>,
    ) -> (Tensor<D>, Option<AdamState<D>>) {
        let AdamState { time, moment_1, moment_2 } = state.unwrap_or_else(|| {
            let zeros = || gradient.zeros_like();
            AdamState { time: 0, moment_1: zeros(), moment_2: zeros() }
        });
        let time = time + 1;
        let AdamConfig { beta_1, beta_2, epsilon, weight_decay } = self.config;
        let [bias_1, bias_2] = [beta_1, beta_2].map(|beta| 1.0 - beta.powf(time as f64));
        let step = AdamStep {
            beta_1,
            beta_2,
            rate: rate * bias_2.sqrt() / bias_1,
            epsilon: epsilon * bias_2.sqrt(),
            keep: 1.0 - rate * weight_decay,
        };
        let (tensor, [moment_1, moment_2]) = adam_step(tensor, gradient, [moment_1, moment_2], step);
        (tensor, Some(AdamState { time, moment_1, moment_2 }))
    }

    fn to_device<const D: usize>(state: AdamState<D>, device: &Device) -> AdamState<D> {
        AdamState {
            moment_1: state.moment_1.to_device(device),
            moment_2: state.moment_2.to_device(device),
            ..state
        }
    }
}

#[cfg(test)]
#[path = "adam_tests.rs"]
mod tests;
