//! The learner: a model in training with its objective, optimizer, schedule, weight average, clipping and validation.
//!
//! ```text
//! g = objective(model, batch, position, noise)        gradients and named scalars
//! model <- optimizer(model, clip(g), learning rate)
//! average <- d·average + (1 - d)·model                optional
//! ```
//!
//! A learner is a [`TrainTask`]. [`Trainer`](crate::training::Trainer) runs it and writes metrics, checkpoints and weights into
//! a run folder. A resumed run equals an uninterrupted run, bit by bit. The model is any Burn module; the objective is any
//! [`Objective`] for it.

mod batches;
mod config;
mod stages;

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::tensor::Device;
use gibbs_backend::Noise;
use gibbs_core::{
    Batch, BoxError, ConfigError, Objective, ObjectiveState, Position, Scalar,
    optim::{ConjugateGradient, Lbfgs, Minimized},
    params,
};
use serde::{Deserialize, Serialize};

use crate::average::WeightAverage;
use crate::checkpoint::State;
use crate::params as parameters;
use crate::training::{Averages, Metrics, ParameterTooLarge, TrainTask, Validation};
use crate::weights;

pub use batches::{BatchSource, DataBatches, NoData};
pub use config::{AverageConfig, LearnerConfig, OptimizerConfig};
pub use stages::{Staged, Stages};

/// The random numbers of the steps of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum StepNoise {
    /// One stream for all steps. A checkpoint saves its position.
    Stream(Noise),
    /// A new stream `name/step` for each step.
    EachStep {
        /// Seed of the streams.
        seed: u64,
        /// First part of the names.
        name: String,
    },
}

impl StepNoise {
    /// A new stream `name/step` for each step.
    pub fn each_step(seed: u64, name: impl Into<String>) -> Self {
        Self::EachStep { seed, name: name.into() }
    }
}

impl From<Noise> for StepNoise {
    fn from(noise: Noise) -> Self {
        Self::Stream(noise)
    }
}

type Validate<'a, M> = Box<dyn FnMut(&M, &Position) -> Result<Option<Validation>, BoxError> + 'a>;
type Probe<'a, M> = Box<dyn FnMut(&M) -> Metrics + 'a>;
type Export<'a, M> = Box<dyn Fn(&M) -> Result<Vec<u8>, BoxError> + 'a>;
type Import<'a, M> = Box<dyn Fn(M, &[u8]) -> Result<M, BoxError> + 'a>;

/// A model in training. The [module documentation](self) gives the equations of a step.
///
/// ```
/// use burn::{module::{Module, Param}, tensor::{Device, Tensor}};
/// use gibbs_backend::Noise;
/// use gibbs_core::{Batch, ConditionalLogProb, MaximumLikelihood, Position};
/// use gibbs_train::{learner::{Learner, LearnerConfig}, training::{LoopConfig, Trainer}};
///
/// /// A normal distribution with a learned mean.
/// #[derive(Module, Debug)]
/// struct Normal { mean: Param<Tensor<1>> }
///
/// impl ConditionalLogProb for Normal {
///     fn n_context(&self) -> usize { 0 }
///     fn log_prob_given(&self, x: Tensor<2>, _: Option<&Tensor<2>>) -> Tensor<1> {
///         (x - self.mean.val().unsqueeze()).square().sum_dim(1).squeeze_dim::<1>(1) * -0.5
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let device = Device::flex();
/// let data = device.clone();
/// let batches = (10, move |at: &Position| {
///     Batch::new(Noise::new(0, format!("data/{}", at.step)).normal([64, 2], &data) + 3.0)
/// });
/// let model = Normal { mean: Param::from_tensor(Tensor::zeros([2], &device)) };
/// let mut learner = Learner::new(model, MaximumLikelihood, &LearnerConfig::adam(0.1), Noise::new(0, "training"))?
///     .on_batches(batches);
/// Trainer::new(LoopConfig { epochs: 20, ..LoopConfig::default() }).run(&mut learner, None)?;
/// let mean: f32 = learner.measured().mean.val().mean().into_scalar();
/// assert!((mean - 3.0).abs() < 0.1);
/// # Ok(())
/// # }
/// ```
pub struct Learner<'a, M, O> {
    /// `None` only during a step, so that the optimizer can write in place.
    model: Option<M>,
    objective: O,
    config: LearnerConfig,
    optimizer: Option<ModuleOptimizer>,
    momentum: f64,
    average: Option<WeightAverage<M>>,
    averages: Averages,
    noise: StepNoise,
    batches: Option<Box<dyn BatchSource + 'a>>,
    validate: Option<(bool, Validate<'a, M>)>,
    probe: Option<Probe<'a, M>>,
    export: Option<Export<'a, M>>,
    import: Option<Import<'a, M>>,
    device: Device,
    /// Absolute value of the largest parameter at the start.
    largest_at_start: f64,
}

