//! Couplings and fields as one vector of centered parameters, which are nearly independent.
//!
//! ```text
//! -H = Σ_{i<j} J_ij (s_i - m_i)(s_j - m_j) + Σ_i g_i (s_i - m_i),   g_i = h_i + Σ_j J_ij m_j
//! ```
//!
//! with the means `m` of the data. For weakly coupled spins the Fisher information of these parameters is diagonal, with
//! entries `v_i v_j` and `v_i`, `v_i = 1 - m_i²`. There the gradient divided by these entries is a Newton step.
//!
//! Reference: Melchior, Fischer & Wiskott, J. Mach. Learn. Res. 17(99):1 (2016), for centering Boltzmann machines.

use super::Moments;
use crate::{Pairwise, PhysicsError};

/// The parametrization that belongs to the moments of the data.
#[derive(Clone, Debug)]
pub(super) struct Centered {
    pub(super) moments: Moments,
}

impl Centered {
    /// # Errors
    /// If a spin never flips.
    pub(super) fn new(moments: Moments) -> Result<Self, PhysicsError> {
        moments.check_flips()?;
        Ok(Self { moments })
    }

    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let n = self.moments.n_spins();
        (0..n).flat_map(move |i| (i + 1..n).map(move |j| (i, j)))
    }

    /// `J = 0` and the fields of spins with the means of the data: `g` first, then `J`.
    pub(super) fn start(&self) -> Vec<f64> {
        let fields = self.moments.means.iter().map(|m| m.atanh());
        fields.chain(self.pairs().map(|_| 0.0)).collect()
    }

    /// `[n (n + 1) / 2]` entries of the Fisher information without couplings.
    pub(super) fn scale(&self) -> Vec<f64> {
        let variance = |i| self.moments.variance(i);
        let fields = (0..self.moments.n_spins()).map(variance);
        fields.chain(self.pairs().map(|(i, j)| variance(i) * variance(j))).collect()
    }

    /// Couplings and fields of the parameters.
    ///
    /// # Errors
    /// If they are not finite.
    pub(super) fn couplings(&self, parameters: &[f64]) -> Result<Pairwise, PhysicsError> {
        let m = &self.moments.means;
        let (fields, values) = parameters.split_at(m.len());
        let mut fields = fields.to_vec();
        for ((i, j), value) in self.pairs().zip(values) {
            fields[i] -= value * m[j];
            fields[j] -= value * m[i];
        }
        Pairwise::from_bonds(self.pairs().zip(values).map(|((i, j), value)| (i, j, *value)), fields)
    }

    /// The parameters of given couplings.
    pub(super) fn parameters(&self, couplings: &Pairwise) -> Vec<f64> {
        let (m, matrix) = (&self.moments.means, couplings.matrix());
        let pulls =
            matrix.chunks(m.len()).map(|row| row.iter().zip(m).map(|(value, m)| value * m).sum::<f64>());
        let fields = couplings.field().iter().zip(pulls).map(|(h, pull)| h + pull);
        fields.chain(self.pairs().map(|(i, j)| matrix[i * m.len() + j])).collect()
    }

    /// Gradient of the mean log-likelihood where the model has these moments.
    pub(super) fn gradient(&self, means: &[f64], correlations: &[f64]) -> Vec<f64> {
        let data = &self.moments;
        let (n, m) = (data.n_spins(), &data.means);
        let fields = (0..n).map(|i| m[i] - means[i]);
        let pairs = self.pairs().map(|(i, j)| {
            let model = correlations[i * n + j] - m[i] * means[j] - m[j] * means[i] + m[i] * m[j];
            data.connected(i, j) - model
        });
        fields.chain(pairs).collect()
    }
}
