//! Annealed importance sampling (AIS) of continuous variables: from a standard normal distribution to `exp(-E)`.
//!
//! ```text
//! f_β(u) = N(u; 0, 1)^{1-β} · exp(-β E(u)),    β_k = k/K
//! forward   u_0 ~ N(0, 1),  u_k from u_{k-1} by a step of Hamiltonian Monte Carlo for f_{β_k}
//!           log w = Σ_{k<K} log f_{β_{k+1}}(u_k) - log f_{β_k}(u_k),      E[w] = Z = ∫ exp(-E),  so E[log w] ≤ ln Z
//! reverse   u_{K-1} from u_K ~ exp(-E)/Z by a step for f_{β_{K-1}}, and so on down to u_0
//!           the same sum along this chain,                               E[1/w] = 1/Z,          so E[log w] ≥ ln Z
//! ```
//!
//! Both bounds approach `ln Z` as the number of temperatures grows. The reverse chain needs an exact draw of `exp(-E)/Z` to start from.
//!
//! References: Neal, "Annealed importance sampling", Statistics and Computing 11:125 (2001), arXiv:physics/9803008; Grosse, Ghahramani &
//! Adams, "Sandwiching the marginal likelihood using bidirectional Monte Carlo", 2015, arXiv:1511.02543, for the reverse chain; Wu, Burda,
//! Salakhutdinov & Grosse, ICLR 2017, arXiv:1611.04273, for decoders.
//!
//! Cost: `L + 1` gradients and one value of the energy for each temperature, `L` the leapfrog steps. All chains move together.

use burn::prelude::*;
use gibbs_backend::Noise;

use crate::{
    Energy,
    hmc::{DualAveraging, Hmc, HmcState},
    math::{log_normal, row_zeros, to_host},
};

/// Acceptance at which trajectories of fixed length are most efficient (Hoffman & Gelman 2014, arXiv:1111.4246, section 4.2).
const ACCEPTANCE: f64 = 0.65;

/// The temperatures of a pass and the Markov kernel between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnnealedHmc {
    temperatures: usize,
    hmc: Hmc,
}

impl AnnealedHmc {
    /// A pass of `temperatures` intervals between `β = 0` and `β = 1`, with one step of `hmc` at each `β` between them. One interval is
    /// plain importance sampling.
    ///
    /// # Panics
    /// If there are no intervals.
    pub fn new(temperatures: usize, hmc: Hmc) -> Self {
        assert!(temperatures > 0, "at least one interval of temperatures");
        Self { temperatures, hmc }
    }

    /// Number of intervals between `β = 0` and `β = 1`.
    pub fn temperatures(&self) -> usize {
        self.temperatures
    }

    /// The Markov kernel.
    pub fn hmc(&self) -> Hmc {
        self.hmc
    }

    /// The pass with a step size at which about 65 % of the trajectories are accepted, from a pilot pass of `[chains, width]` chains.
    /// Weights of the pilot pass are not used, so the estimates with the new step size stay unbiased.
    #[must_use]
    pub fn adapted(mut self, energy: &(impl Energy + ?Sized), start: Tensor<2>, noise: &mut Noise) -> Self {
        let mut sizes = DualAveraging::new(self.hmc.step_size(), ACCEPTANCE);
        let mut u = start;
        for k in 1..self.temperatures {
            let energy = self.at(energy, k);
            let hmc = self.hmc.with_step_size(sizes.trial());
            let (state, transition) = hmc.step(&energy, HmcState::new(&energy, u), noise);
            sizes.update(to_host(transition.acceptance())[0]);
            u = state.x().clone();
        }
        self.hmc = self.hmc.with_step_size(sizes.step_size());
        self
    }

    /// `log w` of forward chains from `u [n, width] ~ N(0, 1)`: `[n]`, nats, with the ends of the chains `[n, width]`.
    pub fn forward(
        &self,
        energy: &(impl Energy + ?Sized),
        mut u: Tensor<2>,
        noise: &mut Noise,
    ) -> (Tensor<1>, Tensor<2>) {
        let mut log_weights = row_zeros(&u);
        for k in 0..self.temperatures {
            if k > 0 {
                u = self.step(energy, k, u, noise);
            }
            log_weights = log_weights + self.log_ratio(energy, &u);
        }
        (log_weights, u)
    }

    /// `log w` of reverse chains from exact draws `u [n, width] ~ exp(-E)/Z`: `[n]`, nats.
    pub fn reverse(&self, energy: &(impl Energy + ?Sized), mut u: Tensor<2>, noise: &mut Noise) -> Tensor<1> {
        let mut log_weights = row_zeros(&u);
        for k in (0..self.temperatures).rev() {
            log_weights = log_weights + self.log_ratio(energy, &u);
            if k > 0 {
                u = self.step(energy, k, u, noise);
            }
        }
        log_weights
    }

    fn step(&self, energy: &(impl Energy + ?Sized), k: usize, u: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        let energy = self.at(energy, k);
        self.hmc.step(&energy, HmcState::new(&energy, u), noise).0.x().clone()
    }

