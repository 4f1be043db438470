//! Continuous normalizing flows: the density of points carried by a velocity field.
//!
//! ```text
//! dx/dt = v(x, t | c),    x(0) = z ~ N(0, 1) the base,    x(1) the data
//! d ln p(x(t), t)/dt = -∇·v      so   ln p(x | c) = ln N(z; 0, 1) - ∫₀¹ ∇·v dt
//! ```
//!
//! There is no constraint on the field: its Jacobian is never inverted, its trace suffices, exact ([`Trace::Exact`]) or as an
//! unbiased estimate ([`Trace::Hutchinson`]). Trained by maximum likelihood, through the steps of the solver
//! ([`ContinuousFlow::path`]) or by the adjoint equation with a memory that does not depend on their number
//! ([`ContinuousFlow::adjoint`]); or without any solve by [`FlowMatching`]. Densities and draws come from the same solver in each
//! case.
//!
//! References: Chen, Rubanova, Bettencourt & Duvenaud, "Neural ordinary differential equations", NeurIPS 2018,
//! arXiv:1806.07366; Grathwohl et al., "FFJORD", ICLR 2019, arXiv:1810.01367; Lipman et al., "Flow matching for generative
//! modeling", ICLR 2023, arXiv:2210.02747.

mod adjoint;
mod atoms;
mod dual;
mod field;
mod flow;
mod guidance;
mod image;
mod lattice;
mod matching;
mod path;
mod perceptron;
mod potential;
mod separable;
mod smooth;
#[cfg(test)]
mod tests;
mod time;
mod velocity;
mod waves;

pub use adjoint::{AdjointLikelihood, Cotangents, Pulled};
pub use field::{Field, FieldConfig};
pub use flow::ContinuousFlow;
pub use guidance::Guided;
pub use image::{Block, ImageField, ImageFieldConfig, WideBlock};
pub use lattice::{LatticeField, LatticeFieldConfig};
pub use matching::{FlowMatching, Pairing};
pub use path::{Path, Probe, Trace};
pub use perceptron::{Perceptron, PerceptronConfig};
pub use potential::{Potential, PotentialConfig};
pub use separable::Separable;
pub use time::{Gate, TimeInput};
pub use velocity::{Velocity, VelocityField, time};
pub use waves::Waves;
