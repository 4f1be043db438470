//! One run of contrastive divergence: steps, figures, validation, checkpoint.

use anyhow::Result;
use burn::{
    optim::{AdamConfig, ModuleOptimizer, SgdConfig, momentum::MomentumConfig},
    prelude::*,
};
use gibbs_backend::Noise;
use gibbs_boltzmann::{
    Contrastive, Rbm,
    units::{AnyUnits, Units},
};
use gibbs_core::{Objective, math::to_host, params::descend};
use gibbs_data::{Batches, Dataset, Epoch, Splits};
use gibbs_train::{
    average::WeightAverage,
    checkpoint::{State, placed},
    training::{BoxError, Figures, Position, Trainee, Validation},
    weights,
};

use super::{RbmRun, config::Optimizer, evaluate, moments};

/// Examples on which the figures of a log line are taken.
const PROBE: usize = 1000;

/// A machine in training.
pub(super) struct RbmTrainee {
    config: RbmRun,
    /// The machine without autodiff: all statistics are direct formulas.
    rbm: Rbm<AnyUnits, AnyUnits>,
    base: AnyUnits,
    objective: Contrastive<AnyUnits>,
    optimizer: ModuleOptimizer,
    momentum: f64,
    average: Option<WeightAverage<Rbm<AnyUnits, AnyUnits>>>,
    noise: Noise,
    batches: Batches,
    epoch: Option<(usize, Epoch)>,
    train_probe: Tensor<2>,
    valid: Dataset,
    device: Device,
}

impl RbmTrainee {
    pub(super) fn new(config: &RbmRun, data: &Splits, device: &Device) -> Result<Self> {
        let train = &config.train;
        let moments = moments(config, &data.train, device);
        let mut rbm = config.model.rbm_config()?.init(device, &mut Noise::new(config.seed, "init"))?;
        if train.fit_visible {
            rbm = rbm.with_visible_fitted(&moments);
        }
        let base = rbm.visible.fitted(&moments);
        let probe: Vec<usize> = (0..PROBE.min(data.train.len())).collect();
        let momentum = train.momentum.at(0, 1);
        Ok(Self {
            objective: train.contrastive.init(&rbm, base.clone())?,
            optimizer: optimizer(train.optimizer, momentum, device),
            momentum,
            average: (train.average.decay > 0.0).then(|| WeightAverage::new(&rbm, train.average.decay)),
            noise: Noise::new(config.seed, "chains"),
            batches: Batches::new(data.train.clone(), train.batch_size)?.shuffled(config.seed),
            epoch: None,
            train_probe: config.model.encode(data.train.tensor(&probe, device)),
            valid: data.valid.clone(),
            device: device.clone(),
            config: config.clone(),
            rbm,
            base,
        })
    }

    /// The machine that is measured and saved: the average where there is one.
    fn measured(&self) -> &Rbm<AnyUnits, AnyUnits> {
        self.average.as_ref().map_or(&self.rbm, WeightAverage::module)
    }

    fn batch(&mut self, at: &Position) -> Tensor<2> {
        let epoch = match self.epoch.take() {
            Some((number, epoch)) if number == at.epoch => epoch,
            _ => self.batches.epoch(at.epoch as u64),
        };
        let batch = epoch.batch(at.step_in_epoch, &self.device).x;
        self.epoch = Some((at.epoch, epoch));
        self.config.model.encode(batch)
    }

    /// Burn fixes the momentum of an optimizer when it is made, so a new one takes over the old one's state.
    fn follow_momentum(&mut self, at: &Position) {
        let momentum = self.config.train.momentum.at(at.step, at.total_steps);
        if at.is_epoch_start() && momentum != self.momentum {
            let state = self.optimizer.to_record();
            self.optimizer =
                optimizer(self.config.train.optimizer, momentum, &self.device).load_record(state);
            self.momentum = momentum;
        }
    }
}

