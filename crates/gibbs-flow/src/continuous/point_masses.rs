//! The velocity of variables that often have the same value.
//!
//! ```text
//! σ² = (1-t)² + (s·t)²,    z_k = (x - t·e_k)/σ,    v_k = e_k + σ'·z_k,    σ' = (s²·t - (1-t))/σ
//! p_k = softmax(a_k - z_k²/2 - ln σ, 0)_k
//! v = Σ_k p_k·v_k + (1 - Σ_k p_k)·u
//! ```
//!
//! A variable that always has the value `e_k`, with standard deviation `s`, has the distribution `N(t·e_k, σ²)` on its straight path
//! from the base. Its velocity is `v_k`. If it has this value with some probability only, Bayes' theorem gives a mean of velocities,
//! weighted by their probabilities given the place of the variable. A network computes the velocity `u` of all other values, and the
//! log-odds `a_k` of the value `e_k` against these. It need not learn the known part, whose slope is `1/s` at the end.
//!
//! References: Lipman et al., ICLR 2023, arXiv:2210.02747, theorem 3, for the velocity of a Gaussian path, and equation 8 for that
//! of a mixture. Fourier features in Kingma et al., "Variational diffusion models", NeurIPS 2021, arXiv:2107.00630, serve the
//! same purpose for images.

use burn::prelude::*;
use gibbs_backend::exp;

use super::dual::Dual;

/// Velocities of variables that have the value `at[k]` with a probability that a network computes.
#[derive(Clone, Copy, Debug)]
pub(super) struct PointMasses<'a> {
    pub(super) at: &'a [f64],
    pub(super) std: f64,
}

impl PointMasses<'_> {
    /// Velocities `[n, R, C, p]` of variables `x [n, R, C, p]` at times `t [m, 1]`. The channels of `outputs` are `p` of `u`, then `p` of
    /// each `a_k`.
    pub(super) fn velocity(self, t: &Tensor<2>, x: Dual, outputs: Dual) -> Dual {
        let ([m, _], [.., p]) = (t.dims(), x.value.dims());
        let t = t.clone().reshape([m, 1, 1, 1]);
        let rest = t.clone().neg() + 1.0;
        let variance = rest.clone().powi_scalar(2) + t.clone().powi_scalar(2) * self.std.powi(2);
        let sigma = variance.clone().sqrt();
        let growth = (t.clone() * self.std.powi(2) - rest) / sigma.clone();
        let log_sigma = variance.log() * 0.5;
        let channel = |outputs: &Tensor<4>, k: usize| outputs.clone().narrow(3, k * p, p);

        let u = channel(&outputs.value, 0);
        let places: Vec<Tensor<4>> =
            self.at.iter().map(|at| (x.value.clone() - t.clone() * *at) / sigma.clone()).collect();
        let log_odds: Vec<Tensor<4>> = places
            .iter()
            .enumerate()
            .map(|(k, z)| channel(&outputs.value, k + 1) - z.clone().powi_scalar(2) * 0.5 - log_sigma.clone())
            .collect();
        // Subtracted from all, so that nothing overflows; the weights do not depend on it.
        let most = log_odds.iter().fold(u.zeros_like(), |most, odds| most.max_pair(odds.clone())).detach();
        let odds: Vec<Tensor<4>> = log_odds.into_iter().map(|odds| exp(odds - most.clone())).collect();
        let total = odds.iter().fold(exp(most.neg()), |total, odds| total + odds.clone());
        let weights = odds.into_iter().map(|odds| odds / total.clone());
        // The change of velocity by each point mass, with its weight.
        let pulls: Vec<(Tensor<4>, Tensor<4>)> = weights
            .zip(self.at.iter().zip(&places))
            .map(|(weight, (at, z))| (weight, z.clone() * growth.clone() + *at - u.clone()))
            .collect();
        let pull =
            pulls.iter().fold(u.zeros_like(), |sum, (weight, pull)| sum + weight.clone() * pull.clone());
        let value = u + pull.clone();
        let (Some(dx), Some(outputs)) = (x.tangent, outputs.tangent) else {
            return Dual { value, tangent: None };
        };
        // With w_k the weights and l_k = ln(odds): dv = du + Σ w_k·(dv_k - du) + Σ w_k·dl_k·(v_k - v).
        let du = channel(&outputs, 0);
        let dz = dx / sigma;
        let tangent = pulls.into_iter().zip(places).enumerate().fold(
            du.clone(),
            |change, (k, ((weight, of_mass), z))| {
                let dl = channel(&outputs, k + 1) - z * dz.clone();
                let along = dz.clone() * growth.clone() - du.clone();
                change + weight * (along + dl * (of_mass - pull.clone()))
            },
        );
        Dual { value, tangent: Some(tangent) }
    }
}
