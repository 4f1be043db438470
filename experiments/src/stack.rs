//! Stacks of RBMs in training, layer by layer, and stacks of earlier runs: shared by deep belief networks and autoencoders.

use burn::module::Param;
use gibbs_boltzmann::{
    AnyRbm, ContrastiveConfig, Dbn, DbnConfig, LayerConfig, LayerObjective, LayerStart, RbmConfig, Upward,
    greedy::{initial_stack, reconstruction_error},
};
use gibbs_core::nn::Mlp;
use gibbs_train::{learner::BatchSource, run_folder::RunFolder};

use crate::{
    prelude::*,
    source::one_hot,
    usage::one_line,
    visible::{MOMENT_EXAMPLES, Visible},
};

/// Training examples on which the metrics of a log line are computed.
pub const PROBE: usize = 1000;

/// How one layer of a stack is trained.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LayerTrain {
    /// Epochs; a layer without any keeps its first weights.
    pub epochs: usize,
    /// Weights to start with.
    pub start: LayerStart,
    /// Standard deviation of random weights. Above a mirrored layer it is that of the additional units, which change the
    /// distribution of the layer at random: the smaller, the less.
    pub weight_std: f64,
    /// Whether the visible biases of a random start are the means of the layer's data.
    pub fit_visible: bool,
    /// Contrastive divergence.
    pub contrastive: ContrastiveConfig,
    /// Learning rate, optimizer, average of the weights, clipping.
    #[serde(flatten)]
    pub learner: LearnerConfig,
}

impl LayerTrain {
    /// Checks every field; `path` is that of the layer in the configuration.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self, path: &str) -> Result<()> {
        let holds = self.weight_std.is_finite() && self.weight_std >= 0.0;
        ConfigError::require(holds, "weight_std", self.weight_std, "must be finite and at least 0")
            .or_usage_at(path)?;
        self.contrastive.validate().or_usage_at(&format!("{path}.contrastive"))?;
        self.learner.validate().or_usage_at(path)
    }
}

/// Checks that there are settings for every layer.
///
/// # Errors
/// Another number of settings, or a field that is out of range.
pub fn validate_layers(layers: &[LayerTrain], rbms: &[RbmConfig], path: &str) -> Result<()> {
    require!(
        layers.len() == rbms.len(),
        "{path}: settings for {} layers, but there are {}",
        layers.len(),
        rbms.len()
    );
    layers.iter().enumerate().try_for_each(|(k, layer)| layer.validate(&format!("{path}.{k}")))
}

/// What a stack of RBMs learns, and how.
pub struct StackTraining<'a> {
    /// The layers, bottom to top.
    pub rbms: Vec<RbmConfig>,
    /// How each is trained.
    pub layers: &'a [LayerTrain],
    /// Path of the layers in the configuration.
    pub path: &'static str,
    /// Whether upper layers learn from means or from draws of the lower ones.
    pub upward: Upward,
    /// How the lowest layer sees data.
    pub visible: Visible,
    /// The training examples.
    pub data: &'a Dataset,
    /// Examples in a whole batch, and in the parts on which a layer takes a step.
    pub batch_sizes: [usize; 2],
    /// Width of the one-hot labels that go with the examples, 0 for none.
    pub n_classes: usize,
    /// Seed of the run.
    pub seed: u64,
    /// Where it is computed.
    pub device: Device,
}

/// Layers in training, one after the other.
pub struct Greedy<'a> {
    layers: Vec<LayerConfig>,
    training: StackTraining<'a>,
    /// Layers that are trained.
    pub trained: Vec<AnyRbm>,
    current: Option<InParts<'a>>,
    /// The stream of states that layers pass upwards; it goes on from layer to layer.
    noise: Noise,
    /// The epoch of the run with which the present stage begins.
    pub first_epoch: usize,
}

type ValidateLayer<'a> = Box<dyn FnMut(&AnyRbm, &Position) -> Result<Option<Validation>, BoxError> + 'a>;

