//! Densities of continuous variables with known partition functions.
//!
//! | density | energy | `ln Z` |
//! |---|---|---|
//! | [`HarmonicChain`] | particles on springs | normal modes, exact |
//! | [`Ring`] | a harmonic trough around the origin of the plane | one-dimensional quadrature |
//! | [`DoubleWell`] | a quartic in one variable, harmonic in the other | one-dimensional quadrature |
//! | [`PhiFour`] | a scalar field on a hypercubic lattice | [`free_field`](crate::exact::free_field), [`phi_four_chain`](crate::exact::phi_four_chain) |
//! | [`DualIsing`] | fields that represent the spins of a [`Pairwise`](crate::Pairwise) | that of the spins, shifted by a constant |
//!
//! All are a dimensionless [`Energy`](gibbs_core::Energy) of tensors `[batch, width]` in either precision,
//! differentiable, with `Z = ∫ dx exp(-E(x))`; the constants live on the device of the argument. They are
//! targets for normalizing flows, and [`hmc`](gibbs_core::hmc) samples them.

mod chain;
mod differences;
mod dual;
mod phi_four;
mod plane;
#[cfg(test)]
mod tests;

pub use chain::{Ends, HarmonicChain, Springs};
pub use dual::DualIsing;
pub use phi_four::PhiFour;
pub use plane::{DoubleWell, Ring};
