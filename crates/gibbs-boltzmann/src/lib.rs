#![doc = include_str!("../README.md")]

pub mod ais;
pub mod chain;
pub mod contrastive;
pub mod dbn;
pub mod exact;
#[cfg(test)]
mod fixtures;
pub mod pseudo_likelihood;
pub mod rbm;
pub mod tempering;
#[cfg(test)]
mod tests;
pub mod units;

pub use chain::{Clamp, GibbsChain};
pub use contrastive::{Chains, Contrastive, ContrastiveConfig, Statistics};
pub use dbn::{Dbn, StackError, UpDown, UpDownConfig};
pub use pseudo_likelihood::log_pseudo_likelihood;
pub use rbm::{AnyRbm, ConfigError, Rbm, RbmConfig};
pub use tempering::ParallelTempering;
