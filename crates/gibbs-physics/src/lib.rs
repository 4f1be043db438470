#![doc = include_str!("../README.md")]

pub mod continuous;
mod error;
pub mod exact;
mod hamiltonian;
pub mod inverse;
mod lattice;
pub mod memory;
mod models;
pub mod monte_carlo;
mod named;
mod pairwise;
mod spins;
mod symmetry;
pub mod system;

pub use error::PhysicsError;
pub use gibbs_core::ConfigError;
pub use hamiltonian::{Canonical, Hamiltonian};
pub use lattice::{Axis, Boundary, Geometry, Lattice};
pub use models::{curie_weiss, edwards_anderson, hopfield, ising, sherrington_kirkpatrick};
pub use pairwise::Pairwise;
