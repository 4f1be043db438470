//! Ising strips by the transfer matrix, site by site.
//!
//! ```text
//! v(σ) = Σ over all rows but the last, which is σ, of exp(-β H);   Z = Σ_σ v(σ), or Tr T^length for a ring of rows
//! v'(… t …) = Σ_u exp β(J t u + J t s_left + h t) v(… u …)       adding the site t above u
//! ```
//!
//! A row is added one site at a time, so the `2^width × 2^width` matrix is never made: a site is a sum of two terms for
//! each of the `2^width` states of the boundary. On a ring of rows the trace is the sum over the states of a first row;
//! states that are turned, mirrored or flipped images of each other have the same share, and one of them is enough.
//! Numbers carry their derivatives in `β`.
//!
//! References: Kramers & Wannier, Phys. Rev. 60:252 (1941), doi:10.1103/PhysRev.60.252; Nightingale, "Transfer matrices,
//! phase transitions, and critical phenomena", in Finite Size Scaling and Numerical Simulation of Statistical Systems,
//! World Scientific 1990, for the sparse factors.

use std::collections::BTreeMap;

use gibbs_backend::parallel::*;

use super::{Thermodynamics, jet::Jet};
use crate::{
    error::{PhysicsError, finite, inverse_temperature},
    lattice::{Axis, Boundary},
};

/// Widest strip.
pub const MAX_WIDTH: usize = 16;

/// The Ising model `H = -J Σ_<ij> s_i s_j - h Σ_i s_i` on a strip of `length` rows, `width` sites each, at `β`; either
/// axis open or periodic: the whole system of [`ising`](crate::ising) on `Lattice::hypercubic(&[length, width])`.
///
/// Cost: `2^width · width · length` for an open `length`. On a ring of rows as much again for each first row, of which
/// there are `2^width / (2 width)` for a periodic `width`, half that with no field, and `2^width / 2` for an open one.
/// The weights of a row must stay in the range of f64, for which `β |J| width < 300` is enough.
///
/// # Errors
/// If an axis is too short, the strip is wider than [`MAX_WIDTH`], `coupling` or `field` is not finite, or `beta` is
/// negative or not finite.
pub fn strip(
    width: Axis,
    length: Axis,
    coupling: f64,
    field: f64,
    beta: f64,
) -> Result<Thermodynamics, PhysicsError> {
    let (length, width) = (length.check(0)?, width.check(1)?);
    if width.length > MAX_WIDTH {
        return Err(PhysicsError::Unsupported(format!(
            "a strip of width {width} is too wide for the transfer matrix; at most {MAX_WIDTH}, transfer along the longer side",
            width = width.length
        )));
    }
    let beta = inverse_temperature(beta)?;
    let rows = Rows { width, beta, coupling: finite("coupling", coupling)?, field: finite("field", field)? };
    let log_z = match length.boundary {
        Boundary::Open => rows.open(length.length),
        Boundary::Periodic => rows.ring(length.length),
    };
    Ok(Thermodynamics::from_log_z(beta, log_z))
}

/// `exp(log_scale) · values`, one for each state of the last row; bit 1 is a spin up.
struct Boundaries {
    values: Vec<Jet>,
    log_scale: Jet,
}

/// Constants of a row.
struct Rows {
    width: Axis,
    beta: f64,
    coupling: f64,
    field: f64,
}

impl Rows {
    fn n_states(&self) -> usize {
        1 << self.width.length
    }

    /// Free ends: any first row, without one below, and any last.
    fn open(&self, length: usize) -> Jet {
        let mut v = Boundaries { values: vec![Jet::ZERO; self.n_states()], log_scale: Jet::ZERO };
        // The first row stands on any one state, to which it is not coupled.
        v.values[0] = Jet::ONE;
        self.add_row(&mut v, 0.0);
        for _ in 1..length {
            self.add_row(&mut v, self.coupling);
        }
        let sum = v.values.iter().fold(Jet::ZERO, |sum, x| sum + *x);
        sum.ln() + v.log_scale
    }

