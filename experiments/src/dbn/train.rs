//! One run: layer by layer, then all layers by the up-down algorithm, then a classifier by backpropagation.

use burn::{module::Param, tensor::activation::log_softmax};
use gibbs_boltzmann::{ClassifierCrossEntropy, Dbn, UpDown, UpDownConfig, ais::AisProtocol};
use gibbs_core::nn::Mlp;
use gibbs_train::learner::{Staged, Stages};

use super::{DbnRun, random_classifier};
use crate::{
    prelude::*,
    source::train_like_valid,
    stack::{DbnWeights, Greedy, PROBE, StackTraining, stack_of},
    usage::of_step,
    visible::{MOMENT_EXAMPLES, Visible},
};

/// The stage that is under way.
#[allow(clippy::large_enum_variant, reason = "a run has one of them")]
enum Current<'a> {
    Layers,
    UpDown(Learner<'a, Dbn, UpDown>),
    Classifier { learner: Learner<'a, Mlp, ClassifierCrossEntropy>, dbn: Dbn },
}

/// A network in training.
struct DbnStages<'a> {
    config: &'a DbnRun,
    data: &'a Splits,
    greedy: Greedy<'a>,
    /// Upward weights of a stack that was untied in an earlier run.
    recognition: Vec<Param<Tensor<2>>>,
    current: Current<'a>,
    device: Device,
}

pub(super) fn task<'a>(config: &'a DbnRun, data: &'a Splits, device: &Device) -> Task<'a> {
    let (train, model) = (&config.train, &config.model);
    let rbms = model.layers().or_usage_at("model")?;
    let Dbn { layers: trained, recognition } = match &train.from {
        Some(folder) => stack_of(folder, &rbms, false, device)?,
        None => Dbn { layers: Vec::new(), recognition: Vec::new() },
    };
    Visible::new(model.visible, model.states).require_scale(&data.train, device)?;
    let training = StackTraining {
        rbms,
        layers: &train.layers,
        path: "train.layers",
        upward: train.upward,
        visible: Visible::new(model.visible, model.states),
        data: &data.train,
        batch_sizes: [train.batch_size; 2],
        n_classes: model.n_classes,
        seed: config.seed,
        device: device.clone(),
    };
    let (greedy, device) = (Greedy::new(training, trained), device.clone());
    let stages = DbnStages { config, data, greedy, recognition, current: Current::Layers, device };
    stages.try_later_stages()?;
    Ok(Box::new(Staged::new(stages).map_err(of_step)?))
}

impl<'a> DbnStages<'a> {
    fn visible(&self) -> Visible {
        Visible::new(self.config.model.visible, self.config.model.states)
    }

    /// Later stages are refused before the first one begins, if their settings do not fit.
    fn try_later_stages(&self) -> Result<()> {
        let (train, dbn) = (&self.config.train, self.dbn()?);
        if train.up_down.epochs > 0 {
            self.up_down(dbn.clone())?;
        }
        if train.classifier.epochs > 0 {
            self.classifier(dbn)?;
        }
        Ok(())
    }

    /// The stack as it is now.
    fn dbn(&self) -> Result<Dbn> {
        Ok(match &self.current {
            Current::Layers => {
                let dbn = Dbn::new(self.greedy.stack()?).or_usage_at("model")?;
                Dbn { recognition: self.recognition.clone(), ..dbn }
            }
            Current::UpDown(learner) => learner.measured(),
            Current::Classifier { dbn, .. } => dbn.clone(),
        })
    }

    /// Begins layer `k`. The last one is validated by the bound if there is no classifier; the bound selects the weights if this
    /// is the last stage.
    fn layer(&mut self, k: usize) -> Result<()> {
        let is_validated = k + 1 == self.greedy.depth() && self.config.train.classifier.epochs == 0;
        self.greedy.end_layer();
        let bound = self.bound(self.config.train.up_down.epochs == 0);
        let (below, recognition) = (self.greedy.trained.clone(), self.recognition.clone());
        let validate = move |rbm: &_, at: &Position| {
            let layers = below.iter().cloned().chain([Clone::clone(rbm)]).collect();
            bound(&Dbn { recognition: recognition.clone(), ..Dbn::new(layers)? }, at)
        };
        self.greedy.begin(k, is_validated.then(|| Box::new(validate) as Box<_>))
    }

