//! Settings of contrastive divergence.

use burn::config::Config;
use serde::{Deserialize, Serialize};

use super::Contrastive;
use crate::{
    rbm::{ConfigError, Rbm},
    units::Units,
};

/// Where the chains of the negative phase start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chains {
    /// At the data, anew in each step: CD-k.
    Data,
    /// Where they ended in the step before: PCD.
    Persistent,
    /// As persistent ones, with replicas at higher temperatures: PCD with parallel tempering.
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
        let counts = [("sweeps", self.sweeps, 1), ("n_chains", self.n_chains, 1)];
        for (field, value, least) in counts.into_iter().chain([("temperatures", self.temperatures, 2)]) {
            if value < least {
                return Err(ConfigError::new(field, value, format!("must be at least {least}")));
            }
        }
        for (field, value) in [("l1", self.l1), ("l2", self.l2), ("sparsity", self.sparsity)] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(ConfigError::new(field, value, "must be finite and not negative"));
            }
        }
        if !(self.centering_rate > 0.0 && self.centering_rate <= 1.0) {
            return Err(ConfigError::new("centering_rate", self.centering_rate, "must lie in (0, 1]"));
        }
        if !(0.0..1.0).contains(&self.sparsity_decay) {
            return Err(ConfigError::new("sparsity_decay", self.sparsity_decay, "must lie in [0, 1)"));
        }
        if !self.sparsity_target.is_finite() {
            return Err(ConfigError::new("sparsity_target", self.sparsity_target, "must be finite"));
        }
        Ok(())
    }

    /// The objective for machines with these units, before its first step.
    ///
    /// `base` is where tempered chains come from; fit it to the data ([`Units::fitted`]).
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails, or centering is asked of units without a linear bias.
    pub fn init<V: Units, H: Units>(&self, rbm: &Rbm<V, H>, base: V) -> Result<Contrastive<V>, ConfigError> {
        self.validate()?;
        if self.centered && !(rbm.visible.has_linear_bias() && rbm.hidden.has_linear_bias()) {
            return Err(ConfigError::new(
                "centered",
                true,
                "needs units with a linear bias; Gaussian units have none",
            ));
        }
        Ok(Contrastive::new(self.clone(), base))
    }
}
