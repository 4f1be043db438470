//! Free energies from a sampler with a density: a variational distribution `q` for a Hamiltonian.
//!
//! ```text
//! w(x) = exp(-E(x)) / q(x),    x ~ q,    Z = E_q[w]
//! E_q[ln w] ≤ ln Z             the variational bound; the gap is KL(q ‖ p)
//! ln (1/n Σ_i w_i) → ln Z      importance sampling: asymptotic for every q with q > 0 wherever p > 0
//! ⟨f⟩ ≈ Σ_i w_i f_i / Σ_i w_i
//! n_eff = (Σ_i w_i)² / Σ_i w_i²
//! x_i -> x_{i+1} with probability min(1, w_{i+1} / w_i)      the neural Markov chain
//! ∇_θ E_q[ln q + E] = E_q[(ln q + E - b) ∇_θ ln q]           score function, for every b that does not depend on x
//!                   = E_z[∂x/∂θ · ∇_x (ln q + E)(x)]         path gradient, for x = x_θ(z) and a fixed distribution of z
//! ```
//!
//! References: Wu, Wang & Zhang, Phys. Rev. Lett. 122:080602 (2019), arXiv:1809.10606, for the bound and its gradient;
//! Nicoli et al., Phys. Rev. E 101:023304 (2020), arXiv:1910.13496, for importance sampling and the Markov chain of
//! neural samplers; Hastings, Biometrika 57:97 (1970), doi:10.1093/biomet/57.1.97, for chains of independent proposals;
//! Roeder, Wu & Duvenaud, NeurIPS 2017, arXiv:1703.09194, for the path gradient.

use std::sync::Arc;

use burn::{module::Module, prelude::*};
use gibbs_backend::Noise;

use crate::{
    Batch, BoxError, Energy, Estimate, Kind, LogProb, Objective, Position, Sample, StepOutput,
    importance::WeightSpread,
    math::{self, log_mean_exp_estimate, to_host},
    symmetry::{Symmetrized, SymmetryGroup},
};

/// Log-probabilities and dimensionless energies of independent draws `x_i ~ q`.
#[derive(Clone, Debug, PartialEq)]
pub struct Draws {
    log_q: Vec<f64>,
    energy: Vec<f64>,
    log_weights: Vec<f64>,
}

impl Draws {
    /// Draws with `ln q(x_i)`, nats, and dimensionless `E(x_i)`, as in `p(x) = exp(-E(x)) / Z`.
    ///
    /// # Panics
    /// If there are no draws, or if the two lengths differ.
    pub fn new(log_q: Vec<f64>, energy: Vec<f64>) -> Self {
        assert!(!log_q.is_empty(), "at least one draw");
        assert_eq!(log_q.len(), energy.len(), "a log-probability and an energy for each draw");
        let log_weights = log_q.iter().zip(&energy).map(|(log_q, energy)| -energy - log_q).collect();
        Self { log_q, energy, log_weights }
    }

    /// Draws `n` times from `model`, in batches of `at_once` draws. `see` receives each batch `[batch, width]`.
    ///
    /// # Panics
    /// If `n` or `at_once` is 0.
    pub fn from_model(
        model: &(impl LogProb + Sample + ?Sized),
        energy: &(impl Energy + ?Sized),
        n: usize,
        at_once: usize,
        noise: &mut Noise,
        mut see: impl FnMut(&Tensor<2>),
    ) -> Self {
        assert!(at_once > 0, "draws at a time");
        let (mut log_q, mut energies) = (Vec::with_capacity(n), Vec::with_capacity(n));
        while log_q.len() < n {
            let x = model.sample(at_once.min(n - log_q.len()), noise);
            see(&x);
            log_q.extend(to_host(model.log_prob(x.clone())));
            energies.extend(to_host(energy.energy(x)));
        }
        Self::new(log_q, energies)
    }

    /// Number of draws.
    pub fn len(&self) -> usize {
        self.log_q.len()
    }

    /// Always `false`: there is at least one draw.
    pub fn is_empty(&self) -> bool {
        self.log_q.is_empty()
    }

    /// `ln q(x_i)`, nats.
    pub fn log_q(&self) -> &[f64] {
        &self.log_q
    }

    /// `E(x_i)`.
    pub fn energy(&self) -> &[f64] {
        &self.energy
    }

    /// `ln w_i = -E(x_i) - ln q(x_i)`.
    pub fn log_weights(&self) -> &[f64] {
        &self.log_weights
    }

    /// `E_q[ln w]`, a lower bound of `ln Z` in nats.
    pub fn log_z_bound(&self) -> Estimate {
        Estimate::mean(&self.log_weights).with_kind(Kind::LowerBound)
    }

    /// `ln Z` by importance sampling, nats.
    pub fn log_z(&self) -> Estimate {
        log_mean_exp_estimate(&self.log_weights)
    }

    /// How evenly the weights are spread. What is estimated with the weights, here and by the chain, is as good as they are.
    pub fn spread(&self) -> WeightSpread {
        WeightSpread::of(&self.log_weights)
    }

