//! Continuous normalizing flows: the density of points carried by a velocity field.
//!
//! ```text
//! dx/dt = v(x, t | c),    x(0) = z ~ N(0, 1) the base,    x(1) the data
//! d ln p(x(t), t)/dt = -∇·v      so   ln p(x | c) = ln N(z; 0, 1) - ∫₀¹ ∇·v dt
//! ```
//!
//! The field has no constraint. Its Jacobian is never inverted: the trace is enough, exact ([`Trace::Exact`]) or as an unbiased estimate
//! ([`Trace::Hutchinson`]). Objectives are maximum likelihood through the steps of the solver ([`SolvedLikelihood`]), maximum likelihood
//! by the adjoint equation in constant memory ([`AdjointLikelihood`]), and [`FlowMatching`], which solves no equation. Densities and
//! samples come from the same solver in each case.
//!
//! References: Chen, Rubanova, Bettencourt & Duvenaud, "Neural ordinary differential equations", NeurIPS 2018,
//! arXiv:1806.07366; Grathwohl et al., "FFJORD", ICLR 2019, arXiv:1810.01367; Lipman et al., "Flow matching for generative
//! modeling", ICLR 2023, arXiv:2210.02747.

mod adjoint;
mod assignment;
mod dual;
mod dynamics;
mod encoding;
mod field;
mod flow;
mod fourier;
mod guidance;
mod image;
mod lattice;
mod levels;
mod matching;
mod mlp;
mod objectives;
mod point_masses;
mod potential;
mod separable;
mod smooth;
#[cfg(test)]
mod tests;
mod time;
mod velocity;

pub use adjoint::{AdjointGradients, Cotangents, LikelihoodGradients};
pub use dynamics::{Path, Probe, Trace};
pub use encoding::{AnalogBits, LevelEncoding};
pub use field::{Field, FieldConfig, FieldKind};
pub use flow::{ContinuousFlow, ContinuousFlowConfig};
pub use fourier::FourierFeatures;
pub use guidance::Guided;
pub use image::{Block, ImageField, ImageFieldConfig, WideBlock};
pub use lattice::{LatticeField, LatticeFieldConfig};
pub use levels::{Levels, NoisyLevels};
pub use matching::{FlowMatching, Matching, Pairing};
pub(crate) use matching::{drop_contexts, stratified};
pub use mlp::{MlpField, MlpFieldConfig};
pub use objectives::{AdjointLikelihood, SolvedLikelihood};
pub use potential::{Potential, PotentialConfig};
pub use separable::Separable;
pub use time::{Gate, TimeInput};
pub use velocity::{Velocity, VelocityField, time};
