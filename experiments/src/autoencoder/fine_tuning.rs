//! The unrolled network in training by backpropagation.

use anyhow::Result;
use burn::prelude::*;
use gibbs_autoencoder::Autoencoder;
use gibbs_data::Dataset;
use gibbs_train::{
    checkpoint::State,
    training::{BoxError, Metrics, Position},
};

use super::config::{self, AutoencoderTrain, FineTuner};
use crate::{backprop::Backprop, boltzmann::coding::Coding};

/// A network in fine-tuning.
pub(super) struct FineTuning {
    config: AutoencoderTrain,
    training: Backprop<Autoencoder>,
    device: Device,
}

impl FineTuning {
    pub(super) fn new(train: &AutoencoderTrain, network: Autoencoder, device: &Device) -> Result<Self> {
        let adam = config::adam(train).init()?;
        let training = Backprop::new(network, adam, train.average, device);
        Ok(Self { config: train.clone(), training, device: device.clone() })
    }

    /// The network that is measured and saved.
    pub(super) fn measured(&self) -> Autoencoder {
        self.training.measured()
    }

    /// One batch: a step of Adam, or some line searches.
    pub(super) fn step(&mut self, at: &Position, x: Tensor<2>) {
        let (train, loss) = (&self.config, self.config.loss);
        let evaluate = |network: &Autoencoder| loss.gradients(network, x.clone());
        let (network, minimized) = match train.optimizer {
            FineTuner::Adam => {
                let rate = train.learning_rate.at(at.step, at.total_steps);
                let loss = loss.loss(self.training.network(), x.autodiff());
                return self.training.descend(at, rate, "loss", loss);
            }
            FineTuner::ConjugateGradient => {
                config::conjugate_gradient(train).minimize(self.training.network().clone(), evaluate)
            }
            FineTuner::Lbfgs => config::lbfgs(train).minimize(self.training.network().clone(), evaluate),
        };
        self.training.figures.add_value("loss", minimized.loss_before);
        self.training.figures.add_value("evaluations", minimized.evaluations as f64);
        self.training.replace(at, network);
    }

    pub(super) fn take_metrics(&mut self) -> Metrics {
        self.training.take_metrics()
    }

    /// Mean squared error on a set.
    pub(super) fn squared_error(&self, coding: Coding, data: &Dataset) -> f64 {
        let network = self.measured();
        let errors = coding.for_each(data, &self.device, |x| network.squared_error(x));
        errors.iter().sum::<f64>() / errors.len() as f64
    }

    pub(super) fn save(&self, state: &mut State) -> Result<(), BoxError> {
        self.training.save(state)
    }

    pub(super) fn load(&mut self, state: &State) -> Result<(), BoxError> {
        self.training.load(state)
    }
}
