//! One run: layer by layer, then all layers by the up-down algorithm, then a classifier by backpropagation.

use anyhow::{Context, Result};
use burn::{module::Param, prelude::*};
use gibbs_backend::Noise;
use gibbs_boltzmann::Dbn;
use gibbs_core::nn::Mlp;
use gibbs_data::{Batch, Dataset, Splits};
use gibbs_train::{
    checkpoint::State,
    training::{BoxError, Metrics, Position, TrainTask, Validation},
    weights,
};

use super::{
    DbnRun, classifier::ClassifierTraining, config, evaluate, up_down::UpDownTraining, weights::Weights,
};
use crate::boltzmann::{feed::Feed, greedy::Greedy, save_stage, saved_stage};

/// Examples on which the figures of a log line are taken.
const PROBE: usize = 1000;

/// What a run is at.
enum Stage {
    Layers(Box<Greedy>),
    UpDown(Box<UpDownTraining>),
    Classifier(Box<ClassifierTraining>),
}

/// A network in training.
pub(super) struct DbnTask {
    config: DbnRun,
    stage: Stage,
    /// Upward weights of a stack that was untied in an earlier run.
    recognition: Vec<Param<Tensor<2>>>,
    feed: Feed,
    train_probe: Tensor<2>,
    valid: Dataset,
    device: Device,
}

impl DbnTask {
    pub(super) fn new(config: &DbnRun, data: &Splits, device: &Device) -> Result<Self> {
        let (train, coding) = (&config.train, config.model.coding());
        let feed = Feed::new(data.train.clone(), train.batch_size, config.seed, device)?;
        let probe: Vec<usize> = (0..PROBE.min(data.train.len())).collect();
        let plan = config::plan(config)?;
        let Dbn { layers: trained, recognition } = match &train.from {
            Some(folder) => super::stack_of(folder, &plan, device)?,
            None => Dbn { layers: Vec::new(), recognition: Vec::new() },
        };
        let greedy = Greedy::new(plan, trained, train.upward, coding, &data.train, config.seed, device)?;
        let mut task = Self {
            stage: Stage::Layers(Box::new(greedy)),
            recognition,
            feed,
            train_probe: coding.examples(&data.train, &probe, device),
            valid: data.valid.clone(),
            device: device.clone(),
            config: config.clone(),
        };
        task.try_later_stages()?;
        task.enter_stage(0)?;
        Ok(task)
    }

    /// What a later stage cannot take is refused before the first one begins.
    fn try_later_stages(&self) -> Result<()> {
        let (train, dbn) = (&self.config.train, self.dbn()?);
        if train.up_down.epochs > 0 {
            UpDownTraining::new(&self.config, dbn.clone(), self.feed.data(), &self.device)?;
        }
        if train.classifier.epochs > 0 {
            ClassifierTraining::new(&self.config, dbn, &self.device)?;
        }
        Ok(())
    }

    /// Epoch with which up-down fine-tuning begins.
    fn layers_end(&self) -> usize {
        self.config.train.layers.iter().map(|layer| self.config.train.layer_epochs(layer)).sum()
    }

    /// Epoch with which the classifier begins.
    fn up_down_end(&self) -> usize {
        self.layers_end() + self.config.train.up_down.epochs
    }

    /// Goes on to the stage to which an epoch belongs.
    fn enter_stage(&mut self, epoch: usize) -> Result<()> {
        let train = &self.config.train;
        if matches!(self.stage, Stage::Layers(_)) && epoch >= self.layers_end() && train.up_down.epochs > 0 {
            let training = UpDownTraining::new(&self.config, self.dbn()?, self.feed.data(), &self.device)?;
            self.stage = Stage::UpDown(Box::new(training));
        }
        let is_earlier = !matches!(self.stage, Stage::Classifier(_));
        if is_earlier && epoch >= self.up_down_end() && train.classifier.epochs > 0 {
            let training = ClassifierTraining::new(&self.config, self.dbn()?, &self.device)?;
            self.stage = Stage::Classifier(Box::new(training));
        }
        Ok(())
    }

    /// The stack as it is now.
    fn dbn(&self) -> Result<Dbn> {
        Ok(match &self.stage {
            Stage::Layers(greedy) => {
                Dbn { recognition: self.recognition.clone(), ..Dbn::new(greedy.stack()?)? }
            }
            Stage::UpDown(training) => training.measured().clone(),
            Stage::Classifier(training) => training.dbn.clone(),
        })
    }

    fn classifier(&self) -> Option<Mlp> {
        match &self.stage {
            Stage::Classifier(training) => Some(training.measured()),
            _ => None,
        }
    }

    fn validate_classifier(&self, network: &Mlp) -> Result<Validation> {
        let coding = self.config.model.coding();
        let (error, nll) = super::classifier::errors(network, coding, &self.valid, &self.device)?;
        let figures =
            Metrics::new().with("valid_classification_error", error.value).with("valid_cross_entropy", nll);
        // Of two networks with as many errors the one with the better probabilities.
        Ok(Validation { metrics: figures, score: Some(-error.value - 1e-6 * nll) })
    }

