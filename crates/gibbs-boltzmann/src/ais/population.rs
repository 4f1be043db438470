//! Chains that are resampled while they are annealed.
//!
//! ```text
//! when  (Σ w)² / Σ w²  <  n/2:   every chain j gets about n·w_j/Σ w copies,  then all weights are (1/n) Σ w
//! W_i = Σ_{j descends from i} w_j,     E[(1/n) Σ_i W_i] = Z / Z_0
//! ```
//!
//! Chains freeze in modes of different weights. Copies of those in the heavy modes go on in the place of the light ones, so that the
//! weights stay alike. Chains with the same ancestor are not independent. The weights `W_i` of the `n` ancestors are nearly so, and
//! their spread gives the error of the mean.
//!
//! References: Hukushima & Iba, AIP Conf. Proc. 690:200 (2003), doi:10.1063/1.1632130, population annealing; Del Moral, Doucet &
//! Jasra, J. R. Stat. Soc. B 68:411 (2006), doi:10.1111/j.1467-9868.2006.00553.x; Chan & Lai, Ann. Statist. 41:2877 (2013),
//! doi:10.1214/13-AOS1172, for the error.

use gibbs_backend::Noise;
use gibbs_core::math::log_sum_exp;

/// Part of the chains that must count, below which they are resampled (Del Moral, Doucet & Jasra 2006, section 3.5).
const LEAST_PART: f64 = 0.5;

/// Logarithms of the weights of chains, and from which chain of the start each descends.
pub(super) struct Population {
    pub(super) log_weights: Vec<f64>,
    ancestors: Vec<usize>,
    is_fixed: bool,
}

impl Population {
    /// `n` chains of weight 1.
    pub(super) fn new(n: usize) -> Self {
        Self { log_weights: vec![0.0; n], ancestors: (0..n).collect(), is_fixed: false }
    }

    /// `n` chains of weight 1 that are never resampled.
    pub(super) fn of_fixed(n: usize) -> Self {
        Self { is_fixed: true, ..Self::new(n) }
    }

    /// The chains to go on with, where the weights have become too different; `None` for all as they are.
    pub(super) fn resampled(&mut self, noise: &mut Noise) -> Option<Vec<usize>> {
        let n = self.log_weights.len();
        let total = log_sum_exp(&self.log_weights);
        let squares = log_sum_exp(&self.log_weights.iter().map(|w| 2.0 * w).collect::<Vec<_>>());
        let effective = (2.0 * total - squares).exp();
        if self.is_fixed || effective.is_nan() || effective >= LEAST_PART * n as f64 {
            return None;
        }
        // Systematic resampling: one uniform number and steps of 1/n along the sums of the weights.
        let (mut next, mut sum, step) = (noise.next_uniform() / n as f64, 0.0, (n as f64).recip());
        let mut chosen = Vec::with_capacity(n);
        for (chain, log_weight) in self.log_weights.iter().enumerate() {
            sum += (log_weight - total).exp();
            while next < sum && chosen.len() < n {
                chosen.push(chain);
                next += step;
            }
        }
        // Rounding may leave the last one out.
        let last = chosen.last().copied()?;
        chosen.resize(n, last);
        self.ancestors = chosen.iter().map(|&chain| self.ancestors[chain]).collect();
        self.log_weights = vec![total - (n as f64).ln(); n];
        Some(chosen)
    }

    /// `ln W_i` of each ancestor, `-∞` for those without descendants.
    pub(super) fn of_ancestors(&self) -> Vec<f64> {
        let mut descendants = vec![Vec::new(); self.log_weights.len()];
        self.ancestors.iter().zip(&self.log_weights).for_each(|(&i, &w)| descendants[i].push(w));
        descendants.iter().map(|w| if w.is_empty() { f64::NEG_INFINITY } else { log_sum_exp(w) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_weights_stay_and_unequal_ones_keep_their_sum_and_their_ancestors() {
        let mut noise = Noise::new(0, "resampling");
        let mut population = Population::new(4);
        assert_eq!(population.resampled(&mut noise), None);
        population.log_weights = vec![0.0, 8f64.ln(), f64::NEG_INFINITY, 0.0];
        let chosen = population.resampled(&mut noise).unwrap();
        // Of weights 0.1, 0.8, 0, 0.1 the second has 3 copies or 4, the third none.
        let copies = |chain: usize| chosen.iter().filter(|&&c| c == chain).count();
        assert!((3..=4).contains(&copies(1)) && copies(2) == 0 && chosen.len() == 4, "{chosen:?}");
        assert!((log_sum_exp(&population.log_weights) - 10f64.ln()).abs() < 1e-12);
        let of_ancestors = population.of_ancestors();
        assert!((log_sum_exp(&of_ancestors) - 10f64.ln()).abs() < 1e-12, "{of_ancestors:?}");
        assert_eq!(of_ancestors[2], f64::NEG_INFINITY);
        population.log_weights[0] = f64::NAN;
        assert_eq!(population.resampled(&mut noise), None);
    }
}