impl<'a> Greedy<'a> {
    /// Before the first layer, above layers that are trained already.
    pub fn new(training: StackTraining<'a>, trained: Vec<AnyRbm>) -> Self {
        let layer = |(rbm, layer): (&RbmConfig, &LayerTrain)| LayerConfig {
            rbm: rbm.clone().with_weight_std(layer.weight_std),
            contrastive: layer.contrastive.clone(),
            start: layer.start,
            fit_visible: layer.fit_visible,
        };
        let layers = training.rbms.iter().zip(training.layers).map(layer).collect();
        let noise = Noise::new(training.seed, "upward");
        Self { layers, training, trained, current: None, noise, first_epoch: 0 }
    }

    /// Batches of the present stage with one-hot labels of `n_classes` classes, of these rows alone if there are `only` some.
    ///
    /// # Errors
    /// A batch without examples.
    pub fn batches(&self, n_classes: usize, only: Option<Vec<usize>>) -> Result<impl BatchSource + use<'a>> {
        let StackTraining { visible, data, batch_sizes, seed, ref device, .. } = self.training;
        let batches = DataBatches::new(data.clone(), batch_sizes[0], seed, device, move |batch| {
            let context = one_hot(batch.labels.as_deref(), n_classes, &batch.x.device());
            Batch { x: visible.encode(batch.x), context, weights: batch.weights }
        });
        let batches = batches.or_usage()?.from_epoch(self.first_epoch);
        Ok(match only {
            Some(rows) => batches.only(rows),
            None => batches,
        })
    }

    /// Number of layers.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    /// Ends the layer in training, if there is one: it becomes one of the trained.
    pub fn end_layer(&mut self) {
        if let Some(current) = self.current.take() {
            self.noise = current.learner.objective().upward_noise().clone();
            self.trained.push(current.learner.measured());
        }
    }

    /// Begins layer `k`, unless it is trained already.
    ///
    /// # Errors
    /// Settings that do not fit the layer.
    pub fn begin(&mut self, k: usize, validate: Option<ValidateLayer<'a>>) -> Result<()> {
        self.end_layer();
        if k < self.trained.len() {
            return Ok(());
        }
        let batches = Box::new(self.batches(self.training.n_classes, None)?);
        let StackTraining { layers, path, upward, visible, data, batch_sizes, seed, ref device, .. } =
            self.training;
        let (below, path) = (self.trained.clone(), format!("{path}.{k}"));
        let examples = visible.first(data, MOMENT_EXAMPLES, device);
        let upward = (upward, self.noise.clone());
        let (rbm, objective) = self.layers[k].begin(&below, examples, upward, seed).or_usage_at(&path)?;
        let probe = visible.first(data, PROBE, device);
        let noise = Noise::new(seed, format!("chains/{k}"));
        let learner = Learner::new(rbm, objective, &layers[k].learner, noise).or_usage_at(&path)?;
        let mut learner = learner.probe(move |rbm| {
            let stack: Vec<&AnyRbm> = below.iter().chain([rbm]).collect();
            let error = to_host(reconstruction_error(&stack, probe.clone()).mean())[0];
            Metrics::new().with("layer", (k + 1) as f64).with("reconstruction_error", error)
        });
        if let Some(validate) = validate {
            learner = learner.validate(validate);
        }
        self.current = Some(InParts { learner, batches, sizes: batch_sizes });
        Ok(())
    }

    /// The layers so far, with those to come as they will start.
    ///
    /// # Errors
    /// A layer that cannot be made.
    pub fn stack(&self) -> Result<Vec<AnyRbm>> {
        let current = self.current.iter().map(|current| current.learner.measured());
        let so_far = self.trained.iter().cloned().chain(current).collect();
        initial_stack(&self.layers, so_far, self.training.seed, &self.training.device)
            .or_usage_at(self.training.path)
    }

    /// The layer in training.
    ///
    /// # Panics
    /// Before the first layer begins.
    pub fn task(&self) -> &dyn TrainTask {
        let Some(current) = &self.current else { panic!("no layer is in training") };
        current
    }

    /// The same for steps.
    ///
    /// # Panics
    /// As [`task`](Self::task).
    pub fn task_mut(&mut self) -> &mut dyn TrainTask {
        let Some(current) = &mut self.current else { panic!("no layer is in training") };
        current
    }

    /// Takes layers as trained, in the place of those so far.
    pub fn replace(&mut self, trained: Vec<AnyRbm>) {
        (self.trained, self.current) = (trained, None);
    }

    /// Saves the trained layers.
    ///
    /// # Errors
    /// Those of the checkpoint.
    pub fn save(&self, state: &mut State) -> Result<(), BoxError> {
        state.put("trained", &(self.trained.len(), &self.noise))?;
        for (k, rbm) in self.trained.iter().enumerate() {
            state.put_module(&format!("layer-{k}"), rbm)?;
        }
        Ok(())
    }

    /// The reverse of [`save`](Self::save).
    ///
    /// # Errors
    /// Those of the checkpoint.
    pub fn load(&mut self, state: &State) -> Result<(), BoxError> {
        let (trained, noise): (usize, Noise) = state.get("trained")?;
        (self.noise, self.current) = (noise, None);
        self.trained.clear();
        for k in 0..trained {
            let rbm = self.layers[k].rbm.init(&self.training.device, &mut Noise::new(0, "placeholder"))?;
            self.trained.push(state.module(&format!("layer-{k}"), rbm)?);
        }
        Ok(())
    }
}

