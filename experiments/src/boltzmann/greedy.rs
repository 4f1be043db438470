//! A stack in training, one layer after the other: each machine learns the states that the ones below infer.

use anyhow::{Context, Result};
use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_boltzmann::{AnyRbm, RbmConfig};
use gibbs_core::math::to_host;
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
use crate::fault::Fault;

/// What a layer is given as the state of the one below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Upward {
    /// Conditional means of the hidden units.
    Means,
    /// Draws of the hidden units.
    Samples,
}

/// The weights with which a layer starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// Small random ones.
    Random,
    /// The layer below upside down, which leaves the law of the stack as it is (Hinton, Osindero & Teh 2006, section 4).
    Mirrored,
}

/// How one layer of a stack is trained.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StackLayer {
    /// Epochs; `null` takes those of the run.
    pub epochs: Option<usize>,
    /// Learning rate; `null` takes that of the run.
    pub learning_rate: Option<Schedule>,
    /// Weights to start with.
    pub start: Start,
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
    pub start: Start,
    /// The machine's own training.
    pub train: LayerTrain,
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

/// The first weights of layer `k`, above a machine or at the bottom.
fn initial(plan: &[Layer], k: usize, below: Option<&AnyRbm>, seed: u64, device: &Device) -> Result<AnyRbm> {
    let (layer, mut noise) = (&plan[k], Noise::new(seed, format!("init/{k}")));
    match (layer.start, below) {
        (Start::Random, _) => Ok(layer.rbm.init(device, &mut noise)?),
        (Start::Mirrored, Some(below)) if layer.rbm.n_visible == below.weight.dims()[1] => {
            Ok(below.mirrored(layer.rbm.n_hidden, layer.rbm.weight_std, &mut noise)?)
        }
        (Start::Mirrored, _) => Err(Fault::usage(format!(
            "train.layers.{k}.start = \"mirrored\": there is no layer below with as many hidden columns; take \"random\""
        ))),
    }
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
        let layer = &self.plan[k];
        let rbm = initial(&self.plan, k, self.trained.last(), self.seed, &self.device)?;
        let moments = self.coding.moments(&self.data, &self.device, |v| {
            let x = self.trained.iter().fold(v, |x, rbm| rbm.hidden_mean(x));
            let missing = layer.rbm.n_visible - x.dims()[1];
            match missing {
                0 => x,
                // Labels, taken as equally likely.
                classes => {
                    let label = x.clone().narrow(1, 0, 1).zeros_like().expand([x.dims()[0], classes]);
                    Tensor::cat(vec![x, label + 1.0 / classes as f64], 1)
                }
            }
        });
        let mut train = layer.train.clone();
        train.fit_visible &= layer.start == Start::Random;
        LayerTraining::new(&train, rbm, &moments, Noise::new(self.seed, format!("chains/{k}")), &self.device)
    }

    /// One step, with the label of each example where the top layer has one.
    ///
    /// # Errors
    /// A layer that cannot be made.
    pub fn step(&mut self, at: &Position, v: Tensor<2>, label: Option<Tensor<2>>) -> Result<()> {
        self.skip_finished(at.epoch)?;
        let k = self.trained.len();
        let mut x = v;
        for rbm in &self.trained {
            x = match self.upward {
                Upward::Means => rbm.hidden_mean(x),
                Upward::Samples => rbm.sample_hidden(x, &mut self.noise),
            };
        }
        let before = self.first_epoch(k) * at.steps_per_epoch;
        let here = Position::new(at.step - before, at.steps_per_epoch, self.plan[k].epochs);
        let rate = self.plan[k].learning_rate.at(here.step, here.total_steps);
        if let Some(label) = label
            && self.plan[k].rbm.n_visible > x.dims()[1]
        {
            x = Tensor::cat(vec![x, label], 1);
        }
        if let Some(training) = &mut self.current {
            training.step(&here, rate, x);
        }
        Ok(())
    }

    /// The machines so far, with those to come as they will start.
    ///
    /// # Errors
    /// A layer that cannot be made.
    pub fn stack(&self) -> Result<Vec<AnyRbm>> {
        let mut stack = self.trained.clone();
        stack.extend(self.current.iter().map(|training| training.measured().clone()));
        for k in stack.len()..self.plan.len() {
            stack.push(initial(&self.plan, k, stack.last(), self.seed, &self.device)?);
        }
        Ok(stack)
    }

    /// Mean squared error of data after the means were taken up to the layer in training and down again.
    pub fn reconstruction_error(&self, v: Tensor<2>) -> f64 {
        let current = self.current.as_ref().map(LayerTraining::measured);
        let machines: Vec<&AnyRbm> = self.trained.iter().chain(current).collect();
        let up = |x: Tensor<2>, rbm: &&AnyRbm| {
            let missing = rbm.weight.dims()[0] - x.dims()[1];
            let [batch, _] = x.dims();
            let zeros = Tensor::zeros([batch, missing], (&x.device(), x.dtype()));
            rbm.hidden_mean(if missing > 0 { Tensor::cat(vec![x, zeros], 1) } else { x })
        };
        let top = machines.iter().fold(v.clone(), up);
        let down = machines.iter().rev().fold(top, |h, rbm| {
            let width = rbm.weight.dims()[1];
            rbm.visible_mean(h.narrow(1, 0, width))
        });
        let width = v.dims()[1];
        to_host((v - down.narrow(1, 0, width)).square().sum_dim(1).mean())[0]
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
