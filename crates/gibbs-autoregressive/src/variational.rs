//! Training of models of spins: from a Hamiltonian by the score function, or from examples.
//!
//! ```text
//! q_G(s) = 1/|G| Σ_{g ∈ G} q(g s)                        the model averaged over a symmetry group
//! F_β ≤ ⟨ln q_G + β H⟩ / β,    ∇⟨ln q_G + β H⟩ = ⟨(ln q_G + β H - b) ∇ ln q_G⟩
//! β rises linearly from 0 to its final value, then stays
//! ```
//!
//! Reference: Wu, Wang & Zhang, Phys. Rev. Lett. 122:080602 (2019), arXiv:1809.10606.
//!
//! Differences from the paper: the baseline `b` of a draw is the mean over the other draws (see [`score_function_loss`]). Any
//! symmetry group can be used. The inverse temperature rises linearly.
//!
//! Cost: a step draws a batch and evaluates the density of all its images under the group.

use std::sync::Arc;

use burn::{module::Module, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{
    Batch, BoxError, Energy, LogProb, Objective, Position, Sample, StepOutput,
    symmetry::{Symmetrized, SymmetryGroup},
    variational::score_function_loss,
    weighted_mean,
};

use crate::{Autoregressive, Spins, spins::KnownSpins};

/// The surrogate loss of a step on `n` draws of a model of bits on the autodiff device, and the variational bound
/// `⟨ln q + E⟩` of these draws, each `[1]`.
///
/// The draws come from the model without its symmetries: `ln q + E` is symmetric, so images of the draws give the same values.
///
/// # Panics
/// If the variables of the model are not bits, or `n` is below 2.
pub fn variational_loss<M: Module + Autoregressive>(
    model: &M,
    group: &Arc<SymmetryGroup>,
    energy: &impl Energy,
    n: usize,
    noise: &mut Noise,
) -> (Tensor<1>, Tensor<1>) {
    let s = Spins::new(model.valid()).sample(n, noise);
    let energy = energy.energy(s.clone());
    let log_q = Symmetrized::new(KnownSpins::new(model), group.clone()).log_prob(s.autodiff());
    let bound = (log_q.clone().without_autodiff() + energy.clone()).mean();
    (score_function_loss(log_q, energy.autodiff()), bound)
}

/// Minimizes the free energy of a Hamiltonian over models of bits, read as spins.
///
/// Metrics: `free_energy` (the variational bound per site, in units of the coupling), `beta` (the inverse temperature of the
/// step) and `surrogate` (the loss of the score function, whose value has no meaning).
///
/// ```
/// use burn::prelude::*;
/// use gibbs_autoregressive::{MadeConfig, ScoreFunction};
/// use gibbs_backend::Noise;
/// use gibbs_core::{Batch, Objective, Position, symmetry::SymmetryGroup};
///
/// let (device, noise) = (Device::flex(), &mut Noise::new(0, "example"));
/// let model = MadeConfig::new(6, 16.into()).init(&device.clone().autodiff(), noise)?;
/// // E = -β (Σ s)²
/// let energy = |beta: f64| move |s: Tensor<2>| s.sum_dim(1).powi_scalar(2).squeeze_dim::<1>(1) * -beta;
/// let mut objective = ScoreFunction::new(energy, SymmetryGroup::trivial(6), 0.1, 50).with_annealing(0.5);
/// let step = objective.step(&model, Batch::empty(&device), &Position::new(0, 100, 3), noise).unwrap();
/// let names: Vec<&str> = step.metrics.iter().map(|(name, _)| *name).collect();
/// assert_eq!(names, ["free_energy", "beta", "surrogate"]);
/// # Ok::<(), gibbs_autoregressive::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ScoreFunction<F> {
    energy: F,
    group: Arc<SymmetryGroup>,
    beta: f64,
    batch_size: usize,
    annealing: f64,
}

impl<F> ScoreFunction<F> {
    /// For the dimensionless energy `energy(β)` at each inverse temperature `β`, a symmetry group of the spins, the final
    /// `β` and a number of draws, at least 2.
    pub fn new(energy: F, group: impl Into<Arc<SymmetryGroup>>, beta: f64, batch_size: usize) -> Self {
        Self { energy, group: group.into(), beta, batch_size, annealing: 0.0 }
    }

    /// `β` rises from 0 during this fraction of the run, in [0, 1].
    #[must_use]
    pub fn with_annealing(self, annealing: f64) -> Self {
        Self { annealing, ..self }
    }

    /// The inverse temperature of a step.
    pub fn beta(&self, at: &Position) -> f64 {
        let rise = self.annealing * at.total_steps as f64;
        self.beta * ((at.step + 1) as f64 / rise).min(1.0)
    }
}