/// A layer that takes a step on each part of a whole batch.
struct InParts<'a> {
    learner: Learner<'a, AnyRbm, LayerObjective>,
    batches: Box<dyn BatchSource + 'a>,
    sizes: [usize; 2],
}

impl TrainTask for InParts<'_> {
    fn steps_per_epoch(&self) -> usize {
        self.batches.steps_per_epoch()
    }

    fn step(&mut self, at: &Position) -> Result<(), BoxError> {
        let Batch { x, context, weights } = self.batches.batch(at);
        let [whole, part] = self.sizes;
        let (n, parts, epochs) = (x.dims()[0], whole.div_ceil(part), at.total_steps / at.steps_per_epoch);
        for (i, start) in (0..n).step_by(part).enumerate() {
            let here = Position::new(at.step * parts + i, at.steps_per_epoch * parts, epochs);
            let rows = |x: &Tensor<2>| x.clone().narrow(0, start, part.min(n - start));
            let weights = weights.as_ref().map(|w| w.clone().narrow(0, start, part.min(n - start)));
            let batch = Batch { x: rows(&x), context: context.as_ref().map(rows), weights };
            self.learner.step_on(batch, &here)?;
        }
        Ok(())
    }

    fn take_metrics(&mut self) -> Result<Metrics, BoxError> {
        self.learner.take_metrics()
    }

    fn validate(&mut self, at: &Position) -> Result<Option<Validation>, BoxError> {
        TrainTask::validate(&mut self.learner, at)
    }

    fn save_state(&self, state: &mut State) -> Result<(), BoxError> {
        self.learner.save_state(state)
    }

    fn load_state(&mut self, state: &State) -> Result<(), BoxError> {
        self.learner.load_state(state)
    }

    fn weights(&self) -> Result<Vec<u8>, BoxError> {
        self.learner.weights()
    }
}

/// The content of a `dbn` run's `model.safetensors`: the stack, and the classifier fine-tuned from it where there is one.
#[derive(Module, Debug)]
pub struct DbnWeights {
    layers: Vec<AnyRbm>,
    recognition: Vec<Param<Tensor<2>>>,
    classifier: Option<Mlp>,
}

impl DbnWeights {
    /// Of a stack and its classifier.
    pub fn new(dbn: Dbn, classifier: Option<Mlp>) -> Self {
        Self { layers: dbn.layers, recognition: dbn.recognition, classifier }
    }

