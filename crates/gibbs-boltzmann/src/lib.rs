#![doc = include_str!("../README.md")]

pub mod ais;
mod chain;
mod contrastive;
pub mod exact;
#[cfg(test)]
mod fixtures;
mod pseudo_likelihood;
mod rbm;
mod tempering;
#[cfg(test)]
mod tests;
pub mod units;

pub use chain::{Clamp, GibbsChain};
pub use contrastive::{Chains, Contrastive, ContrastiveConfig, Statistics};
pub use pseudo_likelihood::log_pseudo_likelihood;
pub use rbm::{ConfigError, Rbm, RbmConfig};
pub use tempering::ParallelTempering;
