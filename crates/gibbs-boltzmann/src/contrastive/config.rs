//! Settings of contrastive divergence.

use burn::config::Config;
use gibbs_core::ConfigError;
use serde::{Deserialize, Serialize};

/// Where the chains of the negative phase start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chains {
    /// At the data in each step: CD-k.
    Data,
    /// Where they ended in the step before: PCD.
    Persistent,
    /// Where they ended in the step before, with replicas at higher temperatures: PCD with parallel tempering.
    Tempered,
}

/// Whether the hidden units enter the statistics as conditional means or as samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistics {
    /// Conditional means: less noise (Hinton's guide, section 3.3).
    Mean,
    /// Samples, as in the maximum-likelihood formula before the hidden units are summed out.
    Sampled,
}

/// Settings of the objective.
#[derive(Config, Debug, PartialEq)]
pub struct ContrastiveConfig {
    /// Where the chains start.
    #[config(default = "Chains::Persistent")]
    pub chains: Chains,
    /// Gibbs sweeps in each step; at least 1 (25 in Salakhutdinov & Murray 2008).
    #[config(default = 1)]
    pub sweeps: usize,
    /// Number of persistent or tempered chains; at least 1 (100 in Tieleman 2008).
    #[config(default = 100)]
    pub n_chains: usize,
    /// Inverse temperatures of the ladder of tempered chains, evenly spaced from 0 to 1; at least 2.
    #[config(default = 10)]
    pub temperatures: usize,
    /// How hidden units enter the statistics.
    #[config(default = "Statistics::Mean")]
    pub statistics: Statistics,
    /// Sample the reconstructions (true), or use their means (false, mean-field CD).
    #[config(default = true)]
    pub sample_visible: bool,
    /// Subtract moving averages from both layers' states before they are correlated.
    #[config(default = false)]
    pub centered: bool,
    /// Weight of a new batch in the moving averages of centering; in (0, 1] (0.01 in Melchior et al. 2016).
    #[config(default = 0.01)]
    pub centering_rate: f64,
    /// Strength of the penalty `λ Σ |W|`.
    #[config(default = 0.0)]
    pub l1: f64,
    /// Strength of the penalty `λ/2 Σ W²`.
    #[config(default = 0.0)]
    pub l2: f64,
    /// Strength of the pull of the mean hidden activity towards `sparsity_target`.
    #[config(default = 0.0)]
    pub sparsity: f64,
    /// Wanted mean activity (0.01 to 0.1 in Hinton's guide, section 11).
    #[config(default = 0.1)]
    pub sparsity_target: f64,
    /// Decay of the moving average of hidden activity (0.9 to 0.99 in Hinton's guide).
    #[config(default = 0.95)]
    pub sparsity_decay: f64,
}

impl ContrastiveConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("sweeps", self.sweeps, 1)?;
        ConfigError::at_least("n_chains", self.n_chains, 1)?;
        ConfigError::at_least("temperatures", self.temperatures, 2)?;
        ConfigError::not_negative("l1", self.l1)?;
        ConfigError::not_negative("l2", self.l2)?;
        ConfigError::not_negative("sparsity", self.sparsity)?;
        let rate = self.centering_rate;
        ConfigError::require(rate > 0.0 && rate <= 1.0, "centering_rate", rate, "must lie in (0, 1]")?;
        ConfigError::fraction("sparsity_decay", self.sparsity_decay)?;
        let target = self.sparsity_target;
        ConfigError::require(target.is_finite(), "sparsity_target", target, "must be finite")
    }

    /// The inverse temperatures of tempered chains.
    pub(super) fn betas(&self) -> Vec<f64> {
        let last = (self.temperatures - 1) as f64;
        (0..self.temperatures).map(|i| i as f64 / last).collect()
    }
}
