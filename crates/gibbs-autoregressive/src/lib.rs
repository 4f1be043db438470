#![doc = include_str!("../README.md")]

mod autoregressive;
pub mod made;
mod model;
pub mod nade;
mod naive;
mod objective;
mod order;
pub mod pixel_cnn;
mod resampling;
pub mod sampling;
mod spins;
pub mod transformer;
mod variational;

pub use autoregressive::{Autoregressive, Evidence};
pub use gibbs_core::{
    ConfigError,
    output::{OutputDistribution, ValueError},
};
pub use made::{Degrees, Made, MadeConfig, MadeMasks};
pub use model::{AutoregressiveConfig, AutoregressiveKind, AutoregressiveModel};
pub use nade::{Nade, NadeConfig};
pub use naive::NaiveSampler;
pub use objective::{MaskChoice, OrderedLikelihood};
pub use order::{EvidenceError, Order, OrderConfig};
pub use pixel_cnn::{PixelCnn, PixelCnnConfig};
pub use resampling::complete_by_resampling;
pub use spins::Spins;
pub use transformer::{Transformer, TransformerConfig};
pub use variational::{ScoreFunction, SpinLikelihood, variational_loss};

#[cfg(test)]
mod tests;
