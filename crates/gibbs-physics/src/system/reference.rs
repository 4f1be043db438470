//! Exact values of a spin system, where a method computes them in seconds.

use super::{SpinSystem, SpinSystemKind};
use crate::{
    Axis, Boundary, Geometry, PhysicsError,
    exact::{self, Magnetization, Thermodynamics},
};

/// Most spins whose states are summed: a second on two cores.
const ENUMERATED: usize = 24;
/// Most spins whose states are summed at hundreds of temperatures: a second on two cores.
const ENUMERATED_OFTEN: usize = 16;
/// Width up to which a strip is summed row by row: seconds on two cores.
const STRIP: usize = 12;

/// Exact values of a whole system at one temperature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reference {
    /// `ln Z`, energy, heat capacity.
    pub thermodynamics: Thermodynamics,
    /// Moments of the magnetization, where they are known.
    pub magnetization: Option<Magnetization>,
    /// How the values are computed.
    pub method: &'static str,
    /// Whether hundreds of temperatures take about a second.
    pub is_fast: bool,
}

impl Reference {
    pub(super) fn of(system: &SpinSystem, beta: f64) -> Result<Option<Self>, PhysicsError> {
        let (config, n) = (&system.config, system.n_spins());
        let (coupling, field) = (config.coupling, config.field);
        let found = |thermodynamics, magnetization, method, is_fast| {
            Ok(Some(Self { thermodynamics, magnetization, method, is_fast }))
        };
        if config.kind == SpinSystemKind::CurieWeiss {
            let exact = exact::curie_weiss(n, coupling, field, beta)?;
            return found(exact.thermodynamics, Some(exact.magnetization), "Curie-Weiss", true);
        }
        if n <= ENUMERATED {
            let exact = exact::enumerate(&system.hamiltonian, beta)?;
            let is_fast = n <= ENUMERATED_OFTEN;
            return found(exact.thermodynamics, Some(exact.magnetization), "enumeration", is_fast);
        }
        let axes: &[Axis] = match (&system.lattice, config.kind, config.geometry) {
            (Some(lattice), SpinSystemKind::Ising, Geometry::Hypercubic) => lattice.axes(),
            _ => return Ok(None),
        };
        let strip = |width, length| {
            found(exact::strip(width, length, coupling, field, beta)?, None, "transfer matrix", false)
        };
        // Kaufman's formula is for a torus without field, and for an antiferromagnet whose two sublattices fit.
        let even = axes.iter().all(|axis| axis.length.is_multiple_of(2));
        let is_kaufman = config.boundary == Boundary::Periodic && field == 0.0 && (coupling >= 0.0 || even);
        match *axes {
            [rows, columns] if is_kaufman => {
                let exact = exact::kaufman(rows.length, columns.length, beta * coupling.abs())?;
                let energy = exact.energy * coupling.abs();
                found(Thermodynamics { beta, energy, ..exact }, None, "Kaufman", true)
            }
            [length] => strip(Axis::open(1), length),
            [a, b] if a.length.min(b.length) <= STRIP => {
                let (width, length) = if a.length <= b.length { (a, b) } else { (b, a) };
                strip(width, length)
            }
            _ => Ok(None),
        }
    }
}