    /// The trace: from each first row back to itself.
    fn ring(&self, length: usize) -> Jet {
        let shares: Vec<(Jet, Jet)> = self
            .first_rows()
            .into_par_iter()
            .map(|(state, multiplicity)| {
                let mut v = Boundaries { values: vec![Jet::ZERO; self.n_states()], log_scale: Jet::ZERO };
                v.values[state] = Jet::ONE;
                for _ in 0..length {
                    self.add_row(&mut v, self.coupling);
                }
                (v.values[state] * multiplicity, v.log_scale)
            })
            .collect();
        let max = shares.iter().map(|(_, log)| log.value).fold(f64::NEG_INFINITY, f64::max);
        let sum = shares.iter().fold(Jet::ZERO, |sum, (value, log)| sum + *value * (*log + -max).exp());
        sum.ln() + max
    }

    /// One state of each class of rows that are images of each other, with their number.
    fn first_rows(&self) -> Vec<(usize, f64)> {
        let (n, all) = (self.width.length, self.n_states() - 1);
        let turns = if self.width.boundary == Boundary::Periodic { n } else { 1 };
        let mut classes = BTreeMap::new();
        for state in 0..=all {
            let mirrored = (0..n).fold(0, |image, i| image | (state >> i & 1) << (n - 1 - i));
            let images = [state, mirrored]
                .into_iter()
                .flat_map(|s| (0..turns).map(move |k| (s << k | s >> (n - k)) & all));
            let class = match self.field == 0.0 {
                true => images.map(|s| s.min(all - s)).min(),
                false => images.min(),
            };
            *classes.entry(class.unwrap_or(state)).or_insert(0.0) += 1.0;
        }
        classes.into_iter().collect()
    }

    /// Adds a row, coupled to the one before by `below`.
    fn add_row(&self, v: &mut Boundaries, below: f64) {
        for site in 0..self.width.length {
            self.add_site(v, site, below);
        }
        let max = v.values.iter().map(|x| x.value).fold(0.0, f64::max);
        v.values.iter_mut().for_each(|x| *x = *x * max.recip());
        v.log_scale = v.log_scale + max.ln();
    }

    /// Puts a site in the place of the one below it.
    fn add_site(&self, v: &mut Boundaries, site: usize, below: f64) {
        let last = self.width.length - 1;
        let closes = site == last && self.width.boundary == Boundary::Periodic;
        // Sites of the new row that this one is coupled to.
        let mut row_neighbors = Vec::with_capacity(2);
        row_neighbors.extend(site.checked_sub(1));
        row_neighbors.extend(closes.then_some(0));
        let largest = below.abs() + self.coupling.abs() * row_neighbors.len() as f64 + self.field.abs();
        let weight = |energy: f64| (Jet::new(self.beta, 1.0, 0.0) * (-energy - largest)).exp();
        let spin = |state: usize, i: usize| if state >> i & 1 == 1 { 1.0 } else { -1.0 };
        let bit = 1 << site;
        // Weights by the sum of the neighbors in the row (-2 … 2), the new spin and the one below.
        let table: [[[Jet; 2]; 2]; 5] = std::array::from_fn(|sum| {
            [-1.0, 1.0].map(|new| {
                [-1.0, 1.0]
                    .map(|old| weight(-new * (self.coupling * (sum as f64 - 2.0) + below * old + self.field)))
            })
        });
        for down in (0..v.values.len()).filter(|state| state & bit == 0) {
            let sum: f64 = row_neighbors.iter().map(|i| spin(down, *i)).sum();
            let [to_down, to_up] = table[(sum + 2.0) as usize];
            let old = [v.values[down], v.values[down | bit]];
            v.values[down] = to_down[0] * old[0] + to_down[1] * old[1];
            v.values[down | bit] = to_up[0] * old[0] + to_up[1] * old[1];
        }
        v.log_scale = v.log_scale + Jet::variable(self.beta) * largest;
    }
}
