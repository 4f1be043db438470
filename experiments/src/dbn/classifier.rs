//! The feed-forward network in training by backpropagation.

use anyhow::{Context, Result};
use burn::{prelude::*, tensor::activation::log_softmax};
use gibbs_backend::Noise;
use gibbs_boltzmann::{ClassifierCrossEntropy, Dbn, dbn::errors_and_nll};
use gibbs_core::{Batch, Estimate, Objective, nn::Mlp, optim::AdamConfig};
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
    n_classes: usize,
}

impl ClassifierTraining {
    pub(super) fn new(config: &DbnRun, dbn: Dbn, device: &Device) -> Result<Self> {
        let train = &config.train.classifier;
        let mut noise = Noise::new(config.seed, "classifier");
        let start = match config.train.pretrain || config.train.from.is_some() {
            true => dbn.classifier(super::config::classifier_classes(config)?, &mut noise)?,
            false => random_classifier(config, device)?,
        };
        let n_classes = super::config::classifier_classes(config)?;
        let adam = AdamConfig::new().with_weight_decay(train.weight_decay).init()?;
        Ok(Self {
            training: Backprop::new(start.with_dropout(train.dropout), adam, train.average, device),
            noise: Noise::new(config.seed, "dropout"),
            config: train.clone(),
            n_classes,
            dbn,
        })
    }

    /// The network that is measured and saved.
    pub(super) fn measured(&self) -> Mlp {
        self.training.measured()
    }

    /// A step down the mean cross-entropy of `labels [batch]`.
    pub(super) fn step(
        &mut self,
        at: &Position,
        v: Tensor<2>,
        labels: Tensor<1, Int>,
    ) -> Result<(), BoxError> {
        let mut objective = ClassifierCrossEntropy { input_dropout: self.config.input_dropout };
        let batch = Batch { x: v, context: Some(labels.one_hot::<2>(self.n_classes).float()) };
        let output = objective.step(self.training.network(), batch, at, &mut self.noise)?;
        let rate = self.config.learning_rate.at(at.step, at.total_steps);
        if let Some(loss) = output.loss {
            self.training.follow_gradients(at, rate, "cross_entropy", loss, output.gradients);
        }
        Ok(())
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
    let mut found = Vec::new();
    coding.for_each(data, device, |v| {
        let rows = log_prob(v);
        found.extend(errors_and_nll(rows.clone(), labels[found.len()..].iter().map(|&label| label.into())));
        rows.sum_dim(1).squeeze_dim(1)
    });
    Ok(found.into_iter().unzip())
}

/// Share of ones in percent.
pub(super) fn percent(wrong: &[f64]) -> Estimate {
    Estimate::exact(100.0 * wrong.iter().sum::<f64>() / wrong.len() as f64)
}