    /// Validates the bound of the likelihood; `is_last` if it selects the weights.
    fn bound(
        &self,
        is_last: bool,
    ) -> impl Fn(&Dbn, &Position) -> Result<Option<Validation>, BoxError> + use<'a> {
        let (config, data, visible, device) = (self.config, self.data, self.visible(), self.device.clone());
        let like_valid = train_like_valid(data);
        let examples = visible.first(&data.train, MOMENT_EXAMPLES, &device);
        let protocol: AisProtocol = config.train.validation;
        move |dbn, at| {
            let mut noise = Noise::new(config.seed, format!("validation/{}", at.steps_done()));
            let base = dbn.annealing_base(examples.clone());
            let log_z = protocol.quick_log_z(dbn.top(), &base, &mut noise);
            let mut bound = |set| {
                let weights = visible.for_each(set, &device, |v| dbn.log_weight(v, &mut noise));
                mean(&by_weights(set, weights)) - log_z.value
            };
            let valid = bound(&data.valid);
            let metrics = Metrics::new()
                .with("valid_log_prob", valid)
                .with("valid_log_prob_std_err", log_z.std_err)
                .with("train_log_prob", bound(&like_valid));
            Ok(Some(Validation { metrics, score: is_last.then_some(valid) }))
        }
    }

    fn up_down(&self, dbn: Dbn) -> Result<Learner<'a, Dbn, UpDown>> {
        let train = &self.config.train.up_down;
        let dbn = dbn.untied();
        let base = dbn.annealing_base(self.visible().first(&self.data.train, MOMENT_EXAMPLES, &self.device));
        let objective =
            UpDownConfig::new(train.top.clone()).init(&dbn, base).or_usage_at("train.up_down.top")?;
        let probe = self.visible().first(&self.data.train, PROBE, &self.device);
        let noise = Noise::new(self.config.seed, "up-down");
        let learner = Learner::new(dbn, objective, &train.learner, noise)
            .or_usage_at("train.up_down")?
            .on_batches(self.greedy.batches(self.config.model.n_classes, None)?)
            .probe(move |dbn: &Dbn| {
                // The bound without `log Z`, which is not known here: only its changes mean something.
                let weight = dbn.log_weight(probe.clone(), &mut Noise::new(0, "figures"));
                Metrics::new().with("bound_without_log_z", to_host(weight.mean())[0])
            });
        Ok(match self.config.train.classifier.epochs {
            0 => learner.validate(self.bound(true)),
            _ => learner,
        })
    }

    fn classifier(&self, dbn: Dbn) -> Result<Current<'a>> {
        let (config, train) = (self.config, &self.config.train.classifier);
        let start = match config.train.pretrain || config.train.from.is_some() {
            true => {
                let noise = &mut Noise::new(config.seed, "classifier");
                dbn.classifier(train.n_classes, noise).or_usage_at("train.classifier")?
            }
            false => random_classifier(config, &self.device)?,
        };
        let (visible, data, device) = (self.visible(), self.data, self.device.clone());
        let batches = self.greedy.batches(train.n_classes, train.labeled(&data.train))?;
        let learner = train.learner(start, batches, config.seed, move |network| {
            let log_prob = |v| log_softmax(network.forward(v), 1);
            visible.classification_errors(&data.valid, &device, log_prob)
        })?;
        Ok(Current::Classifier { learner, dbn })
    }
}

impl Stages for DbnStages<'_> {
    fn epochs(&self) -> Vec<usize> {
        self.config.train.stages()
    }

    fn begin(&mut self, stage: usize) -> Result<(), BoxError> {
        self.greedy.first_epoch = self.epochs()[..stage].iter().sum();
        let (train, depth) = (&self.config.train, self.greedy.depth());
        if stage < depth {
            return Ok(self.layer(stage)?);
        }
        let (is_up_down, is_classifier) = (stage == depth, stage == depth + 1);
        if is_up_down && train.up_down.epochs > 0 {
            self.current = Current::UpDown(self.up_down(self.dbn()?)?);
        } else if is_classifier && train.classifier.epochs > 0 {
            self.current = self.classifier(self.dbn()?)?;
        }
        Ok(())
    }

    fn task(&self) -> &dyn TrainTask {
        match &self.current {
            Current::Layers => self.greedy.task(),
            Current::UpDown(learner) => learner,
            Current::Classifier { learner, .. } => learner,
        }
    }

    fn task_mut(&mut self) -> &mut dyn TrainTask {
        match &mut self.current {
            Current::Layers => self.greedy.task_mut(),
            Current::UpDown(learner) => learner,
            Current::Classifier { learner, .. } => learner,
        }
    }

    fn save_results(&self, state: &mut State) -> Result<(), BoxError> {
        match &self.current {
            Current::Layers => self.greedy.save(state),
            Current::UpDown(_) => Ok(()),
            Current::Classifier { dbn, .. } => Ok(state.put_module("dbn", dbn)?),
        }
    }

    fn load_results(&mut self, stage: usize, state: &State) -> Result<(), BoxError> {
        let depth = self.greedy.depth();
        if stage < depth {
            self.greedy.load(state)?;
        } else if stage == depth + 1 {
            let dbn = self.dbn()?;
            let dbn = if self.config.train.up_down.epochs > 0 { dbn.untied() } else { dbn };
            let Dbn { layers, recognition } = state.module("dbn", dbn)?;
            self.greedy.replace(layers);
            self.recognition = recognition;
        }
        Ok(())
    }

    fn weights(&self) -> Result<Vec<u8>, BoxError> {
        let classifier = match &self.current {
            Current::Classifier { learner, .. } => Some(learner.measured()),
            _ => None,
        };
        Ok(weights::to_bytes(&DbnWeights::new(self.dbn()?, classifier))?)
    }
}
