#![doc = include_str!("../README.md")]

mod bijections;
pub mod continuous;
mod latent;
mod recipes;
#[cfg(test)]
mod tests;

pub use bijections::*;
pub use continuous::{ContinuousFlow, ContinuousFlowConfig, FlowMatching};
pub use gibbs_core::{
    ConfigError, ode,
    preprocess::{Dequantization, Logit, Whitening},
};
pub use latent::{HmcSeries, Latent, LatentHmc, abs_mean, fit_to_energy, independent_proposals};
pub use recipes::*;
