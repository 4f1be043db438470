//! One run: pairs of layers with doubled inputs, then all layers together, then a classifier by backpropagation.

use gibbs_boltzmann::{
    AnyRbm, ClassifierCrossEntropy, Dbm, DeepContrastive, DoubledLayer, dbm::reconstruction_error,
    units::UnitMoments,
};
use gibbs_core::nn::Mlp;
use gibbs_train::learner::{BatchSource, Staged, Stages};

use super::{DbmRun, DbmWeights, initial, random_classifier};
use crate::{
    prelude::*,
    source::{head, one_hot, train_like_valid},
    usage::of_step,
    validation,
    visible::MOMENT_EXAMPLES,
};

/// Training examples on which the metrics of a log line are computed.
const PROBE: usize = 1000;

/// Validation examples of which the bound is computed in training.
const VALIDATED: usize = 2000;

/// The stage that is under way.
#[allow(clippy::large_enum_variant, reason = "a run has one of them")]
enum Current<'a> {
    Nothing,
    Pair(Learner<'a, AnyRbm, DoubledLayer>),
    Together(Learner<'a, Dbm, DeepContrastive>),
    Classifier { learner: Learner<'a, Mlp, ClassifierCrossEntropy>, dbm: Dbm },
}

/// A machine in training.
struct DbmStages<'a> {
    config: &'a DbmRun,
    data: &'a Splits,
    /// RBMs that are trained.
    trained: Vec<AnyRbm>,
    current: Current<'a>,
    first_epoch: usize,
    device: Device,
}

pub(super) fn task<'a>(config: &'a DbmRun, data: &'a Splits, device: &Device) -> Task<'a> {
    config.visible().require_scale(&data.train, device)?;
    let stages = DbmStages {
        config,
        data,
        trained: Vec::new(),
        current: Current::Nothing,
        first_epoch: 0,
        device: device.clone(),
    };
    // Later stages are refused before the first one begins, if their settings do not fit.
    let dbm = stages.dbm()?;
    let base = dbm.bipartite().visible;
    DeepContrastive::new(&config.train.contrastive, &dbm, base, 1).or_usage_at("train.contrastive")?;
    Ok(Box::new(Staged::new(stages).map_err(of_step)?))
}

impl<'a> DbmStages<'a> {
    fn depth(&self) -> usize {
        self.config.model.n_hidden.len()
    }

    /// Batches of the present stage with one-hot labels of `n_classes` classes, of these rows alone if there are `only` some.
    fn batches(
        &self,
        n_classes: usize,
        only: Option<Vec<usize>>,
        inputs: Box<dyn Fn(Tensor<2>) -> Tensor<2>>,
    ) -> Result<impl BatchSource + use<'a>> {
        let (config, visible) = (self.config, self.config.visible());
        let (data, size) = (self.data.train.clone(), config.train.batch_size);
        let batches = DataBatches::new(data, size, config.seed, &self.device, move |batch| {
            let context = one_hot(batch.labels.as_deref(), n_classes, &batch.x.device());
            Batch { x: inputs(visible.encode(batch.x)), context, weights: batch.weights }
        });
        let batches = batches.or_usage()?.from_epoch(self.first_epoch);
        Ok(match only {
            Some(rows) => batches.only(rows),
            None => batches,
        })
    }

    /// The first training examples.
    fn first(&self, n: usize) -> Tensor<2> {
        self.config.visible().first(&self.data.train, n, &self.device)
    }

    /// RBM `k` before its training.
    fn untrained(&self, k: usize) -> Result<AnyRbm> {
        let config = &self.config.model.layers()[k];
        config.init(&self.device, &mut Noise::new(self.config.seed, format!("init/{k}"))).or_usage_at("model")
    }

    /// The machine as it is now.
    fn dbm(&self) -> Result<Dbm> {
        let mut rbms = self.trained.clone();
        match &self.current {
            Current::Together(learner) => return Ok(learner.measured()),
            Current::Classifier { dbm, .. } => return Ok(dbm.clone()),
            Current::Pair(learner) => rbms.push(learner.measured()),
            Current::Nothing => {}
        }
        let start = initial(self.config, &self.device)?;
        if rbms.is_empty() {
            return Ok(start.with_visible_fitted(&UnitMoments::of(self.first(MOMENT_EXAMPLES))));
        }
        for k in rbms.len()..self.depth() {
            rbms.push(self.untrained(k)?);
        }
        Ok(Dbm::of_rbms(&rbms, start.label))
    }

    fn pair(&self, k: usize) -> Result<Learner<'a, AnyRbm, DoubledLayer>> {
        let (config, depth, below) = (self.config, self.depth(), self.trained.clone());
        let train = &config.train.pretraining;
        let received = DoubledLayer::received(&below, self.first(MOMENT_EXAMPLES));
        let moments = UnitMoments::of(received);
        let rbm = self.untrained(k)?.with_visible_fitted(&moments);
        let objective = DoubledLayer::new(&train.contrastive, &rbm, below.clone(), depth, &moments)
            .or_usage_at("train.pretraining.contrastive")?;
        let (probe, noise) = (self.first(PROBE), Noise::new(config.seed, format!("chains/{k}")));
        Ok(Learner::new(rbm, objective, &train.learner, noise)
            .or_usage_at("train.pretraining")?
            .on_batches(self.batches(0, None, Box::new(|v| v))?)
            .probe(move |rbm: &AnyRbm| {
                let stack: Vec<&AnyRbm> = below.iter().chain([rbm]).collect();
                let error = to_host(reconstruction_error(&stack, depth, probe.clone()).mean())[0];
                Metrics::new().with("layer", (k + 1) as f64).with("reconstruction_error", error)
            }))
    }

    fn together(&self, dbm: Dbm) -> Result<Learner<'a, Dbm, DeepContrastive>> {
        let (config, data, device) = (self.config, self.data, self.device.clone());
        let (visible, model, updates) = (config.visible(), &config.model, config.model.mean_field);
        let examples = self.first(MOMENT_EXAMPLES);
        let base = dbm.annealing_base(examples.clone(), updates);
        let objective = DeepContrastive::new(&config.train.contrastive, &dbm, base, updates)
            .or_usage_at("train.contrastive")?;
        let (valid, like_valid) = (head(&data.valid, VALIDATED), head(&train_like_valid(data), VALIDATED));
        let probe = self.first(PROBE);
        let learner = Learner::new(dbm, objective, &config.train.learner, Noise::new(config.seed, "chains"))
            .or_usage_at("train")?
            .on_batches(self.batches(model.n_classes, None, Box::new(|v| v))?)
            .import(move |_, bytes| {
                let read = DbmWeights::read(config, bytes, false, &device)?;
                let DbmWeights { layers, biases, log_var, label, .. } = read;
                Ok(Dbm { layers, biases, log_var, label })
            })
            .probe(move |dbm: &Dbm| {
                let error = probe.clone() - dbm.visible_mean(dbm.hidden_means(probe.clone(), 1, updates));
                let error = to_host(error.square().sum_dim(1).mean())[0];
                Metrics::new().with("reconstruction_error", error)
            });
        let device = self.device.clone();
        Ok(learner.validate(move |dbm: &Dbm, at| {
            let noise = &mut Noise::new(config.seed, format!("validation/{}", at.steps_done()));
            let base = dbm.annealing_base(examples.clone(), updates);
            let log_z = config.train.validation.quick_log_z(&dbm.bipartite(), &base, noise);
            let weights = |set| visible.for_each(set, &device, |v| dbm.log_weight_bound(v, updates));
            let bound = |set| mean(&by_weights(set, weights(set))) - log_z.value;
            let Validation { metrics, score } = validation::of_bounds([&valid, &like_valid].map(bound));
            let metrics =
                metrics.with("valid_log_prob_bound_std_err", log_z.std_err).with("log_z", log_z.value);
            let is_last = config.train.classifier.epochs == 0;
            Ok(Some(Validation { metrics, score: score.filter(|_| is_last) }))
        }))
    }

    fn classifier(&self, dbm: Dbm) -> Result<Current<'a>> {
        let (config, train) = (self.config, &self.config.train.classifier);
        let noise = &mut Noise::new(config.seed, "classifier");
        let is_trained = config.train.run.epochs > 0;
        let start = match is_trained {
            true => dbm.classifier(train.n_classes, noise),
            false => random_classifier(config, &self.device)?,
        };
        let (data, device, updates) = (self.data, self.device.clone(), config.model.mean_field);
        let (of_batch, of_valid) = (dbm.clone(), dbm.clone());
        let inputs = Box::new(move |v| of_batch.classifier_inputs(v, updates));
        let batches = self.batches(train.n_classes, train.labeled(&data.train), inputs)?;
        let learner = train.learner(start, batches, config.seed, move |network| {
            let log_prob = |v| network_log_prob(&of_valid, network, v, updates);
            config.visible().classification_errors(&data.valid, &device, log_prob)
        })?;
        Ok(Current::Classifier { learner, dbm })
    }
}

