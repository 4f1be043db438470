//! The deep belief network on the command line.

mod evaluate;
mod pictures;
mod play;
mod train;

use gibbs_boltzmann::{
    Chains, ContrastiveConfig, Dbn, DbnConfig, LayerStart, Upward,
    ais::AisProtocol,
    units::{UnitKind, Units},
};
use gibbs_core::nn::Mlp;
use gibbs_train::schedule::Change;

use crate::{
    classifier::ClassifierTrain,
    prelude::*,
    source::require_labels,
    stack::{DbnWeights, LayerTrain, layers_from, validate_layers},
    visible::{self, Visible},
};

pub use evaluate::DbnSampleArgs;

/// The setting with which the first layer learns real columns.
const REAL: &str = "model.visible=gaussian";

/// Examples of a step.
const BATCH_SIZE: usize = 100;

/// Fine-tuning of all layers by the up-down algorithm.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UpDownTrain {
    /// Epochs; 0 leaves the stack as greedy training made it.
    pub epochs: usize,
    /// How the top RBM is trained.
    pub top: ContrastiveConfig,
    /// Learning rate, optimizer, average of the weights, clipping.
    #[serde(flatten)]
    pub learner: LearnerConfig,
}

/// The `train` section.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DbnTrain {
    /// Length, logs, validation, checkpoints; `epochs` are those of each layer that has none of its own.
    #[serde(flatten)]
    pub run: LoopConfig,
    /// Examples in a batch.
    pub batch_size: usize,
    /// Learning rate of each layer that has none of its own.
    pub learning_rate: Schedule,
    /// Folder of a `dbn` run whose layers are taken as they are; layers beyond them are trained.
    pub from: Option<PathBuf>,
    /// Whether layers are trained before fine-tuning; without, the classifier starts from random weights.
    pub pretrain: bool,
    /// Whether upper layers learn from means or from draws of the lower ones.
    pub upward: Upward,
    /// Each layer, bottom to top.
    pub layers: Vec<LayerTrain>,
    /// Up-down fine-tuning.
    pub up_down: UpDownTrain,
    /// Discriminative fine-tuning.
    pub classifier: ClassifierTrain,
    /// Whether the classifier is also trained from random weights, as a baseline.
    pub baseline: bool,
    /// Draws from the posterior of each example for the tighter bound; 0 leaves it out.
    pub bound_draws: usize,
    /// Estimate of `log Z` at each validation of a network without a classifier, forward only.
    pub validation: AisProtocol,
    /// Estimate of `log Z` of the final metrics, forward and reverse.
    pub evaluation: AisProtocol,
}

impl DbnTrain {
    /// Epochs of each stage: the layers, up-down fine-tuning, the classifier.
    fn stages(&self) -> Vec<usize> {
        let layers = self.layers.iter().map(|layer| if self.pretrain { layer.epochs } else { 0 });
        layers.chain([self.up_down.epochs, self.classifier.epochs]).collect()
    }
}

impl Length for DbnTrain {
    /// They are those of the lowest layers.
    const EPOCHS_ARE_LAST: bool = false;

    /// The rates of the layers follow, unless it is the one of the run.
    fn change_learning_rate(&mut self, rate: Schedule) {
        if rate != self.learning_rate {
            self.layers.iter_mut().for_each(|layer| layer.learner.learning_rate = rate.clone());
        }
    }

    fn run(&self) -> LoopConfig {
        LoopConfig { epochs: self.stages().iter().sum(), ..self.run.clone() }
    }
}

/// Configuration of a run.
pub type DbnRun = RunConfig<DbnConfig, DbnTrain>;

/// A trained network with its configuration.
pub struct DbnExperiment {
    config: DbnRun,
    dbn: Dbn,
    classifier: Option<Mlp>,
    device: Device,
}