fn optimizer(kind: Optimizer, momentum: f64, device: &Device) -> ModuleOptimizer {
    match kind {
        Optimizer::Sgd if momentum > 0.0 => {
            let momentum = MomentumConfig::new().with_momentum(momentum).with_dampening(0.0);
            placed(SgdConfig::new().with_momentum(Some(momentum)).build(), device)
        }
        Optimizer::Sgd => placed(SgdConfig::new().build(), device),
        Optimizer::Adam => placed(AdamConfig::new().build(), device),
    }
}

impl Trainee for RbmTrainee {
    fn steps_per_epoch(&self) -> usize {
        self.batches.len()
    }

    fn step(&mut self, at: &Position) -> Result<(), BoxError> {
        self.follow_momentum(at);
        let batch = self.batch(at);
        let output = self.objective.step(&self.rbm, batch, &mut self.noise);
        let rate = self.config.train.learning_rate.at(at.step, at.total_steps);
        self.rbm = descend(&mut self.optimizer, rate, self.rbm.clone(), output.gradients);
        if let Some(average) = &mut self.average
            && at.steps_done().is_multiple_of(self.config.train.average.every)
        {
            average.update(&self.rbm);
        }
        Ok(())
    }

    fn figures(&mut self) -> Result<Figures, BoxError> {
        let error = self.measured().reconstruction_error(self.train_probe.clone());
        Ok(Figures::new().with("reconstruction_error", to_host(error.mean())[0]))
    }

    fn validate(&mut self, at: &Position) -> Result<Option<Validation>, BoxError> {
        let mut noise = Noise::new(self.config.seed, format!("validation/{}", at.steps_done()));
        let rbm = self.measured();
        let log_z = evaluate::quick_log_z(rbm, &self.base, self.config.train.validation, &mut noise);
        let valid = evaluate::free_energies(&self.config, rbm, &self.valid, &self.device);
        let like_valid = self.batches.data().rows(0..self.valid.len().min(self.batches.data().len()));
        let train = evaluate::free_energies(&self.config, rbm, &like_valid, &self.device);
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let log_prob = -mean(&valid) - log_z.value;
        let figures = Figures::new()
            .with("valid_log_prob", log_prob)
            .with("valid_log_prob_std_err", log_z.std_err)
            .with("train_log_prob", -mean(&train) - log_z.value)
            .with("log_z", log_z.value)
            .with("free_energy_gap", mean(&train) - mean(&valid));
        Ok(Some(Validation { figures, score: log_prob }))
    }

    fn save_state(&self, state: &mut State) -> Result<(), BoxError> {
        state.put_module("rbm", &self.rbm)?;
        state.put_optimizer("optimizer", &self.optimizer)?;
        state.put("momentum", &self.momentum)?;
        state.put("noise", &self.noise)?;
        let objective = self.objective.state();
        let names: Vec<&String> = objective.iter().map(|(name, _)| name).collect();
        state.put("objective", &names)?;
        state.put("objective.steps", &self.objective.steps())?;
        for (name, tensor) in &objective {
            state.put_tensor(&format!("objective.{name}"), tensor);
        }
        if let Some(average) = &self.average {
            average.save(state, "average")?;
        }
        Ok(())
    }

    fn load_state(&mut self, state: &State) -> Result<(), BoxError> {
        self.rbm = state.module("rbm", self.rbm.clone())?;
        self.momentum = state.get("momentum")?;
        self.optimizer = state
            .optimizer("optimizer", optimizer(self.config.train.optimizer, self.momentum, &self.device))?;
        self.noise = state.get("noise")?;
        let names: Vec<String> = state.get("objective")?;
        let objective: Result<Vec<_>, BoxError> = names
            .into_iter()
            .map(|name| {
                let tensor = state.tensor(&format!("objective.{name}"), &self.device)?;
                Ok((name, tensor))
            })
            .collect();
        self.objective.restore(objective?, state.get("objective.steps")?);
        if self.average.is_some() {
            self.average = Some(WeightAverage::load(state, "average", &self.rbm)?);
        }
        Ok(())
    }

    fn weights(&self) -> Result<Vec<u8>, BoxError> {
        Ok(weights::to_bytes(self.measured())?)
    }
}
