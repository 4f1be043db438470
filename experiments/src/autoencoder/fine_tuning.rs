//! The unrolled network in training by backpropagation.

use anyhow::Result;
use burn::{module::Module, optim::ModuleOptimizer, prelude::*};
use gibbs_autoencoder::Autoencoder;
use gibbs_data::Dataset;
use gibbs_train::{
    average::WeightAverage,
    checkpoint::{State, placed},
    training::{Averages, BoxError, Figures, Position},
};

use super::config::{self, AutoencoderTrain, FineTuner};
use crate::boltzmann::coding::Coding;

/// A network in fine-tuning.
pub(super) struct FineTuning {
    config: AutoencoderTrain,
    /// On the autodiff device.
    network: Autoencoder,
    optimizer: ModuleOptimizer,
    average: Option<WeightAverage<Autoencoder>>,
    averages: Averages,
    device: Device,
}

impl FineTuning {
    pub(super) fn new(train: &AutoencoderTrain, network: Autoencoder, device: &Device) -> Result<Self> {
        let network = network.train();
        Ok(Self {
            optimizer: adam(train, device)?,
            average: train.average.start(&network),
            averages: Averages::new(),
            device: device.clone(),
            config: train.clone(),
            network,
        })
    }

    /// The network that is measured and saved: the average where there is one.
    pub(super) fn measured(&self) -> Autoencoder {
        self.average.as_ref().map_or_else(|| self.network.valid(), |average| average.module().clone())
    }

    /// One batch: a step of Adam, or some line searches.
    pub(super) fn step(&mut self, at: &Position, x: Tensor<2>) {
        let (train, loss) = (&self.config, self.config.loss);
        match train.optimizer {
            FineTuner::Adam => {
                let value = loss.loss(&self.network, x.autodiff());
                self.averages.add("loss", value.clone());
                let gradients = burn::optim::GradientsParams::from_grads(value.backward(), &self.network);
                let rate = train.learning_rate.at(at.step, at.total_steps);
                self.network = self.optimizer.step(rate, self.network.clone(), gradients);
            }
            searching => {
                let evaluate = |network: &Autoencoder| loss.gradients(network, x.clone());
                let network = self.network.clone();
                let (network, minimized) = match searching {
                    FineTuner::Lbfgs => config::lbfgs(train).minimize(network, evaluate),
                    _ => config::conjugate_gradient(train).minimize(network, evaluate),
                };
                self.network = network;
                self.averages.add_value("loss", minimized.loss_before);
                self.averages.add_value("evaluations", minimized.evaluations as f64);
            }
        }
        if let Some(average) = &mut self.average
            && at.steps_done().is_multiple_of(train.average.every)
        {
            average.update(&self.network);
        }
    }

    pub(super) fn figures(&mut self) -> Figures {
        self.averages.take()
    }

    /// Mean squared error on a set.
    pub(super) fn squared_error(&self, coding: Coding, data: &Dataset) -> f64 {
        let network = self.measured();
        let errors = coding.for_each(data, &self.device, |x| network.squared_error(x));
        errors.iter().sum::<f64>() / errors.len() as f64
    }

    pub(super) fn save(&self, state: &mut State) -> Result<(), BoxError> {
        state.put_module("network", &self.network)?;
        state.put_optimizer("optimizer", &self.optimizer)?;
        self.averages.save(state, "averages")?;
        if let Some(average) = &self.average {
            average.save(state, "average")?;
        }
        Ok(())
    }

    pub(super) fn load(&mut self, state: &State) -> Result<(), BoxError> {
        self.network = state.module("network", self.network.clone())?;
        self.optimizer = state.optimizer("optimizer", adam(&self.config, &self.device)?)?;
        self.averages = Averages::load(state, "averages", &self.device)?;
        if self.average.is_some() {
            self.average = Some(WeightAverage::load(state, "average", &self.network)?);
        }
        Ok(())
    }
}

fn adam(train: &AutoencoderTrain, device: &Device) -> Result<ModuleOptimizer> {
    Ok(placed(config::adam(train).init()?, &device.clone().autodiff()))
}