    /// `w_i / w̄`.
    fn relative_weights(&self) -> Vec<f64> {
        let mean = math::log_mean_exp(&self.log_weights);
        self.log_weights.iter().map(|log_weight| (log_weight - mean).exp()).collect()
    }

    /// The effective sample size `n_eff`, at most the number of draws. Its standard error comes from the delta method:
    /// `n_eff/n = w̄² / mean w²`, and the linearization in both means is `n_eff/n · (2 w/w̄ - w² / mean w²)`.
    pub fn effective_sample_size(&self) -> Estimate {
        let n = self.len() as f64;
        let weights = self.relative_weights();
        let squares = weights.iter().map(|w| w * w).sum::<f64>() / n;
        let linear: Vec<f64> = weights.iter().map(|w| (2.0 * w - w * w / squares) / squares).collect();
        let error = Estimate::mean(&linear).std_err * n;
        let estimate = Estimate::sampled(n / squares, error, Kind::Asymptotic, self.len());
        estimate.or_unreliable(self.spread().unreliable())
    }

    /// The mean `⟨f⟩` under `p`, from one value `f(x_i)` for each draw. Its standard error comes from the delta method: it is the
    /// standard error of the mean of `w_i/w̄ (f_i - ⟨f⟩)`.
    ///
    /// # Panics
    /// If the number of values is not the number of draws.
    pub fn average(&self, values: &[f64]) -> Estimate {
        assert_eq!(values.len(), self.len(), "a value for each draw");
        let weights = self.relative_weights();
        let mean = weights.iter().zip(values).map(|(w, f)| w * f).sum::<f64>() / self.len() as f64;
        let residuals: Vec<f64> = weights.iter().zip(values).map(|(w, f)| w * (f - mean)).collect();
        let error = Estimate::mean(&residuals).std_err;
        self.spread().describe(Estimate::sampled(mean, error, Kind::Asymptotic, self.len()))
    }

    /// Runs the Markov chain that starts at the first draw and proposes the other draws in their order.
    ///
    /// In equilibrium the chain samples from `p`. Rejections correlate its states. It draws one uniform number for each proposal.
    pub fn markov_chain(&self, noise: &mut Noise) -> MarkovChain {
        let mut held = Vec::with_capacity(self.len());
        let (mut at, mut accepted) = (0, Vec::with_capacity(self.len().saturating_sub(1)));
        held.push(at);
        for proposal in 1..self.len() {
            let ratio = self.log_weights[proposal] - self.log_weights[at];
            let accepts = noise.next_uniform().ln() < ratio;
            accepted.push(f64::from(u8::from(accepts)));
            at = if accepts { proposal } else { at };
            held.push(at);
        }
        MarkovChain { held, accepted }
    }
}

/// A run of a Markov chain with independent proposals.
#[derive(Clone, Debug, PartialEq)]
pub struct MarkovChain {
    /// The state of the chain at each time: the index of a draw.
    pub held: Vec<usize>,
    /// 1 for an accepted proposal, else 0.
    pub accepted: Vec<f64>,
}

/// A loss `[1]` whose gradient is the score-function estimate of `∇ E_q[ln q + E]`. Up to a constant, `E_q[ln q + E]` is the
/// Kullback-Leibler divergence from `q` to `exp(-E)/Z`.
///
/// ```text
/// loss = 1/n Σ_i (R_i - b_i) ln q(x_i),    R = ln q + E held fixed,    b_i = mean of R_j over j ≠ i
/// ```
///
/// The baseline `b_i` keeps the estimate unbiased. `log_q [n]` is differentiable; `energy [n]` belongs to the same independent
/// draws. The value of the loss has no meaning: training minimizes the mean of `R`.
///
/// References: Williams, Machine Learning 8:229 (1992), doi:10.1007/BF00992696; Kool, van Hoof & Welling, "Buy 4 REINFORCE
/// samples, get a baseline for free!", 2019, for the baseline.
///
/// # Panics
/// If the two lengths differ, or if there are fewer than two draws.
pub fn score_function_loss(log_q: Tensor<1>, energy: Tensor<1>) -> Tensor<1> {
    let [n] = log_q.dims();
    assert_eq!(energy.dims(), [n], "an energy for each draw");
    assert!(n > 1, "a baseline needs at least two draws");
    let reward = log_q.clone().detach() + energy;
    let advantage = reward.clone() - reward.mean();
    (advantage * log_q).sum() * (1.0 / (n as f64 - 1.0))
}

/// A loss whose gradient is the path gradient, with the log-densities and energies of its draws.
#[derive(Clone, Debug)]
pub struct PathGradient {
    /// The loss `[1]`, differentiable in the parameters. Its value has no meaning.
    pub loss: Tensor<1>,
    /// `ln q(x_i)`, nats: `[n]`, without autodiff.
    pub log_q: Tensor<1>,
    /// `E(x_i)`: `[n]`, without autodiff.
    pub energy: Tensor<1>,
}