impl<'a, M: Module, O: Objective<M>> Learner<'a, M, O> {
    /// A learner before its first step.
    ///
    /// # Errors
    /// [`ConfigError`] for the first setting out of range.
    ///
    /// # Panics
    /// If the model has no parameters.
    pub fn new(
        model: M,
        objective: O,
        config: &LearnerConfig,
        noise: impl Into<StepNoise>,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        let Some((device, _)) = params::placement(&model) else { panic!("a model without parameters") };
        let device = device.inner();
        let momentum = match &config.optimizer {
            OptimizerConfig::Sgd { momentum } => momentum.at(0, 1),
            _ => 0.0,
        };
        let largest_at_start = parameters::largest(&model).map_or(0.0, |(_, value)| value);
        let model = if objective.needs_autodiff() { model.train() } else { model };
        Ok(Self {
            optimizer: config.optimizer.build(momentum, &device)?,
            average: (config.average.decay > 0.0).then(|| WeightAverage::new(&model, config.average.decay)),
            model: Some(model),
            objective,
            momentum,
            averages: Averages::new(),
            noise: noise.into(),
            batches: None,
            validate: None,
            probe: None,
            export: None,
            import: None,
            config: config.clone(),
            device,
            largest_at_start,
        })
    }

    /// Sets the source of the batches of a run.
    #[must_use]
    pub fn on_batches(mut self, batches: impl BatchSource + 'a) -> Self {
        self.batches = Some(Box::new(batches));
        self
    }

    /// Sets the validation. It receives the averaged model if there is one, else the model after the last step.
    #[must_use]
    pub fn validate(
        mut self,
        validate: impl FnMut(&M, &Position) -> Result<Option<Validation>, BoxError> + 'a,
    ) -> Self {
        self.validate = Some((true, Box::new(validate)));
        self
    }

    /// Sets the validation. It receives the model after the last step, also if there is an averaged model.
    #[must_use]
    pub fn validate_current(
        mut self,
        validate: impl FnMut(&M, &Position) -> Result<Option<Validation>, BoxError> + 'a,
    ) -> Self {
        self.validate = Some((false, Box::new(validate)));
        self
    }

    /// Adds the metrics of `probe` to each line of the log. `probe` receives the model of [`measured`](Self::measured).
    #[must_use]
    pub fn probe(mut self, probe: impl FnMut(&M) -> Metrics + 'a) -> Self {
        self.probe = Some(Box::new(probe));
        self
    }

    /// Sets the function that makes `model.safetensors`. Default: [`weights::to_bytes`].
    #[must_use]
    pub fn export(mut self, export: impl Fn(&M) -> Result<Vec<u8>, BoxError> + 'a) -> Self {
        self.export = Some(Box::new(export));
        self
    }

    /// Sets the function that puts the weights of `model.safetensors` into a model. Default: [`weights::from_bytes`].
    #[must_use]
    pub fn import(mut self, import: impl Fn(M, &[u8]) -> Result<M, BoxError> + 'a) -> Self {
        self.import = Some(Box::new(import));
        self
    }

    /// The model after the last step. It is on an autodiff device if the objective needs one.
    pub fn model(&self) -> &M {
        let Some(model) = &self.model else { unreachable!("a step always puts the model back") };
        model
    }

