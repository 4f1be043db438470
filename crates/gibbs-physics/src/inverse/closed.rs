//! Closed formulas: expansions in weak couplings, and the exact solution of a tree.
//!
//! With the connected correlations `C`, the means `m` and the variances `v_i = 1 - m_i²`:
//!
//! ```text
//! mean field          J_ij = -C⁻¹_ij,                              h_i = artanh m_i - Σ_j J_ij m_j
//! TAP                 J_ij + 2 m_i m_j J_ij² = -C⁻¹_ij,            h_i = artanh m_i - Σ_j J_ij m_j + m_i Σ_j J_ij² v_j
//! independent pairs   J_ij, u of two spins with m_i, m_j, C_ij,    h_i = artanh m_i + Σ_j (u_i^(ij) - artanh m_i)
//! Bethe               the same with c_ij in the place of C_ij,     -c_ij / (v_i v_j - c_ij²) = C⁻¹_ij
//! ```
//!
//! If all couplings go to zero like `β`, the errors of `J` go to zero like `β²` for pairs, `β²` for mean field (`β³` without
//! fields), `β³` for TAP and for Bethe (`β⁴` without fields). Bethe is exact where the bonds make a tree.
//!
//! TAP's equation has two roots. The code takes the root that agrees with mean field for weak couplings. It solves Bethe's
//! relation for `c_ij` first, which always has one root below `√(v_i v_j)`, and then takes the coupling of the two spins. The
//! papers write both steps as one formula.
//!
//! References: Kappen & Rodríguez, Neural Comput. 10:1137 (1998), doi:10.1162/089976698300017386, for mean field; Roudi,
//! Tyrcha & Hertz, Phys. Rev. E 79:051915 (2009), doi:10.1103/PhysRevE.79.051915, for TAP and pairs; Ricci-Tersenghi, J.
//! Stat. Mech. P08015 (2012), doi:10.1088/1742-5468/2012/08/P08015, and Nguyen & Berg, J. Stat. Mech. P03004 (2012),
//! doi:10.1088/1742-5468/2012/03/P03004, for Bethe.

use super::{Moments, pair::Pair};
use crate::{Pairwise, PhysicsError};

/// Naive mean field.
///
/// # Errors
/// If a spin never flips, or the correlations have no inverse.
pub fn mean_field(moments: &Moments) -> Result<Pairwise, PhysicsError> {
    let inverse = moments.inverse()?;
    let bonds = bonds(moments, |i, j| Ok(-inverse[(i, j)]))?;
    let fields = fields(moments, &bonds, |_, _| 0.0);
    Pairwise::from_bonds(bonds, fields)
}

/// The equations of Thouless, Anderson and Palmer: mean field with Onsager's reaction.
///
/// # Errors
/// If a spin never flips, the correlations have no inverse, or the quadratic equation of a pair has no real root.
pub fn tap(moments: &Moments) -> Result<Pairwise, PhysicsError> {
    let inverse = moments.inverse()?;
    let bonds = bonds(moments, |i, j| {
        let a = inverse[(i, j)];
        let square = 1.0 - 8.0 * moments.means[i] * moments.means[j] * a;
        let root = (square >= 0.0).then(|| -2.0 * a / (1.0 + square.sqrt()));
        root.ok_or_else(|| no_coupling("TAP", i, j))
    })?;
    let fields = fields(moments, &bonds, |j, value| value * value * moments.variance(j));
    Pairwise::from_bonds(bonds, fields)
}

/// Each pair as if there were no other spins.
///
/// # Errors
/// If a spin never flips, or one of the four states of a pair never occurs.
pub fn independent_pairs(moments: &Moments) -> Result<Pairwise, PhysicsError> {
    moments.check_flips()?;
    from_pairs(moments, "the approximation of independent pairs", |i, j| moments.connected(i, j))
}

/// Bethe and Peierls: exact on trees.
///
/// # Errors
/// If a spin never flips, the correlations have no inverse, or a pair would need a probability that is not positive.
pub fn bethe(moments: &Moments) -> Result<Pairwise, PhysicsError> {
    let inverse = moments.inverse()?;
    from_pairs(moments, "Bethe's approximation", |i, j| {
        let (a, v) = (inverse[(i, j)], moments.variance(i) * moments.variance(j));
        -2.0 * a * v / (1.0 + (1.0 + 4.0 * v * a * a).sqrt())
    })
}

fn no_coupling(method: &str, i: usize, j: usize) -> PhysicsError {
    PhysicsError::NoSolution(format!(
        "{method} has no real coupling for the pair ({i}, {j}): its spins are correlated too strongly; use \
         pseudo-likelihood"
    ))
}

type Bond = (usize, usize, f64);

/// A bond for each pair.
fn bonds(
    moments: &Moments,
    coupling: impl Fn(usize, usize) -> Result<f64, PhysicsError>,
) -> Result<Vec<Bond>, PhysicsError> {
    let n = moments.n_spins();
    let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
    pairs.map(|(i, j)| Ok((i, j, coupling(i, j)?))).collect()
}

/// `artanh m_i - Σ_j J_ij m_j + m_i Σ_j reaction(j, J_ij)`.
fn fields(moments: &Moments, bonds: &[Bond], reaction: impl Fn(usize, f64) -> f64) -> Vec<f64> {
    let m = &moments.means;
    let mut fields: Vec<f64> = m.iter().map(|m| m.atanh()).collect();
    for &(i, j, value) in bonds {
        fields[i] += m[i] * reaction(j, value) - value * m[j];
        fields[j] += m[j] * reaction(i, value) - value * m[i];
    }
    fields
}

/// Couplings and fields of pairs with the correlations `c(i, j)`.
fn from_pairs(
    moments: &Moments,
    method: &'static str,
    c: impl Fn(usize, usize) -> f64,
) -> Result<Pairwise, PhysicsError> {
    let m = &moments.means;
    let mut fields: Vec<f64> = m.iter().map(|m| m.atanh()).collect();
    let alone = fields.clone();
    let pairs = bonds(moments, |i, j| Ok(c(i, j)))?;
    let mut bonds = Vec::with_capacity(pairs.len());
    for (i, j, c) in pairs {
        let pair = Pair::new([m[i], m[j]], c).ok_or_else(|| no_coupling(method, i, j))?;
        let [first, second] = pair.fields();
        fields[i] += first - alone[i];
        fields[j] += second - alone[j];
        bonds.push((i, j, pair.coupling()));
    }
    Pairwise::from_bonds(bonds, fields)
}
