//! Maximum likelihood of continuous flows, with gradients through the solver or by the adjoint equation.
//!
//! ```text
//! loss = -E ln p(x | c) + λ_K·E ∫ |v|²/D dt + λ_J·E ∫ |Jε|²/D dt
//! ```
//!
//! References: Finlay et al., "How to train your neural ODE", ICML 2020, arXiv:2002.02798, for the regularizers; Ghosh et al., "STEER",
//! NeurIPS 2020, arXiv:2006.10711, for random solves in training.
//!
//! Differences from the papers: STEER varies the end of a solve. Here the number of its steps is random.
//!
//! A field can learn the errors of its solver: the loss falls while the density of an accurate solve falls too. So every
//! 50 steps of training a batch is solved a second time with twice as many solver steps. If its log-likelihood is lower by more than
//! 0.01 nats for each variable, training goes on with twice as many.

use burn::{
    module::{Module, ModuleDisplay},
    prelude::*,
};
use gibbs_backend::Noise;
use gibbs_core::{
    Batch, BoxError, ConfigError, Objective, ObjectiveState, Position, StepOutput, ode::Solver,
    preprocess::Preprocessed, weighted_mean,
};

use super::{flow::ContinuousFlow, velocity::VelocityField};

/// Steps of training between two comparisons of the solver with a finer one: 1 % of the time.
const COMPARED: usize = 50;
/// Part of the log-likelihood that may come from errors of the solver, nats for each variable.
const SOLVER_ERROR: f64 = 0.01;
/// The most steps of a solver that are taken without being asked for.
const MOST_STEPS: usize = 128;

/// Maximum likelihood with gradients through the steps of the solver.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SolvedLikelihood {
    /// The solver of training. A fixed number of steps grows during training where they are too coarse.
    pub solver: Solver,
    /// Largest relative increase of the number of steps, at least 0. Each batch has a random number of steps from `solver.steps` to
    /// `solver.steps·(1 + step_jitter)`, so that the field cannot learn the errors of one grid of times.
    pub step_jitter: f64,
    /// Weight `λ_K` of the kinetic energy, at least 0.
    pub kinetic: f64,
    /// Weight `λ_J` of the squared Frobenius norm of the Jacobian, at least 0.
    pub jacobian: f64,
}

impl SolvedLikelihood {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.solver.validate().map_err(|error| error.within("solver"))?;
        ConfigError::not_negative("step_jitter", self.step_jitter)?;
        check_weights(self.kinetic, self.jacobian)
    }

    /// The solver of one batch.
    fn solver_of_batch(&self, noise: &mut Noise) -> Solver {
        let more =
            |steps: usize| steps + (noise.next_uniform() * (self.step_jitter * steps as f64 + 1.0)) as usize;
        Solver { steps: self.solver.steps.map(more), ..self.solver }
    }

    /// Doubles the number of steps if `log_prob`, the mean that a batch has by the solver `taken`, is above that of twice as many
    /// steps beyond [`SOLVER_ERROR`].
    fn refine<V: VelocityField + ModuleDisplay>(
        &mut self,
        flow: ContinuousFlow<V>,
        taken: Solver,
        log_prob: Tensor<1>,
        (y, context): (Tensor<2>, Option<&Tensor<2>>),
        noise: &mut Noise,
    ) -> Result<(), ConfigError> {
        let Some(steps) = taken.steps.filter(|steps| *steps < MOST_STEPS) else { return Ok(()) };
        let allowed = SOLVER_ERROR * y.dims()[1] as f64;
        let finer = flow.valid().with_solver(taken.with_steps(Some(2 * steps)))?;
        if let Ok((finer, _)) = finer.try_log_prob(y, context, Some(noise)) {
            let gap = log_prob.inner().into_scalar::<f64>() - finer.mean().into_scalar::<f64>();
            if gap > allowed {
                self.solver.steps = self.solver.steps.map(|steps| (2 * steps).min(MOST_STEPS));
            }
        }
        Ok(())
    }
}