    /// The model after the last step, without autodiff.
    pub fn current(&self) -> M {
        if self.objective.needs_autodiff() { self.model().valid() } else { self.model().clone() }
    }

    /// The model that a run measures and saves, without autodiff: the averaged model if there is one, else the model after the
    /// last step.
    pub fn measured(&self) -> M {
        self.average.as_ref().map_or_else(|| self.current(), |average| average.module().clone())
    }

    /// The objective.
    pub fn objective(&self) -> &O {
        &self.objective
    }

    /// Does one step on a batch.
    ///
    /// # Errors
    /// The errors of the objective.
    pub fn step_on(&mut self, batch: Batch, at: &Position) -> Result<(), BoxError> {
        self.follow_momentum(at)?;
        let model = self.model.take().unwrap_or_else(|| unreachable!("a step always puts the model back"));
        let model = match &mut self.noise {
            StepNoise::Stream(noise) => {
                let mut noise_now = noise.clone();
                let model = self.update(model, batch, at, &mut noise_now);
                self.noise = StepNoise::Stream(noise_now);
                model?
            }
            StepNoise::EachStep { seed, name } => {
                let noise = &mut Noise::new(*seed, format!("{name}/{}", at.step));
                self.update(model, batch, at, noise)?
            }
        };
        if let Some(average) = &mut self.average
            && at.steps_done().is_multiple_of(self.config.average.every)
        {
            average.update(&model);
        }
        self.model = Some(model);
        Ok(())
    }

    /// Returns the model after a step.
    fn update(&mut self, model: M, batch: Batch, at: &Position, noise: &mut Noise) -> Result<M, BoxError> {
        let rate = self.config.learning_rate.at(at.step, at.total_steps);
        let Some(optimizer) = &mut self.optimizer else { return self.search(model, batch, at, noise) };
        let output = self.objective.step(&model, batch, at, noise)?;
        for (name, value) in output.metrics {
            match value {
                Scalar::Device(value) => self.averages.add(name, value),
                Scalar::Host(value) => self.averages.add_value(name, value),
            }
        }
        let gradients = self.config.clip.apply(output.gradients, &model);
        Ok(match self.objective.needs_autodiff() {
            true => optimizer.step(rate, model, gradients),
            false => params::optimizer_step(optimizer, rate, model, gradients),
        })
    }

    /// Returns the model after line searches on a batch.
    fn search(&mut self, model: M, batch: Batch, at: &Position, noise: &Noise) -> Result<M, BoxError> {
        let mut failure = None;
        let evaluate = |model: &M| match self.objective.step(model, batch.clone(), at, &mut noise.clone()) {
            Ok(output) => {
                let loss = output.loss.map_or(f64::NAN, |loss| loss.into_scalar());
                (loss, output.gradients)
            }
            Err(error) => {
                failure = Some(error);
                (f64::NAN, burn::optim::GradientsParams::new())
            }
        };
        let (model, minimized): (M, Minimized) = match &self.config.optimizer {
            OptimizerConfig::ConjugateGradient { searches } => {
                ConjugateGradient::new().with_searches(*searches).minimize(model, evaluate)
            }
            OptimizerConfig::Lbfgs { searches } => {
                Lbfgs::new().with_searches(*searches).minimize(model, evaluate)
            }
            _ => unreachable!("all others have an optimizer"),
        };
        self.averages.add_value("loss", minimized.loss_before);
        self.averages.add_value("evaluations", minimized.evaluations as f64);
        failure.map_or(Ok(model), Err)
    }

    /// Changes the momentum. A Burn optimizer has a fixed momentum, so a new optimizer takes the state of the old one.
    fn follow_momentum(&mut self, at: &Position) -> Result<(), ConfigError> {
        let OptimizerConfig::Sgd { momentum } = &self.config.optimizer else { return Ok(()) };
        let momentum = momentum.at(at.step, at.total_steps);
        if at.is_epoch_start() && momentum != self.momentum {
            let state = self.optimizer.as_ref().map(ModuleOptimizer::to_record);
            self.optimizer = match (self.config.optimizer.build(momentum, &self.device)?, state) {
                (Some(optimizer), Some(state)) => Some(optimizer.load_record(state)),
                (optimizer, _) => optimizer,
            };
            self.momentum = momentum;
        }
        Ok(())
    }
}

