//! One run of contrastive divergence: steps, figures, validation, checkpoint.

use anyhow::Result;
use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_boltzmann::{LayerObjective, Upward, units::UnitFamily};
use gibbs_core::{Batch, math::to_host};
use gibbs_data::{Dataset, Splits};
use gibbs_train::{
    checkpoint::State,
    training::{BoxError, Metrics, Position, TrainTask, Validation},
    weights,
};

use super::{RbmRun, evaluate};
use crate::boltzmann::{feed::Feed, layer::LayerTraining};

/// Examples on which the figures of a log line are taken.
const PROBE: usize = 1000;

/// A machine in training.
pub(super) struct RbmTask {
    config: RbmRun,
    training: LayerTraining,
    feed: Feed,
    train_probe: Tensor<2>,
    valid: Dataset,
    device: Device,
}

impl RbmTask {
    pub(super) fn new(config: &RbmRun, data: &Splits, device: &Device) -> Result<Self> {
        let (train, coding) = (&config.train, config.model.coding());
        let moments = coding.moments(&data.train, device);
        let rbm = config.model.rbm_config()?.init(device, &mut Noise::new(config.seed, "init"))?;
        let noise = Noise::new(config.seed, "chains");
        let rbm = if train.layer.fit_visible { rbm.with_visible_fitted(&moments) } else { rbm };
        let contrastive = train.layer.contrastive.init(&rbm, rbm.visible.fitted(&moments))?;
        let upward = (Upward::Means, Noise::new(config.seed, "upward"));
        let objective = LayerObjective::new(Vec::new(), upward, contrastive);
        let probe: Vec<usize> = (0..PROBE.min(data.train.len())).collect();
        Ok(Self {
            training: LayerTraining::new(&train.layer, rbm, objective, noise, device)?,
            feed: Feed::new(data.train.clone(), train.batch_size, config.seed, device)?,
            train_probe: coding.examples(&data.train, &probe, device),
            valid: data.valid.clone(),
            device: device.clone(),
            config: config.clone(),
        })
    }
}

impl TrainTask for RbmTask {
    fn steps_per_epoch(&self) -> usize {
        self.feed.steps_per_epoch()
    }

    fn step(&mut self, at: &Position) -> Result<(), BoxError> {
        let batch = self.config.model.coding().encode(self.feed.batch(at).x);
        let rate = self.config.train.learning_rate.at(at.step, at.total_steps);
        self.training.step(at, rate, Batch::new(batch))
    }

    fn take_metrics(&mut self) -> Result<Metrics, BoxError> {
        let error = self.training.measured().reconstruction_error(self.train_probe.clone());
        Ok(Metrics::new().with("reconstruction_error", to_host(error.mean())[0]))
    }

    fn validate(&mut self, at: &Position) -> Result<Option<Validation>, BoxError> {
        let mut noise = Noise::new(self.config.seed, format!("validation/{}", at.steps_done()));
        let rbm = self.training.measured();
        let log_z = self.config.train.validation.quick_log_z(rbm, self.training.objective.base(), &mut noise);
        let valid = evaluate::free_energies(&self.config, rbm, &self.valid, &self.device);
        let like_valid = self.feed.data().rows(0..self.valid.len().min(self.feed.data().len()));
        let train = evaluate::free_energies(&self.config, rbm, &like_valid, &self.device);
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let log_prob = -mean(&valid) - log_z.value;
        let figures = Metrics::new()
            .with("valid_log_prob", log_prob)
            .with("valid_log_prob_std_err", log_z.std_err)
            .with("train_log_prob", -mean(&train) - log_z.value)
            .with("log_z", log_z.value)
            .with("free_energy_gap", mean(&train) - mean(&valid));
        Ok(Some(Validation { metrics: figures, score: Some(log_prob) }))
    }

    fn save_state(&self, state: &mut State) -> Result<(), BoxError> {
        self.training.save(state)
    }

    fn load_state(&mut self, state: &State) -> Result<(), BoxError> {
        self.training.load(state)
    }

    fn weights(&self) -> Result<Vec<u8>, BoxError> {
        Ok(weights::to_bytes(self.training.measured())?)
    }
}
