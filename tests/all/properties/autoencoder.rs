//! Autoencoders of every output and code.

use burn::{module::Module, prelude::*};
use gibbs_autoencoder::{Autoencoder, AutoencoderConfig, Code, Loss, Output};
use gibbs_backend::Noise;
use gibbs_core::math::to_host;
use gibbs_train::weights::{self, WeightsError};

use super::{Constructor, Gradients, Model, tensor};
use crate::support::parameters::{by_parameter, shaken};

/// From the data to the code.
const WIDTHS: [usize; 3] = [6, 5, 3];

pub(super) fn models() -> Vec<Constructor> {
    let kinds =
        [(Output::Logistic, Code::Linear), (Output::Logistic, Code::Logistic), (Output::Linear, Code::Tanh)];
    let model = |(output, code): (Output, Code)| -> Constructor {
        let init = move |seed| {
            let mut noise = Noise::new(seed, "autoencoder");
            let config = AutoencoderConfig::new(WIDTHS[0], vec![WIDTHS[1]], WIDTHS[2])
                .with_output(output)
                .with_code(code);
            let autoencoder = config.init(&Device::flex(), &mut noise).unwrap();
            Box::new(shaken(autoencoder, noise)) as Box<dyn Model>
        };
        (format!("autoencoder, {code:?} code, {output:?} output"), Box::new(init))
    };
    kinds.map(model).into()
}

impl Model for Autoencoder {
    fn weights(&self) -> Vec<u8> {
        weights::to_bytes(self).unwrap()
    }

    fn with_weights(&self, bytes: &[u8]) -> Result<Box<dyn Model>, WeightsError> {
        Ok(Box::new(weights::from_bytes(self.clone(), bytes)?))
    }

    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let [width, hidden, code] = WIDTHS;
        vec![
            tensor("encoder.0.weight", &[width, hidden]),
            tensor("encoder.0.bias", &[hidden]),
            tensor("encoder.1.weight", &[hidden, code]),
            tensor("encoder.1.bias", &[code]),
            tensor("decoder.0.weight", &[code, hidden]),
            tensor("decoder.0.bias", &[hidden]),
            tensor("decoder.1.weight", &[hidden, width]),
            tensor("decoder.1.bias", &[width]),
        ]
    }

    fn examples(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        let shape = [n, WIDTHS[0]];
        match self.output() {
            Output::Logistic => noise.uniform(shape, &Device::flex()),
            Output::Linear => noise.normal(shape, &Device::flex()),
        }
    }

    fn score(&self, x: Tensor<2>) -> Vec<f64> {
        to_host(match self.output() {
            Output::Logistic => self.cross_entropy(x).neg(),
            Output::Linear => self.squared_error(x).neg(),
        })
    }

    fn gradients(&self, x: Tensor<2>, _noise: &mut Noise) -> Vec<(&'static str, Gradients)> {
        let lifted = self.clone().train();
        let losses = [("cross-entropy", Loss::CrossEntropy), ("squared error", Loss::SquaredError)];
        let possible = losses.into_iter().filter(|(_, loss)| loss.validate(self.output()).is_ok());
        possible
            .map(|(name, loss)| (name, by_parameter(&lifted, &loss.gradients(&lifted, x.clone()).1)))
            .collect()
    }
}