impl<M: Module, O: Objective<M>> TrainTask for Learner<'_, M, O> {
    /// # Panics
    /// If [`on_batches`](Learner::on_batches) was not called.
    fn steps_per_epoch(&self) -> usize {
        let Some(batches) = &self.batches else { panic!("a learner needs batches to run") };
        batches.steps_per_epoch()
    }

    fn step(&mut self, at: &Position) -> Result<(), BoxError> {
        let Some(batches) = &mut self.batches else { panic!("a learner needs batches to run") };
        let batch = batches.batch(at);
        self.step_on(batch, at)
    }

    fn take_metrics(&mut self) -> Result<Metrics, BoxError> {
        if let Some((parameter, value)) = parameters::largest(self.model()) {
            ParameterTooLarge::check(&parameter, value, self.largest_at_start)?;
        }
        let mut metrics = self.averages.take();
        let measured = self.measured();
        if let Some(probe) = &mut self.probe {
            metrics.extend(probe(&measured));
        }
        Ok(metrics)
    }

    fn validate(&mut self, at: &Position) -> Result<Option<Validation>, BoxError> {
        let Some((of_average, _)) = &self.validate else { return Ok(None) };
        let model = if *of_average { self.measured() } else { self.current() };
        self.validate.as_mut().map_or(Ok(None), |(_, validate)| validate(&model, at))
    }

    fn save_state(&self, state: &mut State) -> Result<(), BoxError> {
        state.put_module("model", self.model())?;
        if let Some(optimizer) = &self.optimizer {
            state.put_optimizer("optimizer", optimizer)?;
        }
        state.put("momentum", &self.momentum)?;
        state.put("noise", &self.noise)?;
        self.averages.save(state, "metrics")?;
        if let Some(average) = &self.average {
            average.save(state, "average")?;
        }
        let ObjectiveState { tensors, noises, steps } = self.objective.state();
        let names: Vec<&String> = tensors.iter().map(|(name, _)| name).collect();
        state.put("objective", &(names, &noises, steps))?;
        for (name, tensor) in &tensors {
            state.put_tensor(&format!("objective.{name}"), tensor);
        }
        Ok(())
    }

    fn load_state(&mut self, state: &State) -> Result<(), BoxError> {
        let model = state.module("model", self.model().clone())?;
        self.momentum = state.get("momentum")?;
        if let Some(optimizer) = self.config.optimizer.build(self.momentum, &self.device)? {
            self.optimizer = Some(state.optimizer("optimizer", optimizer)?);
        }
        self.noise = state.get("noise")?;
        self.averages = Averages::load(state, "metrics", &self.device)?;
        if self.average.is_some() {
            self.average = Some(WeightAverage::load(state, "average", &model)?);
        }
        self.model = Some(model);
        let (names, noises, steps): (Vec<String>, Vec<(String, Noise)>, u64) = state.get("objective")?;
        let tensor = |name: String| -> Result<_, BoxError> {
            let tensor = state.tensor(&format!("objective.{name}"), &self.device)?;
            Ok((name, tensor))
        };
        let tensors = names.into_iter().map(tensor).collect::<Result<_, BoxError>>()?;
        self.objective.restore(ObjectiveState { tensors, noises, steps });
        Ok(())
    }

    fn weights(&self) -> Result<Vec<u8>, BoxError> {
        let measured = self.measured();
        match &self.export {
            Some(export) => export(&measured),
            None => Ok(weights::to_bytes(&measured)?),
        }
    }

    /// The average of the weights begins anew.
    fn load_weights(&mut self, bytes: &[u8]) -> Result<(), BoxError> {
        let model = match &self.import {
            Some(import) => import(self.current(), bytes)?,
            None => weights::from_bytes(self.current(), bytes)?,
        };
        let model = if self.objective.needs_autodiff() { model.train() } else { model };
        self.average = self.average.as_ref().map(|_| WeightAverage::new(&model, self.config.average.decay));
        self.model = Some(model);
        Ok(())
    }
}
