//! Means and correlations of samples.

use nalgebra::DMatrix;

use crate::{PhysicsError, exact::Enumeration};

/// Smallest share of the variance of a spin, given all others, for which the correlations have an inverse. Rounding leaves about
/// `n` times the accuracy of f64, and samples give either more or 0.
const SINGULAR: f64 = 1e-11;

/// Means and correlations of spins.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// `m_i = ⟨s_i⟩`, `[n]`.
    pub means: Vec<f64>,
    /// `⟨s_i s_j⟩`, `[n, n]` row-major, not connected: the diagonal is 1.
    pub correlations: Vec<f64>,
    /// Different configurations that they were taken from.
    pub(super) distinct: usize,
}

impl From<&Enumeration> for Moments {
    /// Those of the model itself.
    fn from(exact: &Enumeration) -> Self {
        let distinct = 1usize.checked_shl(exact.means.len() as u32).unwrap_or(usize::MAX);
        Self { means: exact.means.clone(), correlations: exact.correlations.clone(), distinct }
    }
}

impl Moments {
    /// Number of spins.
    pub fn n_spins(&self) -> usize {
        self.means.len()
    }

    /// `C_ij = ⟨s_i s_j⟩ - m_i m_j`.
    pub fn connected(&self, i: usize, j: usize) -> f64 {
        self.correlations[i * self.n_spins() + j] - self.means[i] * self.means[j]
    }

    /// `1 - m_i²`.
    pub fn variance(&self, i: usize) -> f64 {
        (1.0 - self.means[i]) * (1.0 + self.means[i])
    }

    /// Root mean square of the differences in all `⟨s_i⟩` and `⟨s_i s_j⟩`, `i < j`.
    ///
    /// # Panics
    /// If `other` is of another number of spins.
    pub fn gap(&self, other: &Self) -> f64 {
        let n = self.n_spins();
        assert_eq!(n, other.n_spins(), "moments of as many spins");
        let singles = self.means.iter().zip(&other.means);
        let pairs = (0..n).flat_map(|i| (0..i).map(move |j| i * n + j));
        let pairs = pairs.map(|at| (&self.correlations[at], &other.correlations[at]));
        let sum: f64 = singles.chain(pairs).map(|(a, b)| (a - b).powi(2)).sum();
        (sum / (n * (n + 1) / 2) as f64).sqrt()
    }

    /// That every spin flips.
    ///
    /// # Errors
    /// Names the first that does not.
    pub(super) fn check_flips(&self) -> Result<(), PhysicsError> {
        // A mean of ±1 is a sum of shares, each rounded.
        match self.means.iter().position(|m| 1.0 - m.abs() < SINGULAR) {
            Some(i) => Err(PhysicsError::NoSolution(format!(
                "spin {i} is {value} in every sample, so its field is not finite; leave it out or take more samples",
                value = if self.means[i] > 0.0 { 1 } else { -1 }
            ))),
            None => Ok(()),
        }
    }

    /// `C⁻¹`, `[n, n]`.
    ///
    /// # Errors
    /// If a spin never flips, or is determined by the others.
    pub(super) fn inverse(&self) -> Result<DMatrix<f64>, PhysicsError> {
        self.check_flips()?;
        let n = self.n_spins();
        let singular = PhysicsError::NoSolution(format!(
            "the correlations of {n} spins have no inverse, as some spins determine another or the {distinct} different samples are too few; take more, or pseudo-likelihood with a penalty",
            distinct = self.distinct
        ));
        // Scaled to a unit diagonal, a pivot is the share of variance that the spins before it leave.
        let scale: Vec<f64> = (0..n).map(|i| self.variance(i).sqrt()).collect();
        let matrix = DMatrix::from_fn(n, n, |i, j| self.connected(i, j) / (scale[i] * scale[j]));
        let factor = matrix.cholesky().ok_or_else(|| singular.clone())?;
        if factor.l_dirty().diagonal().iter().any(|pivot| pivot * pivot < SINGULAR) {
            return Err(singular);
        }
        let inverse = factor.inverse();
        // The two halves are rounded differently.
        Ok(DMatrix::from_fn(n, n, |i, j| 0.5 * (inverse[(i, j)] + inverse[(j, i)]) / (scale[i] * scale[j])))
    }
}