    /// The bound of the likelihood, which selects the weights in the last stage.
    fn validate_bound(&self, at: &Position, is_last: bool) -> Result<Validation> {
        let (dbn, coding) = (self.dbn()?, self.config.model.coding());
        let mut noise = Noise::new(self.config.seed, format!("validation/{}", at.steps_done()));
        let base = evaluate::base(&dbn, coding, self.feed.data(), &self.device);
        let log_z = self.config.train.validation.quick_log_z(dbn.top(), &base, &mut noise);
        let mut bound = |data: &Dataset| {
            let weights = coding.for_each(data, &self.device, |v| dbn.log_weight(v, &mut noise));
            weights.iter().sum::<f64>() / weights.len() as f64 - log_z.value
        };
        let valid = bound(&self.valid);
        let figures =
            Metrics::new().with("valid_log_prob", valid).with("valid_log_prob_std_err", log_z.std_err).with(
                "train_log_prob",
                bound(&self.feed.data().rows(0..self.valid.len().min(self.feed.data().len()))),
            );
        Ok(Validation { metrics: figures, score: is_last.then_some(valid) })
    }

    /// The label of each example, one-hot, where the stack has one.
    fn labels(&self, batch: &Batch) -> Option<Tensor<2>> {
        let classes = self.config.model.n_classes.unwrap_or(0);
        let labels = batch.label_tensor()?;
        (classes > 0).then(|| labels.one_hot::<2>(classes).float())
    }
}

impl TrainTask for DbnTask {
    fn steps_per_epoch(&self) -> usize {
        self.feed.steps_per_epoch()
    }

    fn step(&mut self, at: &Position) -> Result<(), BoxError> {
        self.enter_stage(at.epoch)?;
        let batch = self.feed.batch(at);
        let label = self.labels(&batch);
        let v = self.config.model.coding().encode(batch.x.clone());
        let since = |first: usize, epochs: usize| {
            Position::new(at.step - first * at.steps_per_epoch, at.steps_per_epoch, epochs)
        };
        let (layers_end, up_down_end) = (self.layers_end(), self.up_down_end());
        let train = &self.config.train;
        match &mut self.stage {
            Stage::Layers(greedy) => greedy.step(at, v, label)?,
            Stage::UpDown(training) => training.step(&since(layers_end, train.up_down.epochs), v, label),
            Stage::Classifier(training) => {
                let labels = batch.label_tensor().context("the classifier needs labels")?;
                training.step(&since(up_down_end, train.classifier.epochs), v, labels)?;
            }
        }
        Ok(())
    }

    fn take_metrics(&mut self) -> Result<Metrics, BoxError> {
        let probe = self.train_probe.clone();
        Ok(match &mut self.stage {
            Stage::Layers(greedy) => {
                let error = greedy.reconstruction_error(probe);
                Metrics::new().with("layer", greedy.layer() as f64).with("reconstruction_error", error)
            }
            Stage::UpDown(training) => training.figures(probe),
            Stage::Classifier(training) => training.take_metrics(),
        })
    }

    fn validate(&mut self, at: &Position) -> Result<Option<Validation>, BoxError> {
        let train = &self.config.train;
        let is_last = match &self.stage {
            Stage::Classifier(training) => return Ok(Some(self.validate_classifier(&training.measured())?)),
            Stage::Layers(greedy) if greedy.layer() < self.config.model.n_hidden.len() => return Ok(None),
            Stage::Layers(_) => train.up_down.epochs == 0,
            Stage::UpDown(_) => true,
        };
        Ok(if train.classifier.epochs > 0 { None } else { Some(self.validate_bound(at, is_last)?) })
    }

    fn save_state(&self, state: &mut State) -> Result<(), BoxError> {
        match &self.stage {
            Stage::Layers(greedy) => save_stage(state, "layers", |own| greedy.save(own)),
            Stage::UpDown(training) => save_stage(state, "up_down", |own| training.save(own)),
            Stage::Classifier(training) => save_stage(state, "classifier", |own| training.save(own)),
        }
    }

    fn load_state(&mut self, state: &State) -> Result<(), BoxError> {
        let (name, own) = saved_stage(state)?;
        let epoch = match name.as_str() {
            "layers" => 0,
            "up_down" => self.layers_end(),
            _ => self.up_down_end(),
        };
        self.enter_stage(epoch)?;
        match &mut self.stage {
            Stage::Layers(greedy) => greedy.load(own),
            Stage::UpDown(training) => training.load(&own),
            Stage::Classifier(training) => training.load(&own),
        }
    }

    fn weights(&self) -> Result<Vec<u8>, BoxError> {
        Ok(weights::to_bytes(&Weights::new(self.dbn()?, self.classifier()))?)
    }
}
