//! Maximum likelihood with the gradient from Monte Carlo.

use gibbs_backend::Noise;
use gibbs_backend::parallel::*;
use gibbs_core::ConfigError;
use serde::{Deserialize, Serialize};

use super::{IterativeEstimator, Moments, Samples, centered::Centered};
use crate::{
    Pairwise, PhysicsError,
    error::positive,
    monte_carlo::{Chain, Rule, Sweep},
};

/// Length and rate of the ascent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChainsConfig {
    /// Independent chains, each a row of the model's samples.
    pub chains: usize,
    /// Heat-bath sweeps of each before a step.
    pub sweeps: usize,
    /// Steps of the whole ascent. They set when the rate falls and when the average begins.
    pub steps: usize,
    /// First learning rate, in Newton steps of free spins. Strong couplings, such as those at a critical point, need less.
    pub learning_rate: f64,
}

impl Default for ChainsConfig {
    fn default() -> Self {
        Self { chains: 1000, sweeps: 1, steps: 2000, learning_rate: 0.2 }
    }
}

impl ChainsConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        for (name, value) in [("chains", self.chains), ("sweeps", self.sweeps), ("steps", self.steps)] {
            ConfigError::at_least(name, value, 1)?;
        }
        positive("learning_rate", self.learning_rate).map(|_| ())
    }
}

/// Stochastic approximation with persistent heat-bath chains,
///
/// ```text
/// θ <- θ + a_t F⁻¹ (⟨features⟩_data - ⟨features⟩_chains),   a_t = a (1 + 4t/T)^{-2/3}
/// ```
///
/// in centered parameters, with the Fisher information `F` of free spins. The chains follow the slowly changing model. The
/// estimate is the mean of `θ` over the second half of the `T` steps.
///
/// References: Younes, Stochastics 65:177 (1999), doi:10.1080/17442509908834179, for persistent chains; Polyak & Juditsky, SIAM
/// J. Control Optim. 30:838 (1992), doi:10.1137/0330046, for the mean, which allows any rate between `t^{-1/2}` and `t^{-1}`.
///
/// Cost: `chains · sweeps · n²` a step.
#[derive(Clone, Debug)]
pub struct PersistentChains {
    config: ChainsConfig,
    centered: Centered,
    scale: Vec<f64>,
    state: ChainsState,
}

/// The state of [`PersistentChains`] between steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChainsState {
    /// Steps done.
    pub steps: usize,
    /// `θ`: fields, then couplings of pairs, `[n (n + 1) / 2]`, in centered parameters.
    pub parameters: Vec<f64>,
    /// Mean of `θ` over the averaged steps.
    pub average: Vec<f64>,
    /// Mean of the gradient over the same steps.
    pub gradient: Vec<f64>,
    /// Spins of each chain, and its noise.
    pub chains: Vec<(Vec<i8>, Noise)>,
}

impl PersistentChains {
    /// Starts at free spins with the means of the data, and draws the chains from them. Chain `c` uses the child `c` of `noise`.
    ///
    /// # Errors
    /// If a spin never flips, or the configuration is out of range.
    pub fn new(moments: Moments, config: ChainsConfig, noise: &Noise) -> Result<Self, PhysicsError> {
        config.validate()?;
        let centered = Centered::new(moments)?;
        let draw = |c: usize| {
            let mut noise = noise.child(c.to_string());
            let up = |m: &f64| if 2.0 * noise.next_uniform() < 1.0 + m { 1 } else { -1 };
            let spins = centered.moments.means.iter().map(up).collect();
            (spins, noise)
        };
        let chains = (0..config.chains).map(draw).collect();
        let (parameters, scale) = (centered.start(), centered.scale());
        let zeros = vec![0.0; scale.len()];
        let state = ChainsState { steps: 0, parameters, average: zeros.clone(), gradient: zeros, chains };
        Ok(Self { config, centered, scale, state })
    }

    /// The current state.
    pub fn state(&self) -> &ChainsState {
        &self.state
    }

    /// Continues from a state.
    ///
    /// # Panics
    /// If the state is of another number of spins or chains.
    pub fn set_state(&mut self, state: ChainsState) {
        assert_eq!(state.parameters.len(), self.scale.len(), "a state of as many spins");
        assert_eq!(state.chains.len(), self.config.chains, "a state of as many chains");
        self.state = state;
    }

    /// Steps of the mean so far.
    fn averaged(&self) -> usize {
        self.state.steps.saturating_sub(self.config.steps / 2)
    }
}

impl IterativeEstimator for PersistentChains {
    /// Takes one step. Returns the mean gradient over the averaged steps; before these, the gradient of the step.
    fn step(&mut self) -> Result<f64, PhysicsError> {
        let n = self.centered.moments.n_spins();
        let model = self.centered.couplings(&self.state.parameters)?;
        let chain = Sweep::new(&model, 1.0, Rule::HeatBath)?;
        self.state.chains.par_iter_mut().for_each(|(spins, noise)| {
            *spins = chain.run(std::mem::take(spins), self.config.sweeps, noise);
        });
        let rows: Vec<i8> = self.state.chains.iter().flat_map(|(spins, _)| spins.iter().copied()).collect();
        let model = Samples::new(&rows, n)?.moments();
        let gradient = self.centered.gradient(&model.means, &model.correlations);

        let progress = self.state.steps as f64 / self.config.steps as f64;
        let rate = self.config.learning_rate * (1.0 + 4.0 * progress).powf(-2.0 / 3.0);
        for ((x, g), scale) in self.state.parameters.iter_mut().zip(&gradient).zip(&self.scale) {
            *x += rate * g / scale;
        }
        self.state.steps += 1;
        let share = 1.0 / self.averaged().max(1) as f64;
        let pairs =
            [(&mut self.state.average, &self.state.parameters), (&mut self.state.gradient, &gradient)];
        for (mean, now) in pairs {
            mean.iter_mut().zip(now).for_each(|(mean, now)| *mean += share * (now - *mean));
        }
        let squares = self.state.gradient.iter().zip(&self.scale).map(|(g, scale)| g * g / scale);
        Ok((squares.sum::<f64>() / self.scale.len() as f64).sqrt())
    }

    fn couplings(&self) -> Result<Pairwise, PhysicsError> {
        self.centered.couplings(&self.state.average)
    }
}
