//! A stack in training, one layer after the other: each machine learns the states that the ones below infer.

use anyhow::{Context, Result};
use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_boltzmann::{
    AnyRbm, LayerConfig, LayerStart, RbmConfig, Upward,
    greedy::{initial_stack, reconstruction_error},
};
use gibbs_core::{Batch, math::to_host};
use gibbs_data::Dataset;
use gibbs_train::{
    checkpoint::State,
    schedule::Schedule,
    training::{BoxError, Position},
};
use serde::{Deserialize, Serialize};

use super::{
    check_rate,
    coding::Coding,
    layer::{LayerTrain, LayerTraining},
};

/// How one layer of a stack is trained.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StackLayer {
    /// Epochs; `null` takes those of the run.
    pub epochs: Option<usize>,
    /// Learning rate; `null` takes that of the run.
    pub learning_rate: Option<Schedule>,
    /// Weights to start with.
    pub start: LayerStart,
    /// Standard deviation of random weights; `null` takes that of the run. Above a mirror image it is that of the units in
    /// excess, which tilt the law of the layer at random: the smaller, the less.
    pub weight_std: Option<f64>,
    /// The machine's own training.
    #[serde(flatten)]
    pub train: LayerTrain,
}

/// One layer: its machine before training, and how it is trained.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Machine.
    pub rbm: RbmConfig,
    /// Epochs of training; a layer without any keeps its first weights.
    pub epochs: usize,
    /// Learning rate.
    pub learning_rate: Schedule,
    /// Weights to start with.
    pub start: LayerStart,
    /// The machine's own training.
    pub train: LayerTrain,
}

impl Layer {
    fn config(&self) -> LayerConfig {
        LayerConfig::new(self.rbm.clone(), self.train.contrastive.clone())
            .with_start(self.start)
            .with_fit_visible(self.train.fit_visible)
    }
}

impl StackLayer {
    /// The layer of a machine, with what is left open taken from the run.
    ///
    /// # Errors
    /// A value out of range; `name` is where the settings stand in the configuration.
    pub fn layer(&self, name: &str, rbm: RbmConfig, epochs: usize, rate: &Schedule) -> Result<Layer> {
        let learning_rate = self.learning_rate.clone().unwrap_or_else(|| rate.clone());
        check_rate(&format!("{name}.learning_rate"), &learning_rate)?;
        self.train.validate(name)?;
        let weight_std = self.weight_std.unwrap_or(rbm.weight_std);
        let rbm = rbm.with_weight_std(weight_std);
        rbm.validate().with_context(|| name.to_string())?;
        Ok(Layer {
            rbm,
            epochs: self.epochs.unwrap_or(epochs),
            learning_rate,
            start: self.start,
            train: self.train.clone(),
        })
    }
}

/// Settings for each of `depth` layers from a list: spare ones are dropped, missing ones made by `default`.
pub fn fit_to_depth(layers: &mut Vec<StackLayer>, depth: usize, default: impl Fn(usize) -> StackLayer) {
    layers.truncate(depth);
    layers.extend((layers.len()..depth).map(default));
}

/// A stack in training.
pub struct Greedy {
    plan: Vec<Layer>,
    upward: Upward,
    coding: Coding,
    data: Dataset,
    trained: Vec<AnyRbm>,
    current: Option<LayerTraining>,
    seed: u64,
    noise: Noise,
    device: Device,
}

impl Greedy {
    /// Before the first step, over machines that are trained already.
    ///
    /// # Errors
    /// Layers that cannot be made.
    pub fn new(
        plan: Vec<Layer>,
        trained: Vec<AnyRbm>,
        upward: Upward,
        coding: Coding,
        data: &Dataset,
        seed: u64,
        device: &Device,
    ) -> Result<Self> {
        let noise = Noise::new(seed, "upward");
        let (data, device) = (data.clone(), device.clone());
        let mut greedy = Self { plan, upward, coding, data, trained, current: None, seed, noise, device };
        greedy.skip_finished(0)?;
        Ok(greedy)
    }

    /// Number of the layer in training, from 1.
    pub fn layer(&self) -> usize {
        self.trained.len() + usize::from(self.current.is_some())
    }

