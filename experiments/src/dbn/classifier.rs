//! The feed-forward network in training by backpropagation.

use anyhow::{Context, Result};
use burn::{prelude::*, tensor::activation::log_softmax};
use gibbs_backend::Noise;
use gibbs_boltzmann::Dbn;
use gibbs_core::{Estimate, math::to_host, nn::Mlp, optim::AdamConfig};
use gibbs_data::Dataset;
use gibbs_train::{
    checkpoint::State,
    training::{BoxError, Metrics, Position},
};

use super::{DbnRun, config::ClassifierTrain, weights::random_classifier};
use crate::{backprop::Backprop, boltzmann::coding::Coding};

/// A classifier in training, beside the stack that it came from.
pub(super) struct ClassifierTraining {
    config: ClassifierTrain,
    pub(super) dbn: Dbn,
    training: Backprop<Mlp>,
    noise: Noise,
}

impl ClassifierTraining {
    pub(super) fn new(config: &DbnRun, dbn: Dbn, device: &Device) -> Result<Self> {
        let train = &config.train.classifier;
        let mut noise = Noise::new(config.seed, "classifier");
        let start = match config.train.pretrain || config.train.from.is_some() {
            true => dbn.classifier(super::config::classifier_classes(config)?, &mut noise)?,
            false => random_classifier(config, device)?,
        };
        let adam = AdamConfig::new().with_weight_decay(train.weight_decay).init()?;
        Ok(Self {
            training: Backprop::new(start.with_dropout(train.dropout), adam, train.average, device),
            noise: Noise::new(config.seed, "dropout"),
            config: train.clone(),
            dbn,
        })
    }

    /// The network that is measured and saved.
    pub(super) fn measured(&self) -> Mlp {
        self.training.measured()
    }

    /// A step down the mean cross-entropy of `labels [batch]`.
    pub(super) fn step(&mut self, at: &Position, v: Tensor<2>, labels: Tensor<1, Int>) {
        let keep = 1.0 - self.config.input_dropout;
        let v = match self.config.input_dropout > 0.0 {
            true => v.clone() * self.noise.bernoulli(v.full_like(keep)) / keep,
            false => v,
        };
        let network = self.training.network().network();
        let logits = network.forward_with_dropout(v.autodiff(), &mut self.noise);
        let labels = labels.autodiff();
        let rate = self.config.learning_rate.at(at.step, at.total_steps);
        let loss = cross_entropy(logits, labels).mean();
        drop(network);
        self.training.descend(at, rate, "cross_entropy", loss);
    }

    pub(super) fn take_metrics(&mut self) -> Metrics {
        self.training.take_metrics()
    }

    pub(super) fn save(&self, state: &mut State) -> Result<(), BoxError> {
        state.put_module("dbn", &self.dbn)?;
        state.put("noise", &self.noise)?;
        self.training.save(state)
    }

    pub(super) fn load(&mut self, state: &State) -> Result<(), BoxError> {
        self.dbn = state.module("dbn", self.dbn.clone())?;
        self.noise = state.get("noise")?;
        self.training.load(state)
    }
}

/// `-log p(label)` of each row of `logits [batch, classes]`: `[batch]`, nats.
fn cross_entropy(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    log_softmax(logits, 1).gather(1, labels.unsqueeze_dim(1)).squeeze_dim::<1>(1).neg()
}

/// Classification error in percent, and mean cross-entropy in nats, of a network on a set with labels.
///
/// # Errors
/// A set without labels.
pub(super) fn errors(
    network: &Mlp,
    coding: Coding,
    data: &Dataset,
    device: &Device,
) -> Result<(Estimate, f64)> {
    let (wrong, nll) = per_example(coding, data, device, |v| log_softmax(network.forward(v), 1))?;
    Ok((percent(&wrong), nll.iter().sum::<f64>() / nll.len() as f64))
}

/// For each example whether the most probable class is wrong (1 or 0), and `-log p(label)`.
///
/// # Errors
/// A set without labels.
pub(super) fn per_example(
    coding: Coding,
    data: &Dataset,
    device: &Device,
    log_prob: impl Fn(Tensor<2>) -> Tensor<2>,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let labels = data.labels().with_context(|| format!("{} has no labels", data.name()))?;
    let mut probabilities: Vec<f64> = Vec::new();
    coding.for_each(data, device, |v| {
        let rows = log_prob(v);
        probabilities.extend(to_host(rows.clone()));
        rows.sum_dim(1).squeeze_dim(1)
    });
    let classes = probabilities.len() / labels.len();
    let rows = probabilities.chunks(classes).zip(labels);
    Ok(rows
        .map(|(row, &label)| {
            let own = row.get(usize::from(label)).copied().unwrap_or(f64::NEG_INFINITY);
            let right = row.iter().all(|&other| other <= own);
            (f64::from(u8::from(!right)), -own)
        })
        .unzip())
}

/// Share of ones in percent.
pub(super) fn percent(wrong: &[f64]) -> Estimate {
    Estimate::exact(100.0 * wrong.iter().sum::<f64>() / wrong.len() as f64)
}
