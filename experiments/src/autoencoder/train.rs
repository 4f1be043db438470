//! One run: a stack layer by layer, then the network that it unrolls to.

use gibbs_autoencoder::{Autoencoder, Reconstruction};
use gibbs_train::learner::{Staged, Stages};

use super::{AutoencoderRun, initial, rbms, visible};
use crate::{
    prelude::*,
    source::train_like_valid,
    stack::{Greedy, StackTraining, stack_of},
    usage::of_step,
};

/// An autoencoder in training.
struct AutoencoderStages<'a> {
    config: &'a AutoencoderRun,
    data: &'a Splits,
    greedy: Greedy<'a>,
    network: Option<Learner<'a, Autoencoder, Reconstruction>>,
    device: Device,
}

pub(super) fn task<'a>(config: &'a AutoencoderRun, data: &'a Splits, device: &Device) -> Task<'a> {
    let (train, rbms) = (&config.train, rbms(config)?);
    let trained = match &train.from {
        Some(folder) => stack_of(folder, &rbms, true, device)?.layers,
        None => Vec::new(),
    };
    visible(&config.model).require_scale(&data.train, device)?;
    let training = StackTraining {
        rbms,
        layers: &train.pretraining.layers,
        path: "train.pretraining.layers",
        upward: train.pretraining.upward,
        visible: visible(&config.model),
        data: &data.train,
        batch_sizes: [train.batch_size, train.pretraining.batch_size],
        n_classes: 0,
        seed: config.seed,
        device: device.clone(),
    };
    let (greedy, device) = (Greedy::new(training, trained), device.clone());
    let stages = AutoencoderStages { config, data, greedy, network: None, device };
    Ok(Box::new(Staged::new(stages).map_err(of_step)?))
}

impl<'a> AutoencoderStages<'a> {
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
        Ok(learner.or_usage_at("train")?.on_batches(self.greedy.batches(0, None)?).validate(
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
        self.greedy.first_epoch = self.epochs()[..stage].iter().sum();
        if stage < self.greedy.depth() {
            return Ok(self.greedy.begin(stage, None)?);
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
