//! Exact values of a system, where there are any.

use anyhow::Result;
use gibbs_physics::{
    Axis,
    exact::{self, Magnetization, Thermodynamics},
};

use super::{Edges, Geometry, Spins, System, SystemKind};

/// Spins up to which states are enumerated: a second on two cores.
const ENUMERATED: usize = 24;
/// Width up to which a strip is summed row by row: seconds on two cores.
const STRIP: usize = 12;

/// Exact values of a whole system at one temperature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reference {
    /// `ln Z`, energy, heat capacity.
    pub thermodynamics: Thermodynamics,
    /// Moments of the magnetization, where they are known.
    pub magnetization: Option<Magnetization>,
    /// How it is computed.
    pub method: &'static str,
}

impl Reference {
    /// Exact values of `system`, which is `spins`, at `beta`; none where no method here is fast enough.
    ///
    /// # Errors
    /// A temperature that is none.
    pub fn of(system: &System, spins: &Spins, beta: f64) -> Result<Option<Self>> {
        if system.kind == SystemKind::CurieWeiss {
            let exact = exact::curie_weiss(spins.n_spins(), system.coupling, system.field, beta)?;
            return Ok(Some(Self {
                thermodynamics: exact.thermodynamics,
                magnetization: Some(exact.magnetization),
                method: "Curie-Weiss",
            }));
        }
        if spins.n_spins() <= ENUMERATED {
            let exact = exact::enumerate(&spins.hamiltonian, beta)?;
            return Ok(Some(Self {
                thermodynamics: exact.thermodynamics,
                magnetization: Some(exact.magnetization),
                method: "enumeration",
            }));
        }
        let without = |thermodynamics, method| Some(Self { thermodynamics, magnetization: None, method });
        let axes: &[Axis] = match (&spins.lattice, system.kind, system.geometry) {
            (Some(lattice), SystemKind::Ising, Geometry::Hypercubic) => lattice.axes(),
            _ => return Ok(None),
        };
        Ok(match *axes {
            [rows, columns] if is_kaufman(system, rows.length, columns.length) => {
                let exact = exact::kaufman(rows.length, columns.length, beta * system.coupling.abs())?;
                let energy = exact.energy * system.coupling.abs();
                without(Thermodynamics { beta, energy, ..exact }, "Kaufman")
            }
            [length] => {
                let one = Axis::open(1);
                without(exact::strip(one, length, system.coupling, system.field, beta)?, "transfer matrix")
            }
            [a, b] if a.length.min(b.length) <= STRIP => {
                let (width, length) = if a.length <= b.length { (a, b) } else { (b, a) };
                let exact = exact::strip(width, length, system.coupling, system.field, beta)?;
                without(exact, "transfer matrix")
            }
            _ => None,
        })
    }
}

/// Whether Kaufman's formula holds: a torus without field, and an antiferromagnet only where its two sublattices fit.
fn is_kaufman(system: &System, rows: usize, columns: usize) -> bool {
    let is_torus = system.boundary == Edges::Periodic && system.field == 0.0;
    is_torus && (system.coupling >= 0.0 || (rows.is_multiple_of(2) && columns.is_multiple_of(2)))
}