impl<M: Module + Autoregressive, E: Energy, F: Fn(f64) -> E> Objective<M> for ScoreFunction<F> {
    /// `noise` gives the draws. The batch is ignored.
    fn step(
        &mut self,
        model: &M,
        _: Batch,
        at: &Position,
        noise: &mut Noise,
    ) -> Result<StepOutput, BoxError> {
        let beta = self.beta(at);
        let (loss, bound) =
            variational_loss(model, &self.group, &(self.energy)(beta), self.batch_size, noise);
        let per_site = 1.0 / (beta * model.n_visible() as f64);
        let step = StepOutput::backward(model, "surrogate", loss);
        Ok(step.with_metric("beta", beta).with_metric("free_energy", bound * per_site))
    }
}

/// Maximum likelihood of examples of bits under a model of bits, averaged over symmetries of the spins. Metric: `loss`. Values
/// are not checked in each step: check the data once with [`OutputDistribution::check`](crate::OutputDistribution::check).
#[derive(Clone, Debug)]
pub struct SpinLikelihood {
    group: Arc<SymmetryGroup>,
}

impl SpinLikelihood {
    /// With a symmetry group of the spins.
    pub fn new(group: impl Into<Arc<SymmetryGroup>>) -> Self {
        Self { group: group.into() }
    }
}

impl<M: Module + Autoregressive> Objective<M> for SpinLikelihood {
    fn step(&mut self, model: &M, batch: Batch, _: &Position, _: &mut Noise) -> Result<StepOutput, BoxError> {
        let s = batch.x * 2.0 - 1.0;
        let model_of_spins = Symmetrized::new(KnownSpins::new(model), self.group.clone());
        let weights = batch.weights.map(Tensor::autodiff);
        let log_prob = model_of_spins.log_prob(s.autodiff());
        Ok(StepOutput::backward(model, "loss", weighted_mean(log_prob, weights.as_ref()).neg()))
    }
}

#[cfg(test)]
mod tests {
    use gibbs_core::{Scalar, math::to_host, symmetry::Symmetry};

    use super::*;
    use crate::MadeConfig;

    #[test]
    fn the_inverse_temperature_rises_and_stays() {
        let objective =
            |annealing| ScoreFunction::new((), SymmetryGroup::trivial(2), 0.4, 2).with_annealing(annealing);
        let beta = |annealing, step| objective(annealing).beta(&Position::new(step, 10, 10));
        assert_eq!([beta(0.0, 0), beta(0.5, 99), beta(0.5, 49), beta(1.0, 99)], [0.4; 4]);
        assert!((beta(0.5, 0) - 0.4 / 50.0).abs() < 1e-15 && (beta(1.0, 49) - 0.2).abs() < 1e-15);
    }

    #[test]
    fn metrics_are_the_bound_of_the_draws_and_the_surrogate() {
        let (device, n) = (Device::flex(), 40);
        let model = MadeConfig::new(4, 8.into()).init(&device, &mut Noise::new(0, "init")).unwrap().train();
        let energy = |beta: f64| move |s: Tensor<2>| s.sum_dim(1).powi_scalar(2).squeeze_dim::<1>(1) * -beta;
        let group = Arc::new(SymmetryGroup::generated_by(4, &[Symmetry::negation(4)]));
        let mut objective = ScoreFunction::new(energy, group.clone(), 0.3, n);
        let draws = || Noise::new(1, "draws");
        let at = Position::new(0, 1, 1);
        let found = objective.step(&model, Batch::empty(&device), &at, &mut draws()).unwrap();
        let [("free_energy", Scalar::Device(bound)), ("beta", Scalar::Host(beta)), ("surrogate", _)] =
            &found.metrics[..]
        else {
            panic!("{:?}", found.metrics)
        };
        assert_eq!(*beta, 0.3);
        let s = Spins::new(model.valid()).sample(n, &mut draws());
        let log_q = Symmetrized::new(Spins::new(model.valid()), group).log_prob(s.clone());
        let truth = to_host((log_q + energy(0.3)(s)).mean())[0] / (0.3 * 4.0);
        assert!((to_host(bound.clone())[0] - truth).abs() < 1e-5);
    }

    #[test]
    fn the_likelihood_of_bits_is_that_of_spins() {
        let (device, noise) = (Device::flex(), &mut Noise::new(0, "init"));
        let model = MadeConfig::new(4, 8.into()).init(&device, noise).unwrap().train();
        let x = noise.bernoulli(Tensor::<2>::full([20, 4], 0.3, &device));
        let at = Position::new(0, 1, 1);
        let mut objective = SpinLikelihood::new(SymmetryGroup::trivial(4));
        let found = objective.step(&model, Batch::new(x.clone()), &at, noise).unwrap().loss.unwrap();
        let truth = model.valid().log_prob(x).mean().neg();
        assert!((to_host(found)[0] - to_host(truth)[0]).abs() < 1e-6);
    }
}
