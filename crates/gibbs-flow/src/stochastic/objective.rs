//! Training of a stochastic flow on a target density.

use gibbs_backend::Noise;
use gibbs_core::{
    Batch, BoxError, Objective, Position, Slope, StepOutput,
    variational::{FreeEnergy, annealed},
};

use super::{Scaled, StochasticFlow};

/// Minimizes `E[-ln w]` over paths from the base by the pathwise gradient; see the [module](super) for what is differentiated.
///
/// Metrics: `free_energy`, the upper bound of `F/N`, and `loss`, `E[-ln w]` in nats, at the inverse temperature of the step.
#[derive(Clone, Debug)]
pub struct PathObjective<E> {
    /// The energy `E`.
    pub energy: E,
    /// The conversion of the bound to a free energy per site.
    pub free_energy: FreeEnergy,
    /// Fraction of the run, during which the inverse temperature rises from zero to its final value.
    pub annealing: f64,
    /// Number of paths per step.
    pub n_draws: usize,
}

impl<E: Slope> Objective<StochasticFlow> for PathObjective<E> {
    fn step(
        &mut self,
        model: &StochasticFlow,
        _: Batch,
        at: &Position,
        noise: &mut Noise,
    ) -> Result<StepOutput, BoxError> {
        let part = annealed(self.annealing, at);
        let paths = model.paths(self.n_draws, &Scaled::new(&self.energy, part), noise);
        let mean = (paths.log_q.clone() + paths.energy.clone() * part.recip()).without_autodiff().mean();
        let loss = (paths.log_q + paths.energy).mean();
        Ok(StepOutput::backward(model, "loss", loss).with_metric("free_energy", self.free_energy.bound(mean)))
    }
}
