//! The φ⁴ field on a lattice.

use burn::prelude::*;
use gibbs_core::{Energy, Slope, check};

use super::differences::{slope_of_squared_differences, squared_differences, sum_rows};
use crate::{Axis, Lattice, error::PhysicsError, exact::field::check_potential};

/// A real scalar field with quartic interaction on a hypercubic lattice of any dimension:
///
/// ```text
/// S(φ) = Σ_<xy> (φ_x - φ_y)² + Σ_x (m² φ_x² + λ φ_x⁴)
/// ```
///
/// The sum counts each bond once. Sites are in row-major order. A negative `m²` makes two wells; in two dimensions the symmetry
/// `φ -> -φ` is broken below a critical `m²(λ)`. Open axes have free ends.
///
/// The action has no factors 1/2. It is the action of Albergo, Kanwar & Shanahan, Phys. Rev. D 100:034515 (2019),
/// arXiv:1904.12072, there with `□ = Σ_μ (2φ_x - φ_{x+μ} - φ_{x-μ})`, and of Gerdes, de Haan, Rainone, Bondesan & Cheng,
/// SciPost Phys. 15:238 (2023), arXiv:2207.00283, so their `m²` and `λ` can be compared.
///
/// References for `ln Z`: [`free_field`](crate::exact::free_field) where `λ = 0`, and
/// [`phi_four_chain`](crate::exact::phi_four_chain) in one dimension.
///
/// Cost: a few passes over the sites for each axis.
#[derive(Clone, Debug, PartialEq)]
pub struct PhiFour {
    lattice: Lattice,
    mass_squared: f64,
    coupling: f64,
}

impl PhiFour {
    /// The field with `mass_squared` `m²` and `coupling` `λ` on `Lattice::hypercubic(axes)`.
    ///
    /// # Errors
    /// If the axes make no lattice, `coupling` is negative, `mass_squared` is not positive while the coupling is 0,
    /// or one of them is not finite.
    pub fn new(axes: &[Axis], mass_squared: f64, coupling: f64) -> Result<Self, PhysicsError> {
        check_potential(mass_squared, coupling)?;
        Ok(Self { lattice: Lattice::hypercubic(axes)?, mass_squared, coupling })
    }

    /// The lattice. Its symmetries and the change of all signs do not change `S`.
    pub fn lattice(&self) -> &Lattice {
        &self.lattice
    }

    /// `m²`.
    pub fn mass_squared(&self) -> f64 {
        self.mass_squared
    }

    /// `λ`.
    pub fn coupling(&self) -> f64 {
        self.coupling
    }
}

impl Energy for PhiFour {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        check::require_width("the lattice of fields", &x, self.lattice.n_sites());
        let square = x.clone() * x.clone();
        let potential = sum_rows(square.clone() * (square * self.coupling + self.mass_squared));
        squared_differences(x, self.lattice.axes()) + potential
    }
}

impl Slope for PhiFour {
    fn slope(&self, x: Tensor<2>) -> Tensor<2> {
        check::require_width("the lattice of fields", &x, self.lattice.n_sites());
        let square = x.clone() * x.clone();
        let potential = x.clone() * (square * (4.0 * self.coupling) + 2.0 * self.mass_squared);
        slope_of_squared_differences(x, self.lattice.axes()) + potential
    }
}
