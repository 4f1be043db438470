//! A model in training by maximum likelihood.

use anyhow::Result;
use burn::{module::Module, prelude::*};
use gibbs_autoregressive::Autoregressive;
use gibbs_backend::Noise;
use gibbs_data::{Dataset, Splits};
use gibbs_train::{
    checkpoint::State,
    schedule::Schedule,
    training::{BoxError, Metrics, Position, TrainTask, Validation},
    weights,
};

use super::{MadeRun, evaluate::log_probs, presets::Masks, values::Values};
use crate::{backprop::Backprop, boltzmann::feed::Feed, evaluation::mean};

/// Training examples from which the marginals are taken.
const MARGINALS: usize = 10_000;

/// A model in training.
pub(super) struct DensityTask<M> {
    config: MadeRun,
    values: Values,
    rate: Schedule,
    training: Backprop<M>,
    feed: Feed,
    valid: Dataset,
    device: Device,
}

impl<M: Module + Autoregressive> DensityTask<M> {
    pub(super) fn new(config: &MadeRun, model: M, data: &Splits, device: &Device) -> Result<Self> {
        let (train, values) = (&config.train, Values::of(&config.model));
        let n = data.train.len().min(MARGINALS);
        let rows: Vec<usize> = (0..n).map(|i| i * data.train.len() / n).collect();
        let model = model.with_marginals(values.examples(&data.train, &rows, device).x);
        Ok(Self {
            training: Backprop::new(model, train.adam().init()?, train.average, device),
            feed: Feed::new(data.train.clone(), train.batch_size()?, config.seed, device)?,
            valid: data.valid.clone(),
            device: device.clone(),
            rate: train.rate()?.clone(),
            values,
            config: config.clone(),
        })
    }

    /// The ordering that a step trains.
    fn ordering(&self, at: &Position) -> usize {
        let n = self.training.network().n_masks();
        match self.config.train.masks {
            Masks::Cycled => at.step % n,
            Masks::Drawn => Noise::new(self.config.seed, "masks").at(2 * at.step as u64).below(n),
        }
    }
}

impl<M: Module + Autoregressive + 'static> TrainTask for DensityTask<M> {
    fn steps_per_epoch(&self) -> usize {
        self.feed.steps_per_epoch()
    }

    fn step(&mut self, at: &Position) -> Result<(), BoxError> {
        let batch = self.feed.batch(at);
        let examples = self.values.encode(batch.x, batch.labels.as_deref());
        let rate = self.rate.at(at.step, at.total_steps);
        let context = examples.context.map(Tensor::autodiff);
        let (model, x) = (self.training.network(), examples.x.autodiff());
        let noise = &mut Noise::new(self.config.seed, format!("dropout/{}", at.step));
        let parameters = model.parameters_with_dropout(self.ordering(at), x.clone(), context.as_ref(), noise);
        let loss = model.output().log_prob(parameters, x).mean().neg() - self.values.log_volume();
        self.training.descend(at, rate, "loss", loss);
        Ok(())
    }

    fn take_metrics(&mut self) -> Result<Metrics, BoxError> {
        Ok(self.training.take_metrics())
    }

    fn validate(&mut self, _at: &Position) -> Result<Option<Validation>, BoxError> {
        let model = self.training.measured();
        let like_valid = self.feed.data().rows(0..self.valid.len().min(self.feed.data().len()));
        let log_prob = |data| mean(&log_probs(&model, &self.values, data, &self.device));
        let score = log_prob(&self.valid);
        let figures =
            Metrics::new().with("valid_log_prob", score).with("train_log_prob", log_prob(&like_valid));
        Ok(Some(Validation { metrics: figures, score: Some(score) }))
    }

    fn save_state(&self, state: &mut State) -> Result<(), BoxError> {
        self.training.save(state)
    }

    fn load_state(&mut self, state: &State) -> Result<(), BoxError> {
        self.training.load(state)
    }

    fn weights(&self) -> Result<Vec<u8>, BoxError> {
        Ok(weights::to_bytes(&self.training.measured())?)
    }
}
