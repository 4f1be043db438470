//! Objectives: they compute the gradients that train a model.

use burn::{module::Module, optim::GradientsParams, prelude::*};
use gibbs_backend::Noise;

use crate::ConditionalLogProb;

/// Any error of a step.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The position of a step in a run.
///
/// ```
/// use gibbs_core::Position;
///
/// let at = Position::new(7, 3, 4);
/// assert_eq!((at.epoch, at.step_in_epoch, at.total_steps), (2, 1, 12));
/// assert!(!at.is_epoch_start() && !at.is_epoch_end());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Index of the step in the run, from 0.
    pub step: usize,
    /// Index of the epoch, from 0.
    pub epoch: usize,
    /// Index of the step in its epoch, from 0.
    pub step_in_epoch: usize,
    /// Number of steps in an epoch.
    pub steps_per_epoch: usize,
    /// Number of steps in the whole run.
    pub total_steps: usize,
}

impl Position {
    /// The position of the step with index `step`, from 0, in a run of `epochs` epochs.
    ///
    /// # Panics
    /// If `steps_per_epoch` is 0.
    pub fn new(step: usize, steps_per_epoch: usize, epochs: usize) -> Self {
        Self {
            step,
            epoch: step / steps_per_epoch,
            step_in_epoch: step % steps_per_epoch,
            steps_per_epoch,
            total_steps: steps_per_epoch * epochs,
        }
    }

    /// Number of steps done after this step.
    pub fn steps_done(&self) -> usize {
        self.step + 1
    }

    /// Whether this is the first step of its epoch.
    pub fn is_epoch_start(&self) -> bool {
        self.step_in_epoch == 0
    }

    /// Whether this is the last step of its epoch.
    pub fn is_epoch_end(&self) -> bool {
        self.step_in_epoch + 1 == self.steps_per_epoch
    }
}

/// The examples of a step, on a device without autodiff.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Values `[batch, width]`.
    pub x: Tensor<2>,
    /// The context of each example, `[batch, n_context]`: its class as a one-hot row, or real numbers.
    pub context: Option<Tensor<2>>,
    /// The weight of each example, `[batch]`, at least 0; `None`: all are 1. An example of weight 2 counts as two equal examples.
    pub weights: Option<Tensor<1>>,
}

impl Batch {
    /// A batch without contexts and weights.
    pub fn new(x: Tensor<2>) -> Self {
        Self { x, context: None, weights: None }
    }

    /// The same examples with their contexts, if there are any.
    #[must_use]
    pub fn with_context(self, context: Option<Tensor<2>>) -> Self {
        Self { context, ..self }
    }

    /// A batch without examples, for objectives that draw their own.
    pub fn empty(device: &Device) -> Self {
        Self::new(Tensor::zeros([0, 0], device))
    }
}

/// A scalar that a step reports.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a step has a few of them, and most are tensors")]
pub enum Scalar {
    /// A scalar `[1]` on the device. A step does not wait for it.
    Device(Tensor<1>),
    /// A number on the host.
    Host(f64),
}

impl From<Tensor<1>> for Scalar {
    fn from(value: Tensor<1>) -> Self {
        Self::Device(value)
    }
}

impl From<f64> for Scalar {
    fn from(value: f64) -> Self {
        Self::Host(value)
    }
}

/// The output of a step of an objective.
#[derive(Debug)]
pub struct StepOutput {
    /// Gradient of the loss for each parameter of the model. The optimizer moves against it.
    pub gradients: GradientsParams,
    /// The loss `[1]`, if the objective has one. Line searches need it.
    pub loss: Option<Tensor<1>>,
    /// Named scalars, in the order of the report.
    pub metrics: Vec<(&'static str, Scalar)>,
}

impl StepOutput {
    /// An output with gradients from direct formulas, without a loss.
    pub fn direct(gradients: GradientsParams) -> Self {
        Self { gradients, loss: None, metrics: Vec::new() }
    }

