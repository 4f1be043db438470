//! Networks shared by models.
//!
//! [`Mlp`] is a multi-layer perceptron (MLP). [`MaskedMlp`] is an MLP whose outputs depend on chosen inputs only: a matrix of
//! dependencies ([`MaskedMlpConfig::init`]) or a mask for each layer ([`MaskedMlpConfig::init_from_masks`]) defines it. Both
//! name their parameters `layers.N.weight [in, out]` and `layers.N.bias [out]`, and draw initial weights and dropout from
//! the [`Noise`](gibbs_backend::Noise) that the caller passes. [`Residual`] is a block of layers over the sites of a lattice;
//! [`coarsened`] and [`refined`] change between two scales of an image.

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
mod squares;
mod widths;

pub use activation::Activation;
pub use affine::Affine;
pub use context::{append_context, project_context};
pub use mask::Mask;
pub use masked::{MaskedMlp, MaskedMlpConfig};
pub use mlp::{Mlp, MlpConfig};
pub use network::{Layer, Network, dropout};
pub use residual::Residual;
pub use squares::{coarsened, refined};
pub use widths::Widths;
