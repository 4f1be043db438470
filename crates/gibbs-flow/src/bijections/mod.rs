//! Bijections: the layers of flows, and chains of them.

mod angles;
mod autoregressive;
mod chain;
mod conditioner;
mod convolutional;
mod coupling;
mod elementwise;
mod factor_out;
mod hartley;
mod hierarchy;
mod inverse;
mod layer;
mod layer_config;
mod linear;
mod mask;
mod partition;
mod permutation;
mod univariate;

pub use autoregressive::{Autoregressive, AutoregressiveConfig, InverseAutoregressiveConfig};
pub use chain::Chain;
pub use conditioner::{AnyConditioner, Conditioner, ConditionerConfig, MlpConditionerConfig};
pub use convolutional::{Convolutional, ConvolutionalConfig};
pub use coupling::{Coupling, CouplingConfig};
pub use elementwise::{Elementwise, ElementwiseConfig};
pub use factor_out::FactorOut;
pub use hartley::{Hartley, HartleyConfig};
pub use hierarchy::{Hierarchy, HierarchyConfig, HierarchyScale, Level};
pub use inverse::Inverse;
pub use layer::{DequantizationConfig, FactorOutConfig, Layer, LayerConfig, LogitConfig};
pub use layer_config::{FlowLayer, InitLayer, Sizes};
pub use linear::{Linear, LinearConfig};
pub use mask::CouplingMask;
pub(crate) use permutation::check_even;
pub use permutation::{Permutation, PermutationConfig, Permute};
pub use univariate::Univariate;

/// A chain of layers from data to the base.
pub type Flow<B = Layer> = Chain<B>;
