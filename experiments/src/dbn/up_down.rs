//! All layers in training by the up-down algorithm.

use anyhow::{Context, Result};
use burn::{optim::ModuleOptimizer, prelude::*};
use gibbs_backend::Noise;
use gibbs_boltzmann::{Dbn, UpDown, UpDownConfig};
use gibbs_core::{Batch, Objective, math::to_host, params::optimizer_step};
use gibbs_data::Dataset;
use gibbs_train::{
    average::WeightAverage,
    checkpoint::State,
    training::{BoxError, Metrics, Position},
};

use super::{DbnRun, config::UpDownTrain, evaluate};
use crate::boltzmann::layer::{Optimizer, load_objective, optimizer, save_objective};

/// A stack in fine-tuning.
pub(super) struct UpDownTraining {
    config: UpDownTrain,
    dbn: Dbn,
    objective: UpDown,
    optimizer: ModuleOptimizer,
    average: Option<WeightAverage<Dbn>>,
    noise: Noise,
    device: Device,
}

impl UpDownTraining {
    pub(super) fn new(config: &DbnRun, dbn: Dbn, data: &Dataset, device: &Device) -> Result<Self> {
        let train = &config.train.up_down;
        let dbn = dbn.untied();
        let base = evaluate::base(&dbn, config.model.coding(), data, device);
        Ok(Self {
            objective: UpDownConfig::new(train.top.clone()).init(&dbn, base).context("train.up_down.top")?,
            optimizer: optimizer(Optimizer::Sgd, 0.0, device),
            average: train.average.start(&dbn),
            noise: Noise::new(config.seed, "up-down"),
            device: device.clone(),
            config: train.clone(),
            dbn,
        })
    }

    /// The network that is measured and saved.
    pub(super) fn measured(&self) -> &Dbn {
        self.average.as_ref().map_or(&self.dbn, WeightAverage::module)
    }

    pub(super) fn step(&mut self, at: &Position, v: Tensor<2>, label: Option<Tensor<2>>) {
        let batch = Batch { x: v, context: label };
        let Ok(output) = self.objective.step(&self.dbn, batch, at, &mut self.noise) else { return };
        let rate = self.config.learning_rate.at(at.step, at.total_steps);
        self.dbn = optimizer_step(&mut self.optimizer, rate, self.dbn.clone(), output.gradients);
        if let Some(average) = &mut self.average
            && at.steps_done().is_multiple_of(self.config.average.every)
        {
            average.update(&self.dbn);
        }
    }

    /// Mean of the bound on examples, less the unknown `log Z`: only its changes mean something.
    pub(super) fn figures(&self, v: Tensor<2>) -> Metrics {
        let weight = self.measured().log_weight(v, &mut Noise::new(0, "figures"));
        Metrics::new().with("bound_without_log_z", to_host(weight.mean())[0])
    }

    pub(super) fn save(&self, state: &mut State) -> Result<(), BoxError> {
        state.put_module("dbn", &self.dbn)?;
        state.put_optimizer("optimizer", &self.optimizer)?;
        state.put("noise", &self.noise)?;
        save_objective(state, &self.objective)?;
        if let Some(average) = &self.average {
            average.save(state, "average")?;
        }
        Ok(())
    }

    pub(super) fn load(&mut self, state: &State) -> Result<(), BoxError> {
        self.dbn = state.module("dbn", self.dbn.clone())?;
        self.optimizer = state.optimizer("optimizer", optimizer(Optimizer::Sgd, 0.0, &self.device))?;
        self.noise = state.get("noise")?;
        load_objective(state, &mut self.objective, &self.device)?;
        if self.average.is_some() {
            self.average = Some(WeightAverage::load(state, "average", &self.dbn)?);
        }
        Ok(())
    }
}