impl<V: VelocityField + ModuleDisplay> Objective<Preprocessed<ContinuousFlow<V>>> for SolvedLikelihood {
    fn step(
        &mut self,
        model: &Preprocessed<ContinuousFlow<V>>,
        batch: Batch,
        at: &Position,
        noise: &mut Noise,
    ) -> Result<StepOutput, BoxError> {
        let (y, ladj) = model.preprocessor.clone().valid().forward(batch.x);
        let context = batch.context.clone().map(Tensor::autodiff);
        let weights = regularizers(self.kinetic, self.jacobian);
        let solver = self.solver_of_batch(noise);
        let flow = model.model.clone().with_solver(solver)?;
        let again = &mut noise.clone();
        let path =
            flow.path(y.clone().autodiff(), context.as_ref(), [1.0, 0.0], weights.is_some(), Some(noise))?;
        let log_prob = flow.log_prob_of(&path);
        if at.step.is_multiple_of(COMPARED) {
            self.refine(flow, solver, log_prob.clone().mean(), (y, batch.context.as_ref()), again)?;
        }
        let of_examples = batch.weights.map(Tensor::autodiff);
        let mut loss = weighted_mean(log_prob + ladj.autodiff(), of_examples.as_ref()).neg();
        let parts = [path.kinetic, path.jacobian].into_iter().flatten();
        for (part, weight) in parts.zip(weights.unwrap_or_default()) {
            loss = loss + weighted_mean(part, of_examples.as_ref()) * weight;
        }
        let mut output = StepOutput::backward(model, "loss", loss);
        output.metrics.extend(self.solver.steps.map(|steps| ("solver_steps", (steps as f64).into())));
        Ok(output)
    }

    fn state(&self) -> ObjectiveState {
        ObjectiveState { steps: self.solver.steps.unwrap_or(0) as u64, ..ObjectiveState::default() }
    }

    fn restore(&mut self, state: ObjectiveState) {
        self.solver.steps = self.solver.steps.map(|steps| steps.max(state.steps as usize));
    }
}

/// Maximum likelihood with gradients by the adjoint equation, in a memory that does not grow with the number of steps. Its metric
/// `loss` is without regularizers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdjointLikelihood {
    /// The solver of training.
    pub solver: Solver,
    /// Weight `λ_K` of the kinetic energy, at least 0.
    pub kinetic: f64,
    /// Weight `λ_J` of the squared Frobenius norm of the Jacobian, at least 0.
    pub jacobian: f64,
}

impl AdjointLikelihood {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.solver.validate().map_err(|error| error.within("solver"))?;
        check_weights(self.kinetic, self.jacobian)
    }
}

impl<V: VelocityField + ModuleDisplay> Objective<Preprocessed<ContinuousFlow<V>>> for AdjointLikelihood {
    fn step(
        &mut self,
        model: &Preprocessed<ContinuousFlow<V>>,
        batch: Batch,
        _: &Position,
        noise: &mut Noise,
    ) -> Result<StepOutput, BoxError> {
        let (y, ladj) = model.preprocessor.clone().valid().forward(batch.x);
        let weights = regularizers(self.kinetic, self.jacobian);
        let flow = model.model.clone().with_solver(self.solver)?;
        let of_examples = batch.weights.as_ref();
        let found = flow.likelihood_by_adjoint(y, batch.context.as_ref(), of_examples, weights, noise)?;
        let loss = weighted_mean(found.log_prob + ladj, of_examples).neg();
        let metrics = vec![("loss", loss.clone().into())];
        Ok(StepOutput { gradients: found.adjoint.gradients, loss: Some(loss), metrics })
    }
}

fn check_weights(kinetic: f64, jacobian: f64) -> Result<(), ConfigError> {
    ConfigError::not_negative("kinetic", kinetic)?;
    ConfigError::not_negative("jacobian", jacobian)
}

/// Weights of the regularizers, if one is not 0.
fn regularizers(kinetic: f64, jacobian: f64) -> Option<[f64; 2]> {
    let weights = [kinetic, jacobian];
    (weights != [0.0; 2]).then_some(weights)
}

#[cfg(test)]
mod tests {
    use gibbs_core::ode::Method;

    use super::*;

    /// From `steps` to `steps·(1 + step_jitter)`, each as often.
    #[test]
    fn batches_are_solved_in_different_numbers_of_steps() {
        let counts = |step_jitter: f64| {
            let solver = Solver::fixed(Method::Rk4, 8);
            let objective = SolvedLikelihood { solver, step_jitter, kinetic: 0.0, jacobian: 0.0 };
            let (mut counts, noise) = ([0; 16], &mut Noise::new(0, "steps"));
            (0..1000).for_each(|_| counts[objective.solver_of_batch(noise).steps.unwrap()] += 1);
            counts
        };
        assert_eq!(counts(0.0)[8], 1000);
        let counts = counts(0.5);
        let is_usual = |n: &i32| (f64::from(*n) - 200.0).abs() < 4.0 * (1000.0f64 * 0.2 * 0.8).sqrt();
        assert!(
            counts[8..13].iter().all(is_usual) && counts[8..13].iter().sum::<i32>() == 1000,
            "{counts:?}"
        );
    }
}
