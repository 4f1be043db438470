#![doc = include_str!("../README.md")]

mod base;
mod bijections;
pub mod continuous;
pub mod diffusion;
mod latent;
mod mixture;
mod recipes;
pub mod stochastic;
pub mod symplectic;
#[cfg(test)]
mod tests;
pub mod wavelets;

pub use base::Angles;
pub use bijections::*;
pub use continuous::{ContinuousFlow, ContinuousFlowConfig, FlowMatching};
pub use diffusion::{Diffusion, DiffusionConfig};
pub use gibbs_core::{
    ConfigError, ode,
    preprocess::{Dequantization, Logit, Whitening},
};
pub use latent::{
    HalfSpace, HmcSeries, Latent, LatentHmc, abs_mean, correlations, fit_to_energy, independent_proposals,
};
pub use mixture::{Mixture, MixtureChoice, MixtureConfig, MixtureFit, choose_mixture, gain_less_error};
pub use recipes::*;
pub use stochastic::{StochasticConfig, StochasticFlow};
pub use symplectic::{CanonicalConfig, CanonicalFlow};
