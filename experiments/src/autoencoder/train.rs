//! One run: a stack layer by layer, then the network that it unrolls to.

use anyhow::Result;
use burn::prelude::*;
use gibbs_autoencoder::Autoencoder;
use gibbs_backend::Noise;
use gibbs_data::{Dataset, Splits};
use gibbs_train::{
    checkpoint::State,
    training::{BoxError, Metrics, Position, TrainTask, Validation},
    weights,
};

use super::{AutoencoderRun, config, fine_tuning::FineTuning};
use crate::{
    boltzmann::{coding::Coding, feed::Feed, greedy::Greedy, save_stage, saved_stage},
    dbn,
};

/// Examples on which the figures of a log line are taken.
const PROBE: usize = 1000;

/// What a run is at.
enum Stage {
    Stack(Box<Greedy>),
    Network(Box<FineTuning>),
}

/// An autoencoder in training.
pub(super) struct AutoencoderTask {
    config: AutoencoderRun,
    coding: Coding,
    stage: Stage,
    feed: Feed,
    train_probe: Tensor<2>,
    valid: Dataset,
    device: Device,
}

impl AutoencoderTask {
    pub(super) fn new(config: &AutoencoderRun, data: &Splits, device: &Device) -> Result<Self> {
        let (train, coding) = (&config.train, config::coding(config));
        let plan = config::plan(config)?;
        let trained = match &train.from {
            Some(folder) => dbn::tied_stack_of(folder, &plan, device)?,
            None => Vec::new(),
        };
        let upward = train.pretraining.upward;
        let greedy = Greedy::new(plan, trained, upward, coding, &data.train, config.seed, device)?;
        let probe: Vec<usize> = (0..PROBE.min(data.train.len())).collect();
        let mut task = Self {
            stage: Stage::Stack(Box::new(greedy)),
            feed: Feed::new(data.train.clone(), train.batch_size, config.seed, device)?,
            train_probe: coding.examples(&data.train, &probe, device),
            valid: data.valid.clone(),
            device: device.clone(),
            coding,
            config: config.clone(),
        };
        task.enter_stage(0)?;
        Ok(task)
    }

    /// Goes on to fine-tuning if an epoch belongs to it.
    fn enter_stage(&mut self, epoch: usize) -> Result<()> {
        if matches!(self.stage, Stage::Stack(_)) && epoch >= self.config.train.pretraining_epochs() {
            let training = FineTuning::new(&self.config.train, self.network()?, &self.device)?;
            self.stage = Stage::Network(Box::new(training));
        }
        Ok(())
    }

    /// The network as it is now: unrolled from the stack, or in fine-tuning.
    fn network(&self) -> Result<Autoencoder> {
        let starts_random = !self.config.train.pretrain && self.config.train.from.is_none();
        match &self.stage {
            Stage::Network(training) => Ok(training.measured()),
            Stage::Stack(_) if starts_random => {
                let mut noise = Noise::new(self.config.seed, "init");
                Ok(self.config.model.network()?.init(&self.device, &mut noise)?)
            }
            Stage::Stack(greedy) => Ok(Autoencoder::unroll(&greedy.stack()?)?),
        }
    }
}

/// One step of a stack on a batch that is cut into smaller ones.
fn step_stack(
    greedy: &mut Greedy,
    at: &Position,
    x: Tensor<2>,
    batch_sizes: [usize; 2],
) -> Result<(), BoxError> {
    let [whole, part] = batch_sizes;
    let (n, parts) = (x.dims()[0], whole.div_ceil(part));
    for (i, start) in (0..n).step_by(part).enumerate() {
        let epochs = at.total_steps / at.steps_per_epoch;
        let here = Position::new(at.step * parts + i, at.steps_per_epoch * parts, epochs);
        greedy.step(&here, x.clone().narrow(0, start, part.min(n - start)), None)?;
    }
    Ok(())
}

impl TrainTask for AutoencoderTask {
    fn steps_per_epoch(&self) -> usize {
        self.feed.steps_per_epoch()
    }

    fn step(&mut self, at: &Position) -> Result<(), BoxError> {
        self.enter_stage(at.epoch)?;
        let x = self.coding.encode(self.feed.batch(at).x);
        let train = &self.config.train;
        let before = train.pretraining_epochs() * at.steps_per_epoch;
        match &mut self.stage {
            Stage::Stack(greedy) => {
                step_stack(greedy, at, x, [train.batch_size, train.pretraining.batch_size])?;
            }
            Stage::Network(training) => {
                training.step(&Position::new(at.step - before, at.steps_per_epoch, train.run.epochs), x);
            }
        }
        Ok(())
    }

    fn take_metrics(&mut self) -> Result<Metrics, BoxError> {
        Ok(match &mut self.stage {
            Stage::Stack(greedy) => {
                let error = greedy.reconstruction_error(self.train_probe.clone());
                Metrics::new().with("layer", greedy.layer() as f64).with("reconstruction_error", error)
            }
            Stage::Network(training) => training.take_metrics(),
        })
    }

    fn validate(&mut self, _at: &Position) -> Result<Option<Validation>, BoxError> {
        let Stage::Network(training) = &self.stage else { return Ok(None) };
        let error = training.squared_error(self.coding, &self.valid);
        let like_valid = self.feed.data().rows(0..self.valid.len().min(self.feed.data().len()));
        let figures = Metrics::new()
            .with("valid_squared_error", error)
            .with("train_squared_error", training.squared_error(self.coding, &like_valid));
        Ok(Some(Validation { metrics: figures, score: Some(-error) }))
    }

    fn save_state(&self, state: &mut State) -> Result<(), BoxError> {
        match &self.stage {
            Stage::Stack(greedy) => save_stage(state, "stack", |own| greedy.save(own)),
            Stage::Network(training) => save_stage(state, "network", |own| training.save(own)),
        }
    }

    fn load_state(&mut self, state: &State) -> Result<(), BoxError> {
        let (name, own) = saved_stage(state)?;
        if name == "network" {
            self.enter_stage(self.config.train.pretraining_epochs())?;
        }
        match &mut self.stage {
            Stage::Stack(greedy) => greedy.load(own),
            Stage::Network(training) => training.load(&own),
        }
    }

    fn weights(&self) -> Result<Vec<u8>, BoxError> {
        Ok(weights::to_bytes(&self.network()?)?)
    }
}
