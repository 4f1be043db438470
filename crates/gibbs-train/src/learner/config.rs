//! Settings of a learner.

use burn::optim::{ModuleOptimizer, SgdConfig, momentum::MomentumConfig};
use burn::tensor::Device;
use gibbs_core::ConfigError;
use gibbs_core::optim::{AdamConfig, ConjugateGradient, Lbfgs};
use serde::{Deserialize, Serialize};

use crate::checkpoint::placed;
use crate::clip::Clip;
use crate::schedule::Schedule;

/// The optimizer. In JSON an object with a `kind`, such as `{"kind": "adam"}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum OptimizerConfig {
    /// Stochastic gradient descent.
    Sgd {
        /// Momentum in \[0, 1). It changes only at the start of an epoch.
        #[serde(default = "no_momentum")]
        momentum: Schedule,
    },
    /// [Adam](AdamConfig) with the constants of its paper.
    Adam {
        /// Decoupled weight decay, at least 0.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Nonlinear [conjugate gradients](ConjugateGradient): line searches on each batch. Ignores the learning rate.
    ConjugateGradient {
        /// Number of line searches per batch, at least 1.
        #[serde(default = "few_searches")]
        searches: usize,
    },
    /// [L-BFGS](Lbfgs): line searches on each batch. Ignores the learning rate.
    Lbfgs {
        /// Number of line searches per batch, at least 1.
        #[serde(default = "few_searches")]
        searches: usize,
    },
}

fn no_momentum() -> Schedule {
    Schedule::constant(0.0)
}

/// The number of Hinton & Salakhutdinov, Science 313:504 (2006), doi:10.1126/science.1127647, supporting material.
fn few_searches() -> usize {
    3
}

impl OptimizerConfig {
    /// Stochastic gradient descent without momentum.
    pub fn sgd() -> Self {
        Self::Sgd { momentum: no_momentum() }
    }

    /// Adam without weight decay.
    pub fn adam() -> Self {
        Self::Adam { weight_decay: 0.0 }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`ConfigError`] for the first field out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        match self {
            Self::Sgd { momentum } => {
                momentum.check("momentum", |value| (0.0..1.0).contains(&value), "must lie in [0, 1)")
            }
            Self::Adam { weight_decay } => AdamConfig::new().with_weight_decay(*weight_decay).validate(),
            Self::ConjugateGradient { searches } => {
                ConjugateGradient::new().with_searches(*searches).validate()
            }
            Self::Lbfgs { searches } => Lbfgs::new().with_searches(*searches).validate(),
        }
    }

    /// Makes the optimizer. `None` for methods that use line searches.
    pub(super) fn build(
        &self,
        momentum: f64,
        device: &Device,
    ) -> Result<Option<ModuleOptimizer>, ConfigError> {
        Ok(Some(match self {
            Self::Sgd { .. } if momentum > 0.0 => {
                let momentum = MomentumConfig::new().with_momentum(momentum).with_dampening(0.0);
                placed(SgdConfig::new().with_momentum(Some(momentum)).build(), device)
            }
            Self::Sgd { .. } => placed(SgdConfig::new().build(), device),
            Self::Adam { weight_decay } => {
                placed(AdamConfig::new().with_weight_decay(*weight_decay).init()?, device)
            }
            Self::ConjugateGradient { .. } | Self::Lbfgs { .. } => return Ok(None),
        }))
    }
}

/// A moving average of the weights ([`WeightAverage`](crate::average::WeightAverage)). A run with an average measures and saves
/// the averaged model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AverageConfig {
    /// Decay at each update, in \[0, 1). 0: no averaging.
    pub decay: f64,
    /// Number of steps between two updates, at least 1.
    pub every: usize,
}

impl AverageConfig {
    /// No averaging.
    pub const OFF: Self = Self { decay: 0.0, every: 1 };

    /// Checks every field.
    ///
    /// # Errors
    /// [`ConfigError`] for the first field out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::fraction("decay", self.decay)?;
        ConfigError::at_least("every", self.every, 1)
    }
}

/// Settings of a [`Learner`](super::Learner). Use `#[serde(flatten)]` to include them in the `train` section of a
/// configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LearnerConfig {
    /// Learning rate for gradients averaged over the batch, at least 0.
    pub learning_rate: Schedule,
    /// The optimizer.
    pub optimizer: OptimizerConfig,
    /// Moving average of the weights.
    pub average: AverageConfig,
    /// Gradient clipping.
    pub clip: Clip,
}

impl LearnerConfig {
    /// Gradient descent without momentum, without averaging or clipping.
    pub fn sgd(learning_rate: impl Into<Schedule>) -> Self {
        Self { optimizer: OptimizerConfig::sgd(), ..Self::adam(learning_rate) }
    }

    /// Adam without averaging and without clipping.
    pub fn adam(learning_rate: impl Into<Schedule>) -> Self {
        Self {
            learning_rate: learning_rate.into(),
            optimizer: OptimizerConfig::adam(),
            average: AverageConfig::OFF,
            clip: Clip::None,
        }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`ConfigError`] for the first field out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.learning_rate.check("learning_rate", |rate| rate >= 0.0, "must not be negative")?;
        self.optimizer.validate().map_err(|error| error.within("optimizer"))?;
        self.average.validate().map_err(|error| error.within("average"))
    }
}
