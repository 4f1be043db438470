//! A continuous flow in training on data: by likelihood, or by flow matching.

use anyhow::Result;
use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::math::to_host;
use gibbs_data::{Dataset, Splits};
use gibbs_flow::{
    ContinuousFlow,
    continuous::{Field, VelocityField},
    ode::SolveError,
};
use gibbs_train::{
    checkpoint::State,
    schedule::Schedule,
    training::{BoxError, Metrics, Position, TrainTask, Validation},
};

use super::{CnfRun, config::Training, preparation};
use crate::{
    backprop::Backprop,
    boltzmann::feed::Feed,
    coordinates::{FEW_COLUMNS, context},
    evaluation::mean,
    made::given,
    preparation::Preparation,
};

/// Examples whose densities are computed at once: at most so many, and as many numbers, so that what a step of the solver reads
/// and writes stays near the processor.
const ROWS: usize = 1000;
const NUMBERS: usize = 200_000;

/// Examples of either set that a validation looks at.
const VALIDATED: usize = 2000;

/// Validations by log-densities of a run of flow matching, each of which takes as long as many of its steps.
const VALIDATIONS: usize = 20;

/// A flow in training.
pub(super) struct FlowTask {
    config: CnfRun,
    objective: Training,
    learning_rate: Schedule,
    preparation: Preparation,
    training: Backprop<ContinuousFlow>,
    feed: Feed,
    valid: Dataset,
    device: Device,
}

impl FlowTask {
    pub(super) fn new(
        config: &CnfRun,
        training: Backprop<ContinuousFlow>,
        data: &Splits,
        device: &Device,
    ) -> Result<Self> {
        let preparation = preparation(&config.model)?;
        let preparation = match config.model.whitened {
            Some(true) => preparation.fitted(&data.train, device)?,
            _ => preparation,
        };
        Ok(Self {
            objective: given(config.train.objective, "train.objective")?,
            learning_rate: config.train.rate()?,
            training,
            feed: Feed::new(data.train.clone(), config.train.batch_size()?, config.seed, device)?,
            valid: data.valid.rows(0..data.valid.len().min(VALIDATED)),
            preparation,
            config: config.clone(),
            device: device.clone(),
        })
    }

    /// Data, the logarithms of the volumes that their coordinates take, and the context of a batch.
    fn batch(&mut self, at: &Position) -> (Tensor<2>, Tensor<1>, Option<Tensor<2>>) {
        let batch = self.feed.batch(at);
        let (y, ladj) = self.preparation.forward(batch.x);
        let labels = context(batch.labels.as_deref(), self.config.model.n_classes, &self.device);
        (y, ladj, labels)
    }

    fn likelihood(&mut self, at: &Position, noise: &mut Noise) -> Result<(), BoxError> {
        let rate = self.learning_rate.at(at.step, at.total_steps);
        let (y, ladj, labels) = self.batch(at);
        let labels = labels.map(Tensor::autodiff);
        let weights = self.config.train.regularizers();
        let solver = self.config.train.solver_of_a_batch(noise);
        let flow = self.training.network().clone().with_solver(solver)?;
        let path = flow.path(y.autodiff(), labels.as_ref(), [1.0, 0.0], weights.is_some(), Some(noise))?;
        let log_prob = path.log_prob() + ladj.autodiff();
        let mut loss = log_prob.mean().neg();
        for (part, weight) in
            [path.kinetic, path.jacobian].into_iter().flatten().zip(weights.unwrap_or_default())
        {
            loss = loss + part.mean() * weight;
        }
        self.training.descend(at, rate, "loss", loss);
        Ok(())
    }

    fn adjoint(&mut self, at: &Position, noise: &mut Noise) -> Result<(), BoxError> {
        let rate = self.learning_rate.at(at.step, at.total_steps);
        let (y, ladj, labels) = self.batch(at);
        let weights = self.config.train.regularizers();
        let flow = self.training.network();
        let found = flow.likelihood_by_adjoint(y, labels.as_ref(), weights, noise)?;
        let loss = (found.log_prob + ladj).mean().neg();
        self.training.follow_gradients(at, rate, "loss", loss, found.adjoint.gradients);
        Ok(())
    }

    fn matching(&mut self, at: &Position, noise: &mut Noise) {
        let rate = self.learning_rate.at(at.step, at.total_steps);
        let (y, _, labels) = self.batch(at);
        let labels = labels.map(Tensor::autodiff);
        let field = &self.training.network().field;
        let loss = self.config.train.matching.loss(field, y.autodiff(), labels.as_ref(), noise);
        self.training.descend(at, rate, "loss", loss);
    }

