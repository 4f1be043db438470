//! The stochastic layers of a flow by their settings.

use burn::config::Config;
use gibbs_core::ConfigError;
use serde::{Deserialize, Serialize};

use super::{Kernel, StochasticFlow, StochasticLayer};
use crate::Flow;

/// Which Markov chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KernelKind {
    /// Metropolis random walk.
    Metropolis,
    /// Hamiltonian Monte Carlo.
    Hmc,
    /// Overdamped Langevin equation without rejections.
    Langevin,
}

/// Stochastic layers at equal distances in a flow. Layer `k` of `K` stands behind `k/K` of the invertible layers, counted from the
/// base, and samples the density at `λ = k/K`.
#[derive(Config, Debug, PartialEq)]
pub struct StochasticConfig {
    /// Number of stochastic layers `K`; 0 leaves the flow alone.
    pub n_layers: usize,
    /// The Markov chain of each layer: metropolis, hmc, langevin.
    pub kernel: KernelKind,
    /// Steps of the chain in each layer, or trajectories of hmc, at least 1.
    pub steps: usize,
    /// Standard deviation of a proposal (metropolis), size of a leapfrog step (hmc), or of a step in time (langevin), above 0.
    pub step_size: f64,
    /// Leapfrog steps of a trajectory of hmc, at least 1.
    #[config(default = 5)]
    pub leapfrog: usize,
}

impl StochasticConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("steps", self.steps, 1)?;
        ConfigError::at_least("leapfrog", self.leapfrog, 1)?;
        let holds = self.step_size.is_finite() && self.step_size > 0.0;
        ConfigError::require(holds, "step_size", self.step_size, "must be finite and above 0")
    }

    /// The chain of one layer.
    pub fn kernel(&self) -> Kernel {
        let Self { steps, step_size, leapfrog, .. } = *self;
        match self.kernel {
            KernelKind::Metropolis => Kernel::Metropolis { step_size, steps },
            KernelKind::Hmc => Kernel::Hmc { step_size, leapfrog, steps },
            KernelKind::Langevin => Kernel::Langevin { step_size, steps },
        }
    }

    /// The layers in a flow of `depth` invertible layers.
    pub fn layers(&self, depth: usize) -> Vec<StochasticLayer> {
        let layer = |k: usize| StochasticLayer {
            kernel: self.kernel(),
            lambda: k as f64 / self.n_layers as f64,
            after: (2 * k * depth + self.n_layers) / (2 * self.n_layers),
        };
        (1..=self.n_layers).map(layer).collect()
    }

    /// `flow` with these layers.
    ///
    /// # Errors
    /// If a field is out of range, or the flow has a context, or a base that is not standard normal.
    pub fn init(&self, flow: Flow) -> Result<StochasticFlow, ConfigError> {
        self.validate()?;
        let layers = self.layers(flow.layers.len());
        StochasticFlow::new(flow, layers)
    }
}