    /// `-log f_β` at `β = k/K`.
    fn at<'a, E: Energy + ?Sized>(&self, energy: &'a E, k: usize) -> impl Fn(Tensor<2>) -> Tensor<1> + 'a {
        let beta = k as f64 / self.temperatures as f64;
        move |u| energy.energy(u.clone()) * beta - log_normal(u) * (1.0 - beta)
    }

    /// `log f_{β_{k+1}}(u) - log f_{β_k}(u)`, the same for every `k`.
    fn log_ratio(&self, energy: &(impl Energy + ?Sized), u: &Tensor<2>) -> Tensor<1> {
        let at = u.clone().autodiff();
        let difference = energy.energy(at.clone()) + log_normal(at);
        difference.without_autodiff() * -(self.temperatures as f64).recip()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::DType;
    use gibbs_testkit::SIGMAS;

    use super::*;
    use crate::{Estimate, math::log_mean_exp_estimate};

    /// Cells of the quadrature, of width 1e-3.
    fn cells() -> impl Iterator<Item = f64> {
        (-5000..5000).map(|i| (f64::from(i) + 0.5) * 1e-3)
    }

    fn energy_of(x: f64) -> f64 {
        (x * x - 1.0) * (x * x - 1.0) * 2.0 + 0.5 * x
    }

    /// Two wells of different depth.
    fn wells(x: Tensor<2>) -> Tensor<1> {
        let square = x.clone().square() - 1.0;
        (square.square() * 2.0 + x * 0.5).squeeze_dim(1)
    }

    /// The midpoint rule, whose error for an analytic function that decays at both ends is far below rounding.
    fn log_z() -> f64 {
        (cells().map(|x| (-energy_of(x)).exp()).sum::<f64>() * 1e-3).ln()
    }

    /// Independent draws of the wells by inversion, uniform within a cell.
    fn draws(n: usize, noise: &mut Noise) -> Tensor<2> {
        let weights: Vec<f64> = cells().map(|x| (-energy_of(x)).exp()).collect();
        let total: f64 = weights.iter().sum();
        let probs: Vec<f64> = weights.iter().map(|w| w / total).collect();
        let cells: Vec<f64> = cells().collect();
        let x: Vec<f64> = gibbs_testkit::draw_states(&probs, n, noise)
            .into_iter()
            .map(|cell| cells[cell] + (noise.next_uniform() - 0.5) * 1e-3)
            .collect();
        Tensor::from_data(TensorData::new(x, [n, 1]), (&Device::flex(), DType::F64))
    }

    fn normal(n: usize, noise: &mut Noise) -> Tensor<2> {
        noise.normal([n, 1], (&Device::flex(), DType::F64))
    }

    fn pass(temperatures: usize) -> AnnealedHmc {
        AnnealedHmc::new(temperatures, Hmc::new(0.3, 4).with_jitter(0.2))
    }

    #[test]
    fn weights_have_the_mean_z_in_both_directions() {
        let noise = &mut Noise::new(0, "annealing");
        for temperatures in [1, 3, 20] {
            let pass = pass(temperatures);
            let start = normal(20_000, noise);
            let forward: Vec<f64> = to_host(pass.forward(&wells, start, noise).0);
            let start = draws(20_000, noise);
            let reverse = to_host(pass.reverse(&wells, start, noise));
            let weights: Vec<f64> = forward.iter().map(|w| (w - log_z()).exp()).collect();
            let inverse: Vec<f64> = reverse.iter().map(|w| (log_z() - w).exp()).collect();
            for weights in [&weights, &inverse] {
                let mean = Estimate::mean(weights);
                assert!((mean.value - 1.0).abs() < SIGMAS * mean.std_err, "{temperatures}: {mean}");
            }
            let [lower, upper] = [&forward, &reverse].map(|log_weights| Estimate::mean(log_weights));
            assert!(lower.value < log_z() && log_z() < upper.value, "{temperatures}: {lower} {upper}");
        }
    }

    #[test]
    fn the_gap_between_the_bounds_closes() {
        let noise = &mut Noise::new(1, "annealing");
        let mut gap = |temperatures| {
            let start = normal(2000, noise);
            let lower = Estimate::mean(&to_host(pass(temperatures).forward(&wells, start, noise).0));
            let start = draws(2000, noise);
            Estimate::mean(&to_host(pass(temperatures).reverse(&wells, start, noise))).minus(&lower).value
        };
        let gaps = [gap(2), gap(10), gap(100)];
        assert!(gaps[1] < 0.5 * gaps[0] && gaps[2] < 0.3 * gaps[1], "{gaps:?}");
    }

    #[test]
    fn one_interval_is_importance_sampling() {
        let (noise, other) = (&mut Noise::new(2, "annealing"), &mut Noise::new(2, "annealing"));
        let start = normal(100, noise);
        let annealed = to_host(pass(1).forward(&wells, start.clone(), noise).0);
        assert_eq!(annealed, to_host((wells(start.clone()) + log_normal(start)) * -1.0));
        normal(100, other);
        assert_eq!(noise.next_uniform(), other.next_uniform(), "no further draws");
    }

    #[test]
    fn stated_errors_cover_the_truth() {
        let runs: u32 = 60;
        let covered = (0..runs).filter(|&seed| {
            let noise = &mut Noise::new(u64::from(seed), "coverage");
            let start = normal(200, noise);
            let pass = pass(20).adapted(&wells, start.clone(), noise);
            let start = normal(200, noise);
            let estimate = log_mean_exp_estimate(&to_host(pass.forward(&wells, start, noise).0));
            (estimate.value - log_z()).abs() < 2.0 * estimate.std_err
        });
        // 95.4 % of 60 runs are 57.3 with a standard deviation of 1.6.
        let covered = covered.count();
        assert!(covered >= 51, "{covered} of {runs}");
    }
}