    /// The loss of flow matching on a set, with the same noise each time.
    fn matching_loss(&self, field: &Field, data: &Dataset) -> f64 {
        let noise = &mut Noise::new(self.config.seed, "valid");
        let rows: Vec<usize> = (0..data.len()).collect();
        let losses: Vec<f64> = rows
            .chunks(ROWS)
            .map(|rows| {
                let batch = data.batch(rows, &self.device);
                let labels = context(batch.labels.as_deref(), self.config.model.n_classes, &self.device);
                let y = self.preparation.forward(batch.x).0;
                let loss = self.config.train.matching.loss(field, y, labels.as_ref(), noise);
                to_host(loss)[0] * rows.len() as f64
            })
            .collect();
        losses.iter().sum::<f64>() / data.len() as f64
    }
}

/// `ln p` of examples of a set, in the coordinates of the flow and in those of the data, and the mean number of evaluations.
pub(super) fn log_probs(
    flow: &ContinuousFlow,
    preparation: &Preparation,
    (data, rows): (&Dataset, &[usize]),
    device: &Device,
    noise: &mut Noise,
) -> Result<(Vec<f64>, Vec<f64>, f64), SolveError> {
    let (mut within, mut of_data) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    let (mut evaluations, n) = (0.0, rows.len() as f64);
    for rows in rows.chunks(ROWS.min(NUMBERS / data.width()).max(1)) {
        let batch = data.batch(rows, device);
        let (y, ladj) = preparation.forward(batch.x);
        let labels = context(batch.labels.as_deref(), flow.field.n_context(), device);
        let (log_prob, taken) = flow.try_log_prob(y, labels.as_ref(), Some(noise))?;
        evaluations += (taken * rows.len()) as f64 / n;
        within.extend(to_host(preparation.before_whitening(log_prob.clone())));
        of_data.extend(to_host(log_prob + ladj));
    }
    Ok((within, of_data, evaluations))
}

/// Whether an epoch is the last one, or one of about `count` at equal distances.
fn is_one_of(count: usize, at: &Position) -> bool {
    let epochs = at.total_steps.div_ceil(at.steps_per_epoch);
    at.epoch + 1 == epochs || (at.epoch + 1).is_multiple_of(epochs.div_ceil(count))
}

impl TrainTask for FlowTask {
    fn steps_per_epoch(&self) -> usize {
        self.feed.steps_per_epoch()
    }

    fn step(&mut self, at: &Position) -> Result<(), BoxError> {
        let noise = &mut Noise::new(self.config.seed, format!("step/{}", at.step));
        match self.objective {
            Training::Likelihood => self.likelihood(at, noise),
            Training::Adjoint => self.adjoint(at, noise),
            Training::Matching => {
                self.matching(at, noise);
                Ok(())
            }
        }
    }

    fn take_metrics(&mut self) -> Result<Metrics, BoxError> {
        Ok(self.training.take_metrics())
    }

    /// Log-densities for few columns, after few epochs where training is cheaper than they are; for many columns, where they take long, the loss of flow matching if that is what is minimized.
    fn validate(&mut self, at: &Position) -> Result<Option<Validation>, BoxError> {
        let flow = self.training.measured();
        let like_valid = self.feed.data().rows(0..self.valid.len().min(self.feed.data().len()));
        if self.objective == Training::Matching && flow.field.n_variables() > FEW_COLUMNS {
            let loss = self.matching_loss(&flow.field, &self.valid);
            let figures = Metrics::new().with("valid_loss", loss);
            return Ok(Some(Validation { metrics: figures, score: Some(-loss) }));
        }
        if self.objective == Training::Matching && !is_one_of(VALIDATIONS, at) {
            return Ok(None);
        }
        let flow = flow.with_solver(self.config.model.solver)?;
        let log_prob = |data: &Dataset| -> Result<f64, SolveError> {
            let noise = &mut Noise::new(self.config.seed, "valid");
            let rows: Vec<usize> = (0..data.len()).collect();
            Ok(mean(&log_probs(&flow, &self.preparation, (data, &rows), &self.device, noise)?.1))
        };
        let score = log_prob(&self.valid)?;
        let figures =
            Metrics::new().with("valid_log_prob", score).with("train_log_prob", log_prob(&like_valid)?);
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