/// `log p(y | v)` by a classifier on the mean field of a machine.
pub(super) fn network_log_prob(dbm: &Dbm, network: &Mlp, v: Tensor<2>, updates: usize) -> Tensor<2> {
    burn::tensor::activation::log_softmax(network.forward(dbm.classifier_inputs(v, updates)), 1)
}

impl Stages for DbmStages<'_> {
    fn epochs(&self) -> Vec<usize> {
        self.config.train.stages()
    }

    fn begin(&mut self, stage: usize) -> Result<(), BoxError> {
        let epochs = self.epochs();
        self.first_epoch = epochs[..stage].iter().sum();
        if let Current::Pair(learner) = &self.current {
            self.trained.push(learner.measured());
            self.current = Current::Nothing;
        }
        let depth = self.depth();
        if stage < depth {
            let is_pre_trained = epochs[..depth].iter().any(|&epochs| epochs > 0);
            match (is_pre_trained, epochs[stage]) {
                (false, _) => {}
                (true, 0) => self.trained.push(self.untrained(stage)?),
                (true, _) => self.current = Current::Pair(self.pair(stage)?),
            }
        } else if stage == depth && epochs[stage] > 0 {
            self.current = Current::Together(self.together(self.dbm()?)?);
        } else if stage > depth && epochs[stage] > 0 {
            self.current = self.classifier(self.dbm()?)?;
        }
        Ok(())
    }

    fn task(&self) -> &dyn TrainTask {
        match &self.current {
            Current::Pair(learner) => learner,
            Current::Together(learner) => learner,
            Current::Classifier { learner, .. } => learner,
            Current::Nothing => panic!("no stage has begun"),
        }
    }

    fn task_mut(&mut self) -> &mut dyn TrainTask {
        match &mut self.current {
            Current::Pair(learner) => learner,
            Current::Together(learner) => learner,
            Current::Classifier { learner, .. } => learner,
            Current::Nothing => panic!("no stage has begun"),
        }
    }

    fn save_results(&self, state: &mut State) -> Result<(), BoxError> {
        match &self.current {
            Current::Classifier { dbm, .. } => state.put_module("dbm", dbm)?,
            Current::Pair(_) => {
                state.put("trained", &self.trained.len())?;
                for (k, rbm) in self.trained.iter().enumerate() {
                    state.put_module(&format!("layer-{k}"), rbm)?;
                }
            }
            Current::Together(_) | Current::Nothing => {}
        }
        Ok(())
    }

    fn load_results(&mut self, stage: usize, state: &State) -> Result<(), BoxError> {
        let depth = self.depth();
        self.current = Current::Nothing;
        self.trained.clear();
        if stage < depth {
            for k in 0..state.get::<usize>("trained")? {
                self.trained.push(state.module(&format!("layer-{k}"), self.untrained(k)?)?);
            }
        } else if stage > depth {
            let dbm = state.module("dbm", initial(self.config, &self.device)?)?;
            self.current = self.classifier(dbm)?;
        }
        Ok(())
    }

    fn weights(&self) -> Result<Vec<u8>, BoxError> {
        let classifier = match &self.current {
            Current::Classifier { learner, .. } => Some(learner.measured()),
            _ => None,
        };
        Ok(weights::to_bytes(&DbmWeights::new(self.dbm()?, classifier))?)
    }
}
