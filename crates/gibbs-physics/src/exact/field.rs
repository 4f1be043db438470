//! Partition functions of scalar fields on lattices.
//!
//! ```text
//! S(φ) = Σ_<xy> (φ_x - φ_y)² + Σ_x (m² φ_x² + λ φ_x⁴),   Z = ∫ Π_x dφ_x exp(-S)
//! λ = 0:   ln Z = 1/2 Σ_k ln (π / a_k),   a_k = m² + Σ_axes 4 sin² q_k,   q = πk/L (periodic), πk/2L (open),  k = 0..L-1
//! chains:  T(a, b) = exp(-V(a)/2 - (a - b)² - V(b)/2),   V(φ) = m² φ² + λ φ⁴
//!          Z = Tr T^L (ring),  ⟨e^(-V/2)| T^(L-1) |e^(-V/2)⟩ (open)
//! ```
//!
//! The transfer operator is a matrix on equidistant values of the field. As the integrand is analytic and decays at both
//! ends, the trapezoidal rule converges exponentially in the number of points.
//!
//! References: Montvay & Münster, Quantum Fields on a Lattice, Cambridge 1994, chapters 1 and 2; Trefethen & Weideman,
//! SIAM Review 56:385 (2014), doi:10.1137/130932132, for the trapezoidal rule.

use std::f64::consts::PI;

use gibbs_core::{ConfigError, math::log_sum_exp};
use nalgebra::{DMatrix, DVector};

use crate::{
    error::{PhysicsError, finite, non_negative, positive},
    lattice::{Axis, Boundary, Lattice},
};

/// Values of the field in the first rule, and in the last.
const FEWEST: usize = 64;
const MOST: usize = 1024;

/// Difference of two successive rules, per site. The error of the later rule is about the square of this.
const AGREEMENT: f64 = 1e-9;

/// `V` at the ends of the range of values, above its minimum. The omitted part is `e^-60` of the integral.
const HIGHEST: f64 = 60.0;

/// `ln Z` of the field without interaction, `λ = 0`, on the hypercubic lattice with `axes`: exact.
///
/// # Errors
/// If the axes make no lattice, or `mass_squared` is not positive and finite.
pub fn free_field(axes: &[Axis], mass_squared: f64) -> Result<f64, PhysicsError> {
    let mass_squared = positive("mass_squared", mass_squared)?;
    Lattice::hypercubic(axes)?;
    let stiffness = axes.iter().fold(vec![mass_squared], |sums, axis| {
        let momenta = squared_momenta(*axis);
        sums.iter().flat_map(|sum| momenta.iter().map(move |momentum| sum + momentum)).collect()
    });
    Ok(stiffness.iter().map(|a| 0.5 * (PI / a).ln()).sum())
}

/// `4 sin² q` of each Fourier mode along an axis.
pub(crate) fn squared_momenta(axis: Axis) -> Vec<f64> {
    let length = axis.length as f64;
    let period = if axis.boundary == Boundary::Periodic { length } else { 2.0 * length };
    (0..axis.length).map(|k| 4.0 * (PI * k as f64 / period).sin().powi(2)).collect()
}

/// `ln Z` of the φ⁴ field with `mass_squared` `m²` and `coupling` `λ` on a chain or ring, to about 1e-12 a site.
///
/// # Errors
/// If the axis is too short, `coupling` is negative, `mass_squared` is not positive while the coupling is 0, one of them
/// is not finite, or the field spreads so wide that 1024 values do not resolve it.
pub fn phi_four_chain(axis: Axis, mass_squared: f64, coupling: f64) -> Result<f64, PhysicsError> {
    let axis = axis.check(0)?;
    check_potential(mass_squared, coupling)?;
    let (mut points, mut last) = (FEWEST, transfer(axis, mass_squared, coupling, FEWEST));
    while points < MOST {
        points *= 2;
        let next = transfer(axis, mass_squared, coupling, points);
        if (next - last).abs() < AGREEMENT * axis.length as f64 {
            return Ok(next);
        }
        last = next;
    }
    Err(PhysicsError::NoSolution(format!(
        "the transfer integral of a chain with mass_squared = {mass_squared}, coupling = {coupling} needs more than {MOST} points; it is too wide, take a larger mass_squared or coupling"
    )))
}

/// The integral over fields must be finite.
pub(crate) fn check_potential(mass_squared: f64, coupling: f64) -> Result<(), ConfigError> {
    finite("mass_squared", mass_squared)?;
    let is_bound = non_negative("coupling", coupling)? > 0.0 || mass_squared > 0.0;
    ConfigError::require(is_bound, "mass_squared", mass_squared, "must be above 0 where the coupling is 0")
}

/// `ln Z` by the trapezoidal rule with `points` values.
fn transfer(axis: Axis, mass_squared: f64, coupling: f64, points: usize) -> f64 {
    let potential = |x: f64| x * x * (mass_squared + coupling * x * x);
    // Measured from the depth of the wells, so that weights neither overflow nor vanish.
    let depth = if mass_squared < 0.0 { -0.25 * mass_squared * mass_squared / coupling } else { 0.0 };
    let end = highest_field(mass_squared, coupling);
    let h = 2.0 * end / (points - 1) as f64;
    let values: Vec<f64> = (0..points).map(|i| h * i as f64 - end).collect();
    let half: Vec<f64> = values.iter().map(|x| 0.5 * (potential(*x) - depth)).collect();
    let log_scale = axis.length as f64 * (h.ln() - depth);
    let matrix =
        DMatrix::from_fn(points, points, |i, j| (-half[i] - (values[i] - values[j]).powi(2) - half[j]).exp());
    if axis.boundary == Boundary::Periodic {
        // The kernel is positive definite; eigenvalues below the rounding of the largest are none.
        let logs = matrix
            .symmetric_eigenvalues()
            .iter()
            .map(|l| axis.length as f64 * l.max(0.0).ln())
            .collect::<Vec<_>>();
        return log_sum_exp(&logs) + log_scale;
    }
    let ends = DVector::from_iterator(points, half.iter().map(|half| (-half).exp()));
    let (mut v, mut log) = (ends.clone(), log_scale);
    for _ in 1..axis.length {
        v = &matrix * v;
        let norm = v.norm();
        v /= norm;
        log += norm.ln();
    }
    ends.dot(&v).ln() + log
}

/// Where `V` is [`HIGHEST`] above its minimum.
fn highest_field(mass_squared: f64, coupling: f64) -> f64 {
    if mass_squared > 0.0 {
        let root = (mass_squared * mass_squared + 4.0 * coupling * HIGHEST).sqrt();
        (2.0 * HIGHEST / (mass_squared + root)).sqrt()
    } else {
        (((4.0 * coupling * HIGHEST).sqrt() - mass_squared) / (2.0 * coupling)).sqrt()
    }
}
