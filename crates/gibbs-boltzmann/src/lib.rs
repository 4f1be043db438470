#![doc = include_str!("../README.md")]

pub mod ais;
pub mod bm;
pub mod chain;
pub mod contrastive;
pub mod dbm;
pub mod dbn;
pub mod exact;
#[cfg(test)]
mod fixtures;
pub mod greedy;
pub mod hopfield;
mod preprocessor;
pub mod pseudo_likelihood;
pub mod rbm;
pub mod spectrum;
pub mod tap;
pub mod tempering;
#[cfg(test)]
mod tests;
pub mod units;

pub use ais::{AisProtocol, Bracket, ReverseStart};
pub use bm::{BmConfig, BoltzmannMachine};
pub use chain::{Clamp, GibbsChain};
pub use contrastive::{Chains, Contrastive, ContrastiveConfig, Statistics};
pub use dbm::{Dbm, DbmConfig, DeepContrastive, DoubledLayer, PosteriorProtocol};
pub use dbn::{ClassifierCrossEntropy, Dbn, DbnConfig, StackError, UpDown, UpDownConfig};
pub use gibbs_core::ConfigError;
pub use greedy::{LayerConfig, LayerObjective, LayerStart, Upward};
pub use preprocessor::VisiblePreprocessor;
pub use pseudo_likelihood::log_pseudo_likelihood;
pub use rbm::{AnyRbm, Rbm, RbmConfig};
pub use tempering::ParallelTempering;
