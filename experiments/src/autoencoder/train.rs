//! One run: a stack layer by layer, then the network that it unrolls to.

use anyhow::Result;
use burn::prelude::*;
use gibbs_autoencoder::{Autoencoder, Reconstruction};
use gibbs_backend::Noise;
use gibbs_core::{Batch, BoxError};
use gibbs_data::{Dataset, Splits};
use gibbs_train::{
    checkpoint::State,
    learner::{BatchSource, DataBatches, Learner, Staged, Stages},
    training::{Metrics, TrainTask, Validation},
    weights,
};

use super::{AutoencoderRun, initial, rbms, visible};
use crate::{
    evaluation::{by_weights, mean},
    source::train_like_valid,
    stack::{Greedy, LayerBatches, stack_of},
    usage::{OrUsage, of_step},
};

/// An autoencoder in training.
struct AutoencoderStages<'a> {
    config: &'a AutoencoderRun,
    data: &'a Splits,
    greedy: Greedy<'a>,
    network: Option<Learner<'a, Autoencoder, Reconstruction>>,
    /// The epoch of the run with which the present stage begins.
    first_epoch: usize,
    device: Device,
}

pub(super) fn task<'a>(
    config: &'a AutoencoderRun,
    data: &'a Splits,
    device: &Device,
) -> Result<Box<dyn TrainTask + 'a>> {
    let stack = &config.train.pretraining;
    let rbms = rbms(config)?;
    let trained = match &config.train.from {
        Some(folder) => stack_of(folder, &rbms, true, device)?.layers,
        None => Vec::new(),
    };
    let seen = (visible(&config.model), &data.train);
    seen.0.require_scale(&data.train, device)?;
    let greedy = Greedy::new(
        rbms,
        (&stack.layers, "train.pretraining.layers"),
        trained,
        stack.upward,
        seen,
        config.seed,
        device,
    );
    let device = device.clone();
    let stages = AutoencoderStages { config, data, greedy, network: None, first_epoch: 0, device };
    Ok(Box::new(Staged::new(stages).map_err(of_step)?))
}

impl<'a> AutoencoderStages<'a> {
    fn batches(&self) -> Result<Box<dyn BatchSource + 'a>> {
        let (train, visible) = (&self.config.train, visible(&self.config.model));
        let (data, seed) = (self.data.train.clone(), self.config.seed);
        let encode = move |batch: gibbs_data::Batch| Batch {
            weights: batch.weights,
            ..Batch::new(visible.encode(batch.x))
        };
        let batches = DataBatches::new(data, train.batch_size, seed, &self.device, encode).or_usage()?;
        Ok(Box::new(batches.from_epoch(self.first_epoch)))
    }

    /// The network as it is now: unrolled from the stack, or in fine-tuning.
    fn current(&self) -> Result<Autoencoder> {
        match &self.network {
            Some(learner) => Ok(learner.measured()),
            None if !self.config.train.has_stack() => initial(self.config, &self.device),
            None => Ok(Autoencoder::unroll(&self.greedy.stack()?)?),
        }
    }

    fn fine_tuning(&self) -> Result<Learner<'a, Autoencoder, Reconstruction>> {
        let (data, device) = (self.data, self.device.clone());
        let (visible, like_valid) = (visible(&self.config.model), train_like_valid(data));
        let objective = Reconstruction { loss: self.config.train.loss };
        let noise = Noise::new(self.config.seed, "network");
        let learner = Learner::new(self.current()?, objective, &self.config.train.learner, noise);
        Ok(learner.or_usage_at("train")?.on_batches(self.batches()?).validate(
            move |network: &Autoencoder, _| {
                let errors = |set: &Dataset| visible.for_each(set, &device, |x| network.squared_error(x));
                let error = |set: &Dataset| mean(&by_weights(set, errors(set)));
                let valid = error(&data.valid);
                let metrics = Metrics::new()
                    .with("valid_squared_error", valid)
                    .with("train_squared_error", error(&like_valid));
                Ok(Some(Validation { metrics, score: Some(-valid) }))
            },
        ))
    }
}

impl Stages for AutoencoderStages<'_> {
    fn epochs(&self) -> Vec<usize> {
        self.config.train.stages()
    }

    fn begin(&mut self, stage: usize) -> Result<(), BoxError> {
        self.first_epoch = self.epochs()[..stage].iter().sum();
        let train = &self.config.train;
        if stage < self.greedy.depth() {
            let sizes = [train.batch_size, train.pretraining.batch_size];
            return Ok(self.greedy.begin(stage, LayerBatches { batches: self.batches()?, sizes }, None)?);
        }
        self.network = Some(self.fine_tuning()?);
        Ok(())
    }

    fn task(&self) -> &dyn TrainTask {
        match &self.network {
            Some(learner) => learner,
            None => self.greedy.task(),
        }
    }

    fn task_mut(&mut self) -> &mut dyn TrainTask {
        match &mut self.network {
            Some(learner) => learner,
            None => self.greedy.task_mut(),
        }
    }

    fn save_results(&self, state: &mut State) -> Result<(), BoxError> {
        match self.network {
            Some(_) => Ok(()),
            None => self.greedy.save(state),
        }
    }

    fn load_results(&mut self, stage: usize, state: &State) -> Result<(), BoxError> {
        if stage < self.greedy.depth() { self.greedy.load(state) } else { Ok(()) }
    }

    fn weights(&self) -> Result<Vec<u8>, BoxError> {
        Ok(weights::to_bytes(&self.current()?)?)
    }
}
