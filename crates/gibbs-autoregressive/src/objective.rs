//! Maximum likelihood, one mask a step.

use burn::{module::Module, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{Batch, BoxError, Objective, Position, StepOutput, weighted_mean};
use serde::{Deserialize, Serialize};

use crate::Autoregressive;

/// Which of several masks a step trains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaskChoice {
    /// The masks in turn.
    #[default]
    Cycled,
    /// A random mask.
    Drawn,
}

/// Maximum likelihood under one mask a step, with dropout if the model has it (MADE, section 4.2).
///
/// The loss is the mean of `-ln p_k(x | c)` over the batch, nats, by the weights of the examples. Its metric is `loss`. Values
/// are not checked in each step: check the data once with [`OutputDistribution::check`](crate::OutputDistribution::check).
#[derive(Clone, Copy, Debug)]
pub struct OrderedLikelihood {
    masks: MaskChoice,
    seed: u64,
    log_volume: f64,
}

impl OrderedLikelihood {
    /// Random masks come from the stream `masks` of the seed: one number for each step.
    pub fn new(masks: MaskChoice, seed: u64) -> Self {
        Self { masks, seed, log_volume: 0.0 }
    }

    /// Reports the loss in coordinates in which the log-density is larger by `log_volume`: those before a standardization.
    #[must_use]
    pub fn with_log_volume(self, log_volume: f64) -> Self {
        Self { log_volume, ..self }
    }

    /// The mask of a step, among `n`.
    pub fn mask(&self, at: &Position, n: usize) -> usize {
        match self.masks {
            MaskChoice::Cycled => at.step % n,
            MaskChoice::Drawn => Noise::new(self.seed, "masks").at(2 * at.step as u64).below(n),
        }
    }
}

impl<M: Module + Autoregressive> Objective<M> for OrderedLikelihood {
    /// `noise` gives the dropout.
    fn step(
        &mut self,
        model: &M,
        batch: Batch,
        at: &Position,
        noise: &mut Noise,
    ) -> Result<StepOutput, BoxError> {
        let (x, context) = (batch.x.autodiff(), batch.context.map(Tensor::autodiff));
        let weights = batch.weights.map(Tensor::autodiff);
        let mask = self.mask(at, model.n_masks());
        let parameters = model.parameters_with_dropout(mask, x.clone(), context.as_ref(), noise);
        let log_prob = model.output().log_prob(parameters, x);
        let loss = weighted_mean(log_prob, weights.as_ref()).neg() - self.log_volume;
        Ok(StepOutput::backward(model, "loss", loss))
    }
}

#[cfg(test)]
mod tests {
    use gibbs_core::{Scalar, math::to_host};

    use super::*;
    use crate::{MadeConfig, OrderConfig};

    #[test]
    fn a_step_trains_the_mask_of_its_turn() {
        let (device, noise) = (Device::flex(), &mut Noise::new(0, "init"));
        let config = MadeConfig::new(5, 8.into()).with_order(OrderConfig::Random).with_n_masks(3);
        let model = config.init(&device, noise).unwrap().train();
        let x = noise.bernoulli(Tensor::<2>::full([20, 5], 0.3, &device));
        let model = model.with_marginals(x.clone());
        for (masks, step) in
            [MaskChoice::Cycled, MaskChoice::Drawn].into_iter().flat_map(|c| [(c, 1), (c, 5)])
        {
            let mut objective = OrderedLikelihood::new(masks, 7).with_log_volume(0.5);
            let at = Position::new(step, 10, 1);
            let found = objective.step(&model, Batch::new(x.clone()), &at, noise).unwrap();
            let mask = match masks {
                MaskChoice::Cycled => step % 3,
                MaskChoice::Drawn => Noise::new(7, "masks").at(2 * step as u64).below(3),
            };
            let truth = model.log_prob_in(mask, x.clone().autodiff(), None).mean().neg() - 0.5;
            let [("loss", Scalar::Device(loss))] = &found.metrics[..] else { panic!("{:?}", found.metrics) };
            assert_eq!(to_host(loss.clone()), to_host(truth));
        }
    }

    #[test]
    fn a_whole_weight_counts_as_repeated_rows() {
        let (device, noise) = (Device::flex(), &mut Noise::new(0, "init"));
        let model = MadeConfig::new(5, 8.into()).init(&device, noise).unwrap();
        let x = noise.bernoulli(Tensor::<2>::full([4, 5], 0.4, &device));
        let weights = Tensor::<1>::from_floats([2.0, 0.0, 1.0, 3.0], &device);
        let repeated = x.clone().select(0, Tensor::<1, Int>::from_ints([0, 0, 2, 3, 3, 3], &device));
        let weighted = Batch { weights: Some(weights), ..Batch::new(x) };
        let at = Position::new(0, 1, 1);
        let trained = model.clone().train();
        let mut objective = OrderedLikelihood::new(MaskChoice::Cycled, 0);
        let mut gradient = |batch: Batch| {
            let output = objective.step(&trained, batch, &at, &mut Noise::new(0, "step")).unwrap();
            let of_bias = output.gradients.get::<1>(trained.layers[0].bias.id).unwrap();
            [to_host(of_bias), to_host(output.loss.unwrap())].concat()
        };
        let (found, expected) = (gradient(weighted), gradient(Batch::new(repeated)));
        assert!(expected.iter().any(|g| g.abs() > 1e-3));
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
        }
    }
}