    /// The stack and the classifier in the bytes of a file, which tells which of the optional parts there are. `classifier` makes
    /// an untrained one; without it the classifier of the file is skipped.
    ///
    /// # Errors
    /// Weights that do not fit the configuration.
    pub fn read(
        config: &DbnConfig,
        classifier: Option<&dyn Fn() -> Result<Mlp>>,
        bytes: &[u8],
        seed: u64,
        device: &Device,
    ) -> Result<(Dbn, Option<Mlp>)> {
        let noise = &mut Noise::new(seed, "init");
        let layers = config.layers().or_usage_at("model")?;
        let layers = layers.iter().map(|layer| layer.init(device, noise)).collect::<Result<Vec<_>, _>>();
        let mut dbn = Dbn::new(layers.or_usage_at("model")?).or_usage()?;
        if weights::contains(bytes, "recognition.").or_usage()? {
            dbn = dbn.untied();
        }
        let has_classifier = weights::contains(bytes, "classifier.").or_usage()?;
        let untrained = classifier.filter(|_| has_classifier).map(|untrained| untrained()).transpose()?;
        let is_wanted = |name: &str| classifier.is_some() || !name.starts_with("classifier.");
        let read = weights::from_part(Self::new(dbn, untrained), bytes, is_wanted).or_usage()?;
        Ok((Dbn { layers: read.layers, recognition: read.recognition }, read.classifier))
    }
}

/// The configuration of the stack of a `dbn` run, from the model section of its `config.json`.
fn stack_config(folder: &Path) -> Result<(DbnConfig, u64)> {
    let files = RunFolder::read(folder).or_usage()?;
    let request = Request::of_file(&files.config())?;
    let found = request.or("experiment", String::new());
    require!(found == "dbn", "the run there is one of `{found}`; give the folder of a `dbn` run");
    let config =
        request.get("model").ok_or_else(|| usage!("its config.json has no complete model section"))?;
    Ok((config, request.or("seed", 0)))
}

/// Number of layers that come from the `dbn` run that a request names with `train.from`; 0 without one. What is wrong with that
/// run is reported when it is loaded.
pub fn layers_from(request: &Request) -> usize {
    let folder: Option<PathBuf> = request.get("train.from");
    folder.and_then(|folder| stack_config(&folder).ok()).map_or(0, |(config, _)| config.n_hidden.len())
}

/// The stack of a `dbn` run, to be the lower part of a stack of these RBMs. With `needs_tied` it must not have been fine-tuned by
/// the up-down algorithm.
///
/// # Errors
/// A folder that holds no such run, or layers that differ from those of the new stack.
pub fn stack_of(folder: &Path, rbms: &[RbmConfig], needs_tied: bool, device: &Device) -> Result<Dbn> {
    let at = |error: anyhow::Error| usage!("train.from = {}: {}", folder.display(), one_line(&error));
    let (config, seed) = stack_config(folder).map_err(at)?;
    let bytes = std::fs::read(folder.join("model.safetensors")).map_err(|error| at(error.into()))?;
    let (dbn, _) = DbnWeights::read(&config, None, &bytes, seed, device)
        .map_err(|error| at(error.context("model.safetensors")))?;
    let describe =
        |rbm: &RbmConfig| format!("{} {}-{} {}", rbm.n_visible, rbm.visible, rbm.n_hidden, rbm.hidden);
    let found: Vec<String> = config.layers().or_usage()?.iter().map(describe).collect();
    let wanted: Vec<String> = rbms.iter().map(describe).collect();
    let (is_begun, is_base) = (wanted.starts_with(&found), needs_tied || found.len() < wanted.len());
    let (folder, found, wanted) = (folder.display(), found.join(", "), wanted.join(", "));
    require!(
        is_begun,
        "train.from = {folder}: its layers are {found} where this run begins with {wanted}; set model.* to fit, or take another run"
    );
    require!(
        dbn.recognition.is_empty() || !is_base,
        "train.from = {folder}: it was fine-tuned by the up-down algorithm, so no layer can be trained on top; take a run with \
         train.up_down.epochs = 0"
    );
    Ok(dbn)
}