    /// The epoch with which a layer of the plan begins.
    fn first_epoch(&self, layer: usize) -> usize {
        self.plan[..layer].iter().map(|layer| layer.epochs).sum()
    }

    /// Ends layers whose epochs are over and begins the next one that has some.
    fn skip_finished(&mut self, epoch: usize) -> Result<()> {
        loop {
            if self.current.is_none() && self.trained.len() < self.plan.len() {
                self.current = Some(self.begin(self.trained.len())?);
            }
            let next = self.trained.len() + 1;
            match self.current.take() {
                Some(done) if next <= self.plan.len() && epoch >= self.first_epoch(next) => {
                    self.noise = done.objective.upward_noise().clone();
                    self.trained.push(done.measured().clone());
                }
                current => {
                    self.current = current;
                    return Ok(());
                }
            }
        }
    }

    fn begin(&self, k: usize) -> Result<LayerTraining> {
        let examples = self.coding.moment_examples(&self.data, &self.device);
        let upward = (self.upward, self.noise.clone());
        let (rbm, objective) = self.plan[k]
            .config()
            .begin(&self.trained, examples, upward, self.seed)
            .map_err(|error| error.within(&format!("train.layers.{k}")))?;
        let noise = Noise::new(self.seed, format!("chains/{k}"));
        LayerTraining::new(&self.plan[k].train, rbm, objective, noise, &self.device)
    }

    /// One step, with the label of each example where the top layer has one.
    ///
    /// # Errors
    /// A layer that cannot be made.
    pub fn step(&mut self, at: &Position, v: Tensor<2>, label: Option<Tensor<2>>) -> Result<(), BoxError> {
        self.skip_finished(at.epoch)?;
        let k = self.trained.len();
        let before = self.first_epoch(k) * at.steps_per_epoch;
        let here = Position::new(at.step - before, at.steps_per_epoch, self.plan[k].epochs);
        let rate = self.plan[k].learning_rate.at(here.step, here.total_steps);
        match &mut self.current {
            Some(training) => training.step(&here, rate, Batch { x: v, context: label }),
            None => Ok(()),
        }
    }

    /// The machines so far, with those to come as they will start.
    ///
    /// # Errors
    /// A layer that cannot be made.
    pub fn stack(&self) -> Result<Vec<AnyRbm>> {
        let mut stack = self.trained.clone();
        stack.extend(self.current.iter().map(|training| training.measured().clone()));
        let layers: Vec<LayerConfig> = self.plan.iter().map(Layer::config).collect();
        Ok(initial_stack(&layers, stack, self.seed, &self.device)?)
    }

    /// Mean squared error of data after the means were taken up to the layer in training and down again.
    pub fn reconstruction_error(&self, v: Tensor<2>) -> f64 {
        let current = self.current.as_ref().map(LayerTraining::measured);
        let stack: Vec<&AnyRbm> = self.trained.iter().chain(current).collect();
        to_host(reconstruction_error(&stack, v).mean())[0]
    }

    /// Puts everything that later steps depend on into a checkpoint.
    ///
    /// # Errors
    /// Those of the checkpoint.
    pub fn save(&self, state: &mut State) -> Result<(), BoxError> {
        state.put("trained", &self.trained.len())?;
        state.put("noise", &self.noise)?;
        for (k, rbm) in self.trained.iter().enumerate() {
            state.put_module(&format!("layer-{k}"), rbm)?;
        }
        if let Some(current) = &self.current {
            let mut own = State::new();
            current.save(&mut own)?;
            state.absorb("current", own);
        }
        Ok(())
    }

    /// The reverse of [`save`](Self::save).
    ///
    /// # Errors
    /// Those of the checkpoint.
    pub fn load(&mut self, mut state: State) -> Result<(), BoxError> {
        self.noise = state.get("noise")?;
        let trained: usize = state.get("trained")?;
        self.trained.clear();
        for k in 0..trained {
            let rbm = self.plan[k].rbm.init(&self.device, &mut Noise::new(0, "placeholder"))?;
            self.trained.push(state.module(&format!("layer-{k}"), rbm)?);
        }
        self.current = None;
        if state.contains("current") {
            let mut current = self.begin(trained)?;
            current.load(&state.release("current"))?;
            self.current = Some(current);
        }
        Ok(())
    }
}
