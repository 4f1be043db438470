#![doc = include_str!("../README.md")]

pub mod autoencoder;
pub mod logistic_pca;
mod objective;
pub mod pca;
#[cfg(test)]
mod tests;
pub mod tsne;
mod unroll;
pub mod vae;

pub use autoencoder::{Autoencoder, AutoencoderConfig, AutoencoderError, Code, Output};
pub use gibbs_core::ConfigError;
pub use logistic_pca::{LogisticPca, LogisticPcaConfig};
pub use objective::{Loss, Reconstruction};
pub use pca::Pca;
pub use tsne::TsneConfig;
pub use vae::{Elbo, GradientEstimator, Vae, VaeConfig};
