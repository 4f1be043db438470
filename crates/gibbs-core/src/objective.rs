//! What a model is trained on: objectives, and what a step of training gives to and takes from them.

use burn::{module::Module, optim::GradientsParams, prelude::*};
use gibbs_backend::Noise;

use crate::ConditionalLogProb;

/// Any error that ends a step.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The place of a step in a run.
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
    /// Steps in an epoch.
    pub steps_per_epoch: usize,
    /// Steps in the whole run.
    pub total_steps: usize,
}

impl Position {
    /// The position of step `step`, counted from 0, in a run of `epochs` epochs.
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

    /// Steps done after this one.
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

/// The examples of a step, on the plain device (without autodiff).
#[derive(Clone, Debug)]
pub struct Batch {
    /// Values `[batch, width]`.
    pub x: Tensor<2>,
    /// What each example comes with, `[batch, width of the context]`: its class as a one-hot row, or real conditions.
    pub context: Option<Tensor<2>>,
}

impl Batch {
    /// Values alone.
    pub fn new(x: Tensor<2>) -> Self {
        Self { x, context: None }
    }

    /// No examples, for objectives that draw their own.
    pub fn empty(device: &Device) -> Self {
        Self::new(Tensor::zeros([0, 0], device))
    }
}

/// A scalar that a step reports.
#[derive(Clone, Debug)]
pub enum Scalar {
    /// `[1]`, left on the device, so that a step does not wait for it.
    Device(Tensor<1>),
    /// A number that the host knows already.
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

/// What a step of an objective gives.
#[derive(Debug)]
pub struct StepOutput {
    /// Gradient of the loss (to be descended) for each parameter of the model.
    pub gradients: GradientsParams,
    /// The loss `[1]`, where the objective has one. Line searches need it.
    pub loss: Option<Tensor<1>>,
    /// Named scalars, in the order in which they are reported.
    pub metrics: Vec<(&'static str, Scalar)>,
}

impl StepOutput {
    /// Gradients from direct formulas, without a loss.
    pub fn direct(gradients: GradientsParams) -> Self {
        Self { gradients, loss: None, metrics: Vec::new() }
    }

    /// The gradients of a differentiable loss `[1]` by a backward pass, with the loss as the metric `name`.
    pub fn backward<M: Module>(model: &M, name: &'static str, loss: Tensor<1>) -> Self {
        let gradients = GradientsParams::from_grads(loss.clone().backward(), model);
        Self { gradients, metrics: vec![(name, loss.clone().into())], loss: Some(loss) }
    }

    /// The same with a scalar reported before the others.
    #[must_use]
    pub fn with_metric(mut self, name: &'static str, value: impl Into<Scalar>) -> Self {
        self.metrics.insert(0, (name, value.into()));
        self
    }
}

/// What an objective carries from step to step, for checkpoints: Markov chains, moving averages, counters, noise streams.
#[derive(Clone, Debug, Default)]
pub struct ObjectiveState {
    /// Tensors by name.
    pub tensors: Vec<(String, Tensor<2>)>,
    /// Noise streams by name.
    pub noises: Vec<(String, Noise)>,
    /// A count of steps, where the objective needs one.
    pub steps: u64,
}

/// What a model is trained on. An objective reads the model and gives gradients; whatever outlives a step lives in the
/// objective.
pub trait Objective<M> {
    /// The gradients at `model` for a batch.
    ///
    /// # Errors
    /// Whatever prevents the step, such as an equation that cannot be solved.
    fn step(
        &mut self,
        model: &M,
        batch: Batch,
        at: &Position,
        noise: &mut Noise,
    ) -> Result<StepOutput, BoxError>;

    /// Whether the model has to be on an autodiff device. Objectives with direct formulas answer `false`.
    fn needs_autodiff(&self) -> bool {
        true
    }

    /// What a checkpoint must hold.
    fn state(&self) -> ObjectiveState {
        ObjectiveState::default()
    }

    /// Continues from a [`state`](Self::state).
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

/// Maximum likelihood: lowers the mean of `-ln p(x | c)` over the batch, nats.
#[derive(Clone, Copy, Debug, Default)]
pub struct MaximumLikelihood;

impl<M: Module + ConditionalLogProb> Objective<M> for MaximumLikelihood {
    fn step(&mut self, model: &M, batch: Batch, _: &Position, _: &mut Noise) -> Result<StepOutput, BoxError> {
        let context = batch.context.map(Tensor::autodiff);
        let log_prob = model.log_prob_given(batch.x.autodiff(), context.as_ref());
        Ok(StepOutput::backward(model, "loss", log_prob.mean().neg()))
    }
}

/// `-ln p(y)` of each row of `logits [batch, classes]` for one-hot rows `y [batch, classes]`: `[batch]`, nats.
pub fn cross_entropy(logits: Tensor<2>, y: Tensor<2>) -> Tensor<1> {
    (burn::tensor::activation::log_softmax(logits, 1) * y).sum_dim(1).squeeze_dim::<1>(1).neg()
}
