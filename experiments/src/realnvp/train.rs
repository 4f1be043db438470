//! A flow in training by maximum likelihood.

use anyhow::Result;
use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::ConditionalLogProb;
use gibbs_data::{Dataset, Splits};
use gibbs_flow::Flow;
use gibbs_train::{
    checkpoint::State,
    training::{BoxError, Metrics, Position, TrainTask, Validation},
};

use super::{RealNvpRun, preparation};
use crate::{
    backprop::Backprop, boltzmann::feed::Feed, coordinates::context, evaluation::mean,
    preparation::Preparation,
};

/// Examples whose densities are computed at once.
const ROWS: usize = 1000;

/// Examples that enter a flow when its normalizations are fitted.
const FITTED: usize = 2000;

/// A flow in training.
pub(super) struct FlowTask {
    config: RealNvpRun,
    preparation: Preparation,
    training: Backprop<Flow>,
    feed: Feed,
    valid: Dataset,
    device: Device,
}

impl FlowTask {
    pub(super) fn new(config: &RealNvpRun, data: &Splits, device: &Device) -> Result<Self> {
        let (model, train) = (&config.model, &config.train);
        let preparation = preparation(model)?;
        let preparation = match model.whitened {
            Some(true) => preparation.fitted(&data.train, device)?,
            _ => preparation,
        };
        let flow = model.flow()?.init(device, &mut Noise::new(config.seed, "init"))?;
        let n = data.train.len().min(FITTED);
        let rows: Vec<usize> = (0..n).map(|i| i * data.train.len() / n).collect();
        let batch = data.train.batch(&rows, device);
        let labels = context(batch.labels.as_deref(), model.n_classes, device);
        let flow = flow.fitted(preparation.forward(batch.x).0, labels.as_ref());
        Ok(Self {
            training: Backprop::new(flow, train.adam().init()?, train.average, device).clipped(train.clip),
            feed: Feed::new(data.train.clone(), train.batch_size, config.seed, device)?,
            valid: data.valid.clone(),
            preparation,
            config: config.clone(),
            device: device.clone(),
        })
    }
}

/// `ln p` of each example of a set, in the coordinates of the flow and in those of the data, for a `density` of examples in the
/// coordinates of the flow given contexts of `n_classes`.
pub(super) fn log_probs(
    density: impl Fn(Tensor<2>, Option<&Tensor<2>>) -> Tensor<1>,
    n_classes: usize,
    preparation: &Preparation,
    data: &Dataset,
    device: &Device,
) -> (Vec<f64>, Vec<f64>) {
    let rows: Vec<usize> = (0..data.len()).collect();
    let (mut within, mut of_data) = (Vec::with_capacity(data.len()), Vec::with_capacity(data.len()));
    for rows in rows.chunks(ROWS) {
        let batch = data.batch(rows, device);
        let (y, ladj) = preparation.forward(batch.x);
        let labels = context(batch.labels.as_deref(), n_classes, device);
        let log_prob = density(y, labels.as_ref());
        within.extend(gibbs_core::math::to_host(preparation.before_whitening(log_prob.clone())));
        of_data.extend(gibbs_core::math::to_host(log_prob + ladj));
    }
    (within, of_data)
}

impl TrainTask for FlowTask {
    fn steps_per_epoch(&self) -> usize {
        self.feed.steps_per_epoch()
    }

    fn step(&mut self, at: &Position) -> Result<(), BoxError> {
        let batch = self.feed.batch(at);
        let rate = self.config.train.learning_rate.at(at.step, at.total_steps);
        let (y, ladj) = self.preparation.forward(batch.x);
        let flow = self.training.network();
        let labels = context(batch.labels.as_deref(), flow.n_context(), &self.device).map(Tensor::autodiff);
        let log_prob = flow.log_prob_given(y.autodiff(), labels.as_ref());
        self.training.descend(at, rate, "loss", (log_prob + ladj.autodiff()).mean().neg());
        Ok(())
    }

    fn take_metrics(&mut self) -> Result<Metrics, BoxError> {
        Ok(self.training.take_metrics())
    }

    fn validate(&mut self, _at: &Position) -> Result<Option<Validation>, BoxError> {
        let flow = self.training.measured();
        let like_valid = self.feed.data().rows(0..self.valid.len().min(self.feed.data().len()));
        let density = |y, labels: Option<&Tensor<2>>| flow.log_prob_given(y, labels);
        let (n_classes, preparation) = (flow.n_context(), &self.preparation);
        let log_prob = |data| mean(&log_probs(density, n_classes, preparation, data, &self.device).1);
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
        Ok(self.preparation.to_bytes(self.training.measured())?)
    }
}
