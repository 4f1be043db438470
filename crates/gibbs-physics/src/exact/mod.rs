//! Exact values: references for samplers and variational models.
//!
//! | function | system | cost |
//! |---|---|---|
//! | [`enumerate`] | any [`Pairwise`](crate::Pairwise), up to [`MAX_SPINS`] spins | `2^n` |
//! | [`draw`] | exact draws from any [`Pairwise`](crate::Pairwise), up to [`MAX_DRAWN`] spins | `n 2^n` |
//! | [`strip`] | Ising strips, cylinders and tori with field, up to [`MAX_WIDTH`] wide | `area · 2^width`, squared for rings |
//! | [`kaufman`] | Ising torus of any size, no field | `rows` |
//! | [`onsager`], [`yang`] | the infinite square lattice, no field | a few dozen operations |
//! | [`curie_weiss`], [`curie_weiss_limit`] | infinite range, any size and infinite | `n`; a bisection |
//! | [`free_field`] | lattice field without interaction, any hypercubic lattice | `sites` |
//! | [`phi_four_chain`] | lattice φ⁴ on a chain or ring | `points²` a site; `points³` for rings |
//! | [`log_integral`] | any integral over an interval | a few hundred values |
//!
//! Temperatures enter as `β = 1 / k_B T` in units of one over those of the couplings; `k_B = 1`.

mod draws;
mod elliptic;
pub mod enumeration;
pub mod field;
mod fourier;
pub mod infinite_range;
mod jet;
pub mod plane;
mod quadrature;
mod thermodynamics;
pub mod torus;
pub mod transfer;

#[cfg(test)]
mod tests;

pub use draws::{MAX_DRAWN, draw};
pub use enumeration::{Enumeration, MAX_SPINS, enumerate};
pub use field::{free_field, phi_four_chain};
pub use infinite_range::{CurieWeiss, MeanField, curie_weiss, curie_weiss_limit};
pub use plane::{CRITICAL_BETA, onsager, yang};
pub use quadrature::log_integral;
pub use thermodynamics::{Magnetization, Thermodynamics};
pub use torus::kaufman;
pub use transfer::{MAX_WIDTH, strip};
