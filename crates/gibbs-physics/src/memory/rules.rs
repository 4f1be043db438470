//! Rules that turn patterns into couplings. Hebb's is [`hopfield`](crate::hopfield).

use super::pattern_size;
use crate::{Pairwise, PhysicsError};

/// Part of a pattern, relative to its length, that must stick out of the span of the earlier ones to count as a new
/// direction. Integer vectors in general position leave much more, rounding much less.
const NEW_DIRECTION: f64 = 1e-8;

/// Entries of the projector below this are rounding: an entry is a sum of products of orthonormal directions, each
/// good to `1e-16` over what stuck out of the span.
const ROUNDING: f64 = 1e-11;

/// The pseudo-inverse rule: off its diagonal the projector on the span of the patterns,
///
/// ```text
/// J_ij = (1/n) Σ_μν ξ^μ_i (C⁻¹)_μν ξ^ν_j,   C_μν = (1/n) Σ_i ξ^μ_i ξ^ν_i,   J_ii = 0
/// ```
///
/// The local field of a stored pattern is `(1 - P_ii) ξ_i` with `0 ≤ P_ii ≤ 1` the diagonal of the projector, so every
/// pattern is a fixed point, however many and however correlated; basins vanish as `p → n`. Linearly dependent
/// patterns span less and are no error.
///
/// Cost: `p² n` to orthogonalize (Gram-Schmidt, twice), `p n²` for the couplings.
///
/// Reference: Personnaz, Guyon & Dreyfus, Phys. Rev. A 34:4217 (1986), doi:10.1103/PhysRevA.34.4217; the diagonal is
/// set to zero as in Kanter & Sompolinsky, Phys. Rev. A 35:380 (1987), doi:10.1103/PhysRevA.35.380.
///
/// # Errors
/// If there are no patterns, they differ in size or are empty, or an entry is not ±1.
pub fn pseudo_inverse(patterns: &[Vec<i8>]) -> Result<Pairwise, PhysicsError> {
    let n = pattern_size(patterns)?;
    let basis = orthonormal_basis(patterns)?;
    let entry = |i: usize, j: usize| basis.iter().map(|q| q[i] * q[j]).sum::<f64>();
    let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
    let bonds = pairs.map(|(i, j)| (i, j, entry(i, j))).filter(|bond| bond.2.abs() > ROUNDING);
    Pairwise::from_bonds(bonds, vec![0.0; n])
}

/// Orthonormal vectors `q_k` of `n` entries that span the patterns, at most one for each pattern. `Σ_k q_k q_kᵀ` is the projector of
/// the [`pseudo_inverse`] rule. Each pattern is made orthogonal twice, which is enough: Giraud, Langou, Rozložník & van den Eshof,
/// Numer. Math. 101:87 (2005), doi:10.1007/s00211-005-0615-4.
///
/// # Errors
/// As [`pseudo_inverse`].
pub fn orthonormal_basis(patterns: &[Vec<i8>]) -> Result<Vec<Vec<f64>>, PhysicsError> {
    let n = pattern_size(patterns)?;
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for pattern in patterns {
        let mut rest: Vec<f64> = pattern.iter().map(|x| f64::from(*x) / (n as f64).sqrt()).collect();
        for q in basis.iter().chain(&basis) {
            let along = dot(q, &rest);
            rest.iter_mut().zip(q).for_each(|(x, y)| *x -= along * y);
        }
        let norm = dot(&rest, &rest).sqrt();
        if norm > NEW_DIRECTION {
            rest.iter_mut().for_each(|x| *x /= norm);
            basis.push(rest);
        }
    }
    Ok(basis)
}

/// Storkey's rule, which adds the patterns one after the other in the order given: with `J⁰ = 0`
///
/// ```text
/// J^μ_ij = J^{μ-1}_ij + (1/n) (ξ^μ_i ξ^μ_j - ξ^μ_i h^μ_ji - h^μ_ij ξ^μ_j),   h^μ_ij = Σ_{k≠i,j} J^{μ-1}_ik ξ^μ_k
/// ```
///
/// Local and incremental like Hebb's, with a larger capacity, `n / √(2 ln n)` in the sense in which Hebb's rule has
/// `n / (2 ln n)`.
///
/// Cost: `p n²`.
///
/// Reference: Storkey, "Increasing the capacity of a Hopfield network without sacrificing functionality", ICANN 1997,
/// LNCS 1327:451, doi:10.1007/BFb0020196.
///
/// Differences from the paper: the diagonal, which no `h_ij` reads, is zero.
///
/// # Errors
/// If there are no patterns, they differ in size or are empty, or an entry is not ±1.
pub fn storkey(patterns: &[Vec<i8>]) -> Result<Pairwise, PhysicsError> {
    let n = pattern_size(patterns)?;
    let mut couplings = vec![0.0; n * n];
    for pattern in patterns {
        let xi: Vec<f64> = pattern.iter().map(|x| f64::from(*x)).collect();
        let fields: Vec<f64> =
            couplings.chunks(n).map(|row| row.iter().zip(&xi).map(|(value, x)| value * x).sum()).collect();
        for i in 0..n {
            for j in i + 1..n {
                let old = couplings[i * n + j];
                let (h_ij, h_ji) = (fields[i] - old * xi[j], fields[j] - old * xi[i]);
                let new = old + (xi[i] * xi[j] - xi[i] * h_ji - h_ij * xi[j]) / n as f64;
                couplings[i * n + j] = new;
                couplings[j * n + i] = new;
            }
        }
    }
    Pairwise::from_matrix(&couplings, vec![0.0; n])
}