    /// An output with the gradients of a differentiable loss `[1]`, by a backward pass. The loss is the metric `name`.
    pub fn backward<M: Module>(model: &M, name: &'static str, loss: Tensor<1>) -> Self {
        let gradients = GradientsParams::from_grads(loss.clone().backward(), model);
        Self { gradients, metrics: vec![(name, loss.clone().into())], loss: Some(loss) }
    }

    /// Returns the output with one more metric, before the others.
    #[must_use]
    pub fn with_metric(mut self, name: &'static str, value: impl Into<Scalar>) -> Self {
        self.metrics.insert(0, (name, value.into()));
        self
    }
}

/// The state of an objective between steps, for checkpoints: Markov chains, moving averages, counters, noise streams.
#[derive(Clone, Debug, Default)]
pub struct ObjectiveState {
    /// Tensors by name.
    pub tensors: Vec<(String, Tensor<2>)>,
    /// Noise streams by name.
    pub noises: Vec<(String, Noise)>,
    /// Number of steps, for objectives that count them.
    pub steps: u64,
}

/// An objective of training. It computes gradients at a model for a batch. It owns all state that lasts longer than a step.
pub trait Objective<M> {
    /// Computes the gradients at `model` for a batch.
    ///
    /// # Errors
    /// Any error that prevents the step, such as an equation without a solution.
    fn step(
        &mut self,
        model: &M,
        batch: Batch,
        at: &Position,
        noise: &mut Noise,
    ) -> Result<StepOutput, BoxError>;

    /// Whether the model must be on an autodiff device. `false` for objectives with direct formulas.
    fn needs_autodiff(&self) -> bool {
        true
    }

    /// The state that a checkpoint must hold.
    fn state(&self) -> ObjectiveState {
        ObjectiveState::default()
    }

    /// Replaces the state by one of [`state`](Self::state).
    fn restore(&mut self, _state: ObjectiveState) {}
}

impl<M, O: Objective<M> + ?Sized> Objective<M> for Box<O> {
    fn step(
        &mut self,
        model: &M,
        batch: Batch,
        at: &Position,
        noise: &mut Noise,
    ) -> Result<StepOutput, BoxError> {
        (**self).step(model, batch, at, noise)
    }

    fn needs_autodiff(&self) -> bool {
        (**self).needs_autodiff()
    }

    fn state(&self) -> ObjectiveState {
        (**self).state()
    }

    fn restore(&mut self, state: ObjectiveState) {
        (**self).restore(state);
    }
}

/// The mean of `values [batch]` over a batch: `Σ w f / Σ w` with weights `[batch]`, 0 if all of them are 0.
pub fn weighted_mean(values: Tensor<1>, weights: Option<&Tensor<1>>) -> Tensor<1> {
    match weights {
        None => values.mean(),
        Some(weights) => {
            let total = weights.clone().sum().clamp_min(f64::from(f32::MIN_POSITIVE));
            (values * weights.clone()).sum() / total
        }
    }
}

/// Maximum likelihood: minimizes the mean of `-ln p(x | c)` over the batch, nats, by the weights of the examples. Metric: `loss`.
#[derive(Clone, Copy, Debug, Default)]
pub struct MaximumLikelihood;

impl<M: Module + ConditionalLogProb> Objective<M> for MaximumLikelihood {
    fn step(&mut self, model: &M, batch: Batch, _: &Position, _: &mut Noise) -> Result<StepOutput, BoxError> {
        let context = batch.context.map(Tensor::autodiff);
        let weights = batch.weights.map(Tensor::autodiff);
        let log_prob = model.log_prob_given(batch.x.autodiff(), context.as_ref());
        Ok(StepOutput::backward(model, "loss", weighted_mean(log_prob, weights.as_ref()).neg()))
    }
}

/// The cross-entropy `-ln p(y)` of `logits [batch, classes]` for one-hot rows `y [batch, classes]`: `[batch]`, nats.
pub fn cross_entropy(logits: Tensor<2>, y: Tensor<2>) -> Tensor<1> {
    (burn::tensor::activation::log_softmax(logits, 1) * y).sum_dim(1).squeeze_dim::<1>(1).neg()
}
