#![doc = include_str!("../README.md")]

mod autoregressive;
mod columns;
mod config;
mod context;
pub mod continuous;
mod convolutional;
mod coupling;
mod dequantization;
mod elementwise;
mod error;
mod factor_out;
mod flow;
mod hartley;
mod inverse;
mod latent;
mod lattice;
mod layer;
mod linear;
mod logit;
mod mask;
mod multi_scale;
pub mod ode;
mod permutation;
mod univariate;
mod whitening;

pub use autoregressive::{Autoregressive, AutoregressiveConfig};
pub use config::{FlowConfig, MafConfig, RealNvpConfig};
pub use continuous::{ContinuousFlow, FlowMatching};
pub use convolutional::{Convolutional, ConvolutionalConfig};
pub use coupling::{Conditioner, ConvolutionalCouplingConfig, Coupling, CouplingConfig};
pub use dequantization::Dequantization;
pub use elementwise::Elementwise;
pub use error::ConfigError;
pub use factor_out::FactorOut;
pub use flow::Flow;
pub use hartley::Hartley;
pub use inverse::Inverse;
pub use latent::Latent;
pub use lattice::LatticeConfig;
pub use layer::{Layer, LayerConfig};
pub use linear::Linear;
pub use logit::Logit;
pub use mask::CouplingMask;
pub use multi_scale::MultiScaleConfig;
pub use permutation::{Permutation, Permute};
pub use univariate::Univariate;
pub use whitening::Whitening;

#[cfg(test)]
mod tests;
