#![doc = include_str!("../README.md")]

mod autoregressive;
mod columns;
mod config;
mod context;
pub mod continuous;
mod coupling;
mod dequantization;
mod elementwise;
mod error;
mod flow;
mod inverse;
mod latent;
mod layer;
mod linear;
mod logit;
mod mask;
pub mod ode;
mod permutation;
mod univariate;

pub use autoregressive::{Autoregressive, AutoregressiveConfig};
pub use config::{FlowConfig, MafConfig, RealNvpConfig};
pub use continuous::{ContinuousFlow, FlowMatching};
pub use coupling::{Conditioner, Coupling, CouplingConfig};
pub use dequantization::Dequantization;
pub use elementwise::Elementwise;
pub use error::ConfigError;
pub use flow::Flow;
pub use inverse::Inverse;
pub use latent::Latent;
pub use layer::{Layer, LayerConfig};
pub use linear::Linear;
pub use logit::Logit;
pub use mask::CouplingMask;
pub use permutation::{Permutation, Permute};
pub use univariate::Univariate;

#[cfg(test)]
mod tests;