/// The path gradient of `E_q[ln q + E]` for draws `x = x_θ(z)` that depend on the parameters, such as draws of a normalizing
/// flow. Up to a constant, `E_q[ln q + E]` is the Kullback-Leibler divergence from `q` to `exp(-E)/Z`.
///
/// ```text
/// d/dθ (ln q_θ + E)(x_θ(z)) = ∂x/∂θ · ∇_x (ln q_θ + E)(x)  +  ∂_θ ln q_θ(x) at fixed x
/// loss = 1/n Σ_i x_i · g_i,   g_i = ∇_x (ln q + E)(x_i) held fixed
/// ```
///
/// The last term, the score, has the expectation zero. The path gradient omits it. If `q` equals `p`, then `ln q + E` is
/// constant and every `g_i` is zero: the path gradient has no variance at the optimum. The gradient with the score has one.
///
/// `x [n, width]` is on an autodiff device and differentiable in the parameters. `x` may also be the image of draws under a
/// random symmetry; `model` is then the density of the mixture ([`Symmetrized`]). This
/// function differentiates `model` and `energy` at `x`; the caller differentiates the loss. Set the parameters of `model` to
/// `no_grad()`: their gradients are not used.
///
/// References: Roeder, Wu & Duvenaud, "Sticking the landing", NeurIPS 2017, arXiv:1703.09194; Vaitl, Nicoli, Nakajima &
/// Kessel, Mach. Learn.: Sci. Technol. 3:045006 (2022), arXiv:2207.08219, for flows.
///
/// # Panics
/// If `x` is not on an autodiff device, or if neither the density nor the energy depends on `x`.
pub fn path_gradient(
    x: Tensor<2>,
    model: &(impl LogProb + ?Sized),
    energy: &(impl Energy + ?Sized),
) -> PathGradient {
    let n = x.dims()[0];
    let at = x.clone().detach().require_grad();
    let (log_q, energy) = (model.log_prob(at.clone()), energy.energy(at.clone()));
    let gradients = (log_q.clone() + energy.clone()).sum().backward();
    let Some(slopes) = at.grad(&gradients) else { panic!("a density or an energy that depends on x") };
    PathGradient {
        loss: (x * Tensor::from_inner(slopes)).sum() * (1.0 / n as f64),
        log_q: log_q.without_autodiff(),
        energy: energy.without_autodiff(),
    }
}

/// The inverse temperature of a step, as a fraction of the final one. It rises linearly over the fraction `annealing` of the
/// run, then it is 1.
pub fn annealed(annealing: f64, at: &Position) -> f64 {
    let rise = annealing * at.total_steps as f64;
    ((at.step + 1) as f64 / rise).min(1.0)
}

/// Converts `ln Z` to a free energy per site, `F/N = -(ln Z + offset) / (β N)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FreeEnergy {
    /// Number of sites `N`.
    pub n_sites: usize,
    /// Inverse temperature `β`.
    pub beta: f64,
    /// The offset of `ln Z`, nats, if the sampled system represents another system. Otherwise 0.
    pub log_z_offset: f64,
}

impl FreeEnergy {
    /// `1 / (β N)`.
    fn scale(&self) -> f64 {
        1.0 / (self.beta * self.n_sites as f64)
    }

    /// `F/N` from an estimate of `ln Z`. A lower bound of `ln Z` gives an upper bound of `F/N`.
    pub fn per_site(&self, log_z: Estimate) -> Estimate {
        log_z.affine(-self.scale(), -self.scale() * self.log_z_offset)
    }

    /// The upper bound of `F/N`, `[1]`, from the mean `⟨ln q + E⟩`, `[1]`.
    pub fn bound(&self, mean: Tensor<1>) -> Tensor<1> {
        (mean - self.log_z_offset) * self.scale()
    }
}

/// Trains a sampler on `exp(-E)/Z` with the [`path_gradient`] of its own draws. The sampler is averaged over a symmetry group.
///
/// Metrics: `free_energy`, the upper bound of `F/N`, and `surrogate`, the loss. The value of the loss has no meaning.
#[derive(Clone, Debug)]
pub struct PathGradientObjective<E> {
    /// The energy `E`.
    pub energy: E,
    /// The symmetry group.
    pub group: Arc<SymmetryGroup>,
    /// The conversion of the bound to a free energy per site.
    pub free_energy: FreeEnergy,
    /// Fraction of the run, during which the inverse temperature rises from zero to its final value.
    pub annealing: f64,
    /// Number of draws per step.
    pub n_draws: usize,
}

impl<M: Module + LogProb + Sample, E: Energy> Objective<M> for PathGradientObjective<E> {
    fn step(
        &mut self,
        model: &M,
        _: Batch,
        at: &Position,
        noise: &mut Noise,
    ) -> Result<StepOutput, BoxError> {
        let part = annealed(self.annealing, at);
        let x = self.group.apply_random(model.sample(self.n_draws, noise), noise);
        let energy = |x: Tensor<2>| self.energy.energy(x) * part;
        let symmetrized = Symmetrized::new(model.clone().no_grad(), self.group.clone());
        let path = path_gradient(x, &symmetrized, &energy);
        let bound = self.free_energy.bound((path.log_q + path.energy * part.recip()).mean());
        Ok(StepOutput::backward(model, "surrogate", path.loss).with_metric("free_energy", bound))
    }
}

#[cfg(test)]
mod tests;