impl Experiment for DbnExperiment {
    const NAME: &'static str = "dbn";
    const ABOUT: &'static str = "Deep belief network: a stack of restricted Boltzmann machines, trained layer by layer. With labels \
        it becomes a classifier or generates a class; without, it gives bounds of the log-likelihood.";
    const EXAMPLES: &'static [&'static str] =
        &["dbn train runs/dbn --data digits --preset tiny", "dbn sample runs/dbn --class 3"];
    const DATA: &'static str = "digits";
    const REFERENCE: &'static str = "Hinton, Osindero & Teh (2006), Neural Computation 18, 1527";
    const GUIDE: &'static str = include_str!("../../guide/DBN.md");
    const PICTURES: &'static [(&'static str, &'static str)] = &[
        ("samples.png", "What the stack draws: Gibbs sampling in the top layer, then one pass down."),
        ("filters.png", "What hidden units of each layer respond to, from the data up."),
    ];
    const FILES: &'static [&'static str] = &["curves.png", "curves.svg", experiment::BASELINE];
    const SHOWN: &'static [&'static str] = &[
        "layer",
        "reconstruction_error",
        "bound_without_log_z",
        "cross_entropy",
        "valid_classification_error",
    ];
    const TAKES_LAYERS: bool = true;
    const USES_WEIGHTS: bool = true;
    type Model = DbnConfig;
    type Train = DbnTrain;
    type Target = NoTarget;
    type TrainArgs = NoFlags;
    type SampleArgs = DbnSampleArgs;
    type Commands = NoCommands;

    /// Images with labels get a classifier; all other data are learned for their likelihood, few examples for a number of steps.
    fn preset(request: &Request, info: &SourceInfo) -> Result<Settings<Self>> {
        let name = request.or("data.name", Self::DATA.to_string());
        let (is_tiny, is_paper) = (request.preset == Preset::Tiny, request.preset == Preset::Paper);
        let has_labels = matches!(name.as_str(), "digits" | "mnist" | "fashion-mnist");
        let is_small = info.is_bars_and_stripes(request);
        let is_bits = name == "binarized-mnist" && !is_tiny;
        let are_few = info.has_few() && !is_small && !is_tiny;

        let visible = request.or("model.visible", UnitKind::Binary);
        let states = request.or("model.states", 4);
        let n_hidden = match (is_small, has_labels, request.preset) {
            (true, ..) => vec![16, 16],
            (_, _, Preset::Tiny) => vec![32, 32],
            (_, false, _) if are_few => vec![500, 500],
            (_, false, _) => vec![500, 2000],
            (_, true, Preset::Default) => vec![500, 500],
            (_, true, Preset::Paper) => vec![500, 500, 2000],
        };
        let n_hidden: Vec<usize> = request.or("model.n_hidden", n_hidden);
        let depth = n_hidden.len();
        let model = DbnConfig::new(Visible::new(visible, states).n_visible(info.width), n_hidden)
            .with_visible(visible)
            .with_states(states)
            .with_n_classes(info.n_classes())
            .with_hidden_bias(if has_labels || is_small { 0.0 } else { -2.0 });

        let epochs = match (is_small, is_bits && is_paper) {
            (true, _) if is_tiny => 4,
            (true, _) => 100,
            (_, true) => 80,
            _ if are_few => {
                let steps = request.steps(request.by_preset([0, 10_000, 30_000]));
                info.epochs(steps, request.or("train.batch_size", BATCH_SIZE), usize::MAX)
            }
            _ => request.by_preset([1, 10, 30]),
        };
        let epochs = request.or("train.epochs", epochs);
        let learning_rate = request.or("train.learning_rate", Schedule::linear(0.1, 0.0));
        let averaged =
            |learner, decay, every| LearnerConfig { average: AverageConfig { decay, every }, ..learner };
        let decay = if is_bits && is_paper { 0.9995 } else { 0.998 };
        let layer = LayerTrain {
            epochs,
            start: LayerStart::Random,
            weight_std: request.or("model.weight_std", model.weight_std),
            fit_visible: true,
            contrastive: ContrastiveConfig::new().with_centered(true).with_l1(visible::l1(info)),
            learner: averaged(LearnerConfig::sgd(learning_rate.clone()), decay, 5),
        };
        let mut layers = vec![layer; depth];
        if is_bits && depth > 1 {
            // The mirrored layer is a trained RBM, whose chains have to find its distribution before its weights may change.
            let rate = Schedule::Linear(Change { from: 0.05, to: 0.0, steps: None, warmup_steps: 1000 });
            layers[1].start = LayerStart::Mirrored;
            layers[1].learner.learning_rate = rate;
            if is_paper && !request.has("train.epochs") {
                layers[0].epochs = 300;
            }
        }
        layers.iter_mut().take(layers_from(request)).for_each(|layer| layer.epochs = 0);

        let protocol = |chains, temperatures, burn_in| AisProtocol { chains, temperatures, burn_in };
        let classifier_epochs = if has_labels { request.by_preset([1, 10, 100]) } else { 0 };
        let train = DbnTrain {
            run: LoopConfig {
                epochs,
                // The estimate of log Z scatters more than the bound changes between validations, so they do not select.
                select_best: !is_bits,
                validate_every_epochs: match (is_bits, are_few) {
                    (true, _) => 10,
                    (_, true) => (epochs / 4).max(1),
                    _ => 1,
                },
                ..LoopConfig::default()
            },
            batch_size: if is_small { 30 } else { BATCH_SIZE },
            learning_rate,
            from: None,
            pretrain: true,
            upward: if has_labels { Upward::Means } else { Upward::Samples },
            layers,
            up_down: UpDownTrain {
                epochs: 0,
                top: ContrastiveConfig::new().with_chains(Chains::Persistent),
                learner: averaged(LearnerConfig::sgd(Schedule::linear(0.02, 0.0)), 0.998, 5),
            },
            classifier: ClassifierTrain::new(
                classifier_epochs,
                info.n_classes().max(request.or("model.n_classes", 0)),
            ),
            baseline: has_labels && is_paper,
            bound_draws: if is_paper { 50 } else { 10 },
            validation: match is_tiny {
                true => protocol(20, 50, 0),
                false => protocol(100, if is_bits { 3000 } else { 1000 }, 0),
            },
            evaluation: request.by_preset([
                protocol(20, 100, 20),
                protocol(100, 2000, 500),
                protocol(200, 5000, 2000),
            ]),
        };
        let is_two_valued = matches!(visible, UnitKind::Binary | UnitKind::Spin);
        let has_classifier = request.or("train.classifier.epochs", train.classifier.epochs) > 0;
        let binarization = info.binarization(is_two_valued && !has_classifier);
        Ok(Settings { binarization, model, train })
    }

    fn validate(config: &DbnRun, source: &Source<NoTarget>) -> Result<()> {
        let (model, train) = (&config.model, &config.train);
        require!(
            model.visible != UnitKind::Labeled,
            "model.visible = \"labeled\": labels stand at the top; set model.n_classes instead",
        );
        let data = source.data()?;
        let rbms = model.layers().or_usage_at("model")?;
        Visible::new(model.visible, model.states).require(&data.train, model.n_visible, REAL)?;
        let sets = [&data.train, &data.valid, &data.test];
        require_labels(sets, model.n_classes, "model.n_classes")?;
        train.classifier.validate(sets, model.n_classes)?;
        validate_layers(&train.layers, &rbms, "train.layers")?;
        ConfigError::at_least("batch_size", train.batch_size, 1).or_usage_at("train")?;
        let rule = "must not be negative";
        train.learning_rate.check("learning_rate", |rate| rate >= 0.0, rule).or_usage_at("train")?;
        train.up_down.learner.validate().or_usage_at("train.up_down")?;
        train.up_down.top.validate().or_usage_at("train.up_down.top")?;
        train.validation.validate().or_usage_at("train.validation")?;
        train.evaluation.validate().or_usage_at("train.evaluation")?;
        match train.run().epochs {
            0 => Err(usage!("nothing to train: all epochs are 0")),
            _ => Ok(()),
        }
    }

    fn task<'a>(config: &'a DbnRun, source: &'a Source<NoTarget>, device: &Device) -> Task<'a> {
        train::task(config, source.data()?, device)
    }

    /// The classifier from random weights.
    fn baseline(config: &DbnRun) -> Option<DbnRun> {
        let train = &config.train;
        let is_wanted = train.baseline && train.classifier.epochs > 0 && train.pretrain;
        let mut baseline = config.clone();
        baseline.train.baseline = false;
        baseline.train.pretrain = false;
        baseline.train.from = None;
        baseline.train.up_down.epochs = 0;
        is_wanted.then_some(baseline)
    }

    fn load(config: &DbnRun, bytes: &[u8], device: &Device) -> Result<Self> {
        let classifier = || random_classifier(config, device);
        let (dbn, classifier) =
            DbnWeights::read(&config.model, Some(&classifier), bytes, config.seed, device)?;
        Ok(Self { config: config.clone(), dbn, classifier, device: device.clone() })
    }
}

/// Means of a hidden layer, computed upwards, and those of the data, computed downwards.
impl Latent for DbnExperiment {
    fn widths(&self) -> Vec<usize> {
        self.dbn.layers.iter().map(|layer| layer.hidden.width()).collect()
    }

    fn encode(&self, examples: Batch, layer: usize) -> Result<Tensor<2>> {
        Ok(self.dbn.hidden_means(self.visible().encode(examples.x), layer))
    }

    fn decode(&self, latent: Batch, layer: usize) -> Result<Tensor<2>> {
        Ok(self.visible().decode(self.dbn.visible_means(latent.x, layer)))
    }
}

impl DbnExperiment {
    fn visible(&self) -> Visible {
        Visible::new(self.config.model.visible, self.config.model.states)
    }
}

/// The network that the stack unrolls to, with random weights.
fn random_classifier(config: &DbnRun, device: &Device) -> Result<Mlp> {
    let network = config.model.classifier(config.train.classifier.n_classes).or_usage_at("model")?;
    network.init(device, &mut Noise::new(config.seed, "classifier")).or_usage_at("train.classifier")
}
