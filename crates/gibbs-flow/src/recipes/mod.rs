//! Recipes: configurations of whole flows.

mod couplings;
mod family;
mod flow;
mod lattice;
mod multi_scale;

pub use couplings::{MafConfig, RealNvpConfig};
pub use family::{FlowFamilyConfig, FlowKind, Splines};
pub use flow::FlowConfig;
pub use lattice::LatticeConfig;
pub use multi_scale::{ImageConfig, MultiScaleConfig};
