//! Networks shared by models.
//!
//! [`Mlp`] is a plain multi-layer perceptron, [`MaskedMlp`] one whose outputs depend on chosen inputs only: made from the
//! matrix of what may depend on what ([`MaskedMlpConfig::init`]), or from a mask for each layer
//! ([`MaskedMlpConfig::init_from_masks`]). Both keep their parameters as `layers.N.weight [in, out]` and
//! `layers.N.bias [out]` and draw them from the [`Noise`](gibbs_backend::Noise) they are given; neither dropout nor
//! anything else here touches a global generator. [`Residual`] is a block of networks over the sites of a lattice.

mod activation;
mod affine;
mod context;
mod mask;
mod masked;
#[cfg(test)]
mod masked_tests;
mod mlp;
mod network;
mod residual;
mod widths;

pub use activation::Activation;
pub use affine::Affine;
pub use context::{append_context, project_context};
pub use mask::Mask;
pub use masked::{MaskedMlp, MaskedMlpConfig};
pub use mlp::{Mlp, MlpConfig};
pub use network::{Layer, Network};
pub use residual::Residual;
pub use widths::Widths;
