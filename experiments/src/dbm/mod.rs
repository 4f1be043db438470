//! The deep Boltzmann machine on the command line.

mod evaluate;
mod pictures;
mod play;
mod train;

use burn::module::Param;
use gibbs_boltzmann::{
    ContrastiveConfig, Dbm, DbmConfig, PosteriorProtocol,
    ais::AisProtocol,
    dbm::{Coupling, Label},
    units::UnitKind,
};
use gibbs_core::nn::Mlp;
use gibbs_serve::Offer;

use crate::{
    classifier::ClassifierTrain,
    prelude::*,
    source::require_labels,
    visible::{self, Visible},
};

pub use evaluate::DbmSampleArgs;

/// The setting with which a machine learns real columns.
const REAL: &str = "model.visible=gaussian";

/// Examples of a step.
const BATCH_SIZE: usize = 100;

/// Updates of mean field in each step of training. The recorded runs have this number, to save time; measuring takes more
/// (`model.mean_field_measured`).
const MEAN_FIELD_UPDATES: usize = 5;

/// Hidden layers up to which one sweep in each step is enough, and sweeps above. With one sweep the chains of three layers lag behind the
/// machine, and their gradients undo the pre-training.
const FEW_LAYERS: usize = 2;
const DEEP_SWEEPS: usize = 5;

/// Pre-training of each pair of layers as an RBM with doubled inputs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PairTraining {
    /// Epochs of each RBM, bottom to top. With 0 for all of them all layers start together from random weights.
    pub epochs: Vec<usize>,
    /// Contrastive divergence.
    pub contrastive: ContrastiveConfig,
    /// Learning rate, optimizer, average of the weights, clipping.
    #[serde(flatten)]
    pub learner: LearnerConfig,
}

/// The `train` section.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DbmTrain {
    /// Length, logs, validation, checkpoints; `epochs` are those of all layers together.
    #[serde(flatten)]
    pub run: LoopConfig,
    /// Examples in a batch.
    pub batch_size: usize,
    /// Learning rate, optimizer, average of the weights, clipping of all layers together.
    #[serde(flatten)]
    pub learner: LearnerConfig,
    /// Chains of all layers together.
    pub contrastive: ContrastiveConfig,
    /// Training of pairs of layers before that.
    pub pretraining: PairTraining,
    /// Discriminative fine-tuning.
    pub classifier: ClassifierTrain,
    /// Whether the classifier is also trained from random weights, as a baseline.
    pub baseline: bool,
    /// Estimate of `log Z` at each validation, forward only.
    pub validation: AisProtocol,
    /// Estimate of `log Z` of the final metrics, forward and reverse.
    pub evaluation: AisProtocol,
    /// Estimate of the likelihood of `model.measured` examples.
    pub likelihood: PosteriorProtocol,
}

impl DbmTrain {
    /// Epochs of each stage: the RBMs, all layers together, the classifier.
    fn stages(&self) -> Vec<usize> {
        self.pretraining.epochs.iter().copied().chain([self.run.epochs, self.classifier.epochs]).collect()
    }
}

impl Length for DbmTrain {
    /// A classifier may follow.
    const EPOCHS_ARE_LAST: bool = false;

    fn run(&self) -> LoopConfig {
        LoopConfig { epochs: self.stages().iter().sum(), ..self.run.clone() }
    }
}

/// Configuration of a run.
pub type DbmRun = RunConfig<DbmConfig, DbmTrain>;

/// A trained machine with its configuration.
pub struct DbmExperiment {
    config: DbmRun,
    dbm: Dbm,
    classifier: Option<Mlp>,
    device: Device,
}

impl Experiment for DbmExperiment {
    const NAME: &'static str = "dbm";
    const ABOUT: &'static str = "Deep Boltzmann machine: several layers of hidden units, with undirected couplings between neighboring \
        layers, trained by mean field and persistent chains. Gives bounds and estimates of log-likelihoods, draws by Gibbs sampling, and \
        becomes a classifier where there are labels.";
    const EXAMPLES: &'static [&'static str] =
        &["dbm train runs/dbm --data digits --preset tiny", "dbm sample runs/dbm --given upper"];
    const DATA: &'static str = "digits";
    const REFERENCE: &'static str = "Salakhutdinov & Hinton (2009), AISTATS, 448";
    const GUIDE: &'static str = include_str!("../../guide/DBM.md");
    const PICTURES: &'static [(&'static str, &'static str)] = &[
        (
            "samples.png",
            "What the machine draws: the mean of the visible units at the end of independent Markov chains. Good: as varied as the data.",
        ),
        ("inpainting.png", "Half of each test image is given, the chain of all layers completes the rest."),
        (
            "filters.png",
            "The weights of the lowest hidden units as images. Good: strokes and local patterns.",
        ),
        (
            "filters-2.png",
            "What the units of the second hidden layer combine: their weights times those of the layers below, as images. There is one \
             such picture for each further layer.",
        ),
    ];
    const FILES: &'static [&'static str] = &["curves.png", "curves.svg", experiment::BASELINE];
    const OFFERS: &'static [Offer] = &[play::OFFER];
    const SHOWN: &'static [&'static str] = &[
        "layer",
        "reconstruction_error",
        "valid_log_prob_bound",
        "cross_entropy",
        "valid_classification_error",
    ];
    const USES_WEIGHTS: bool = true;
    type Model = DbmConfig;
    type Train = DbmTrain;
    type Target = NoTarget;
    type TrainArgs = NoFlags;
    type SampleArgs = DbmSampleArgs;
    type Commands = NoCommands;

    /// Images with labels get a classifier; all other data are learned for their likelihood, few examples for a number of steps.
    fn preset(request: &Request, info: &SourceInfo) -> Result<Settings<Self>> {
        let name = request.or("data.name", Self::DATA.to_string());
        let is_tiny = request.preset == Preset::Tiny;
        let has_labels = matches!(name.as_str(), "digits" | "mnist" | "fashion-mnist");
        let is_small = info.is_bars_and_stripes(request);
        let are_few = info.has_few() && !is_small && !is_tiny;
        let visible = request.or("model.visible", UnitKind::Binary);
        let is_gaussian = visible == UnitKind::Gaussian;
        let n_hidden = match (is_small, request.preset) {
            (true, _) => vec![16, 16],
            (_, Preset::Tiny) => vec![32, 32],
            (_, Preset::Default) => vec![500, 500],
            (_, Preset::Paper) => vec![500, 1000],
        };
        let n_hidden: Vec<usize> = request.or("model.n_hidden", n_hidden);
        let depth = n_hidden.len();
        let model = DbmConfig::new(info.width, n_hidden)
            .with_visible(visible)
            .with_n_classes(request.or("model.n_classes", info.n_given_classes(request)))
            .with_mean_field(MEAN_FIELD_UPDATES)
            .with_measured(request.by_preset([20, 100, 500]));

        let epochs = match (is_small, is_tiny) {
            (true, true) => 4,
            (true, false) => 100,
            _ if are_few => {
                let steps = request.steps(request.by_preset([0, 5_000, 30_000]));
                info.epochs(steps, request.or("train.batch_size", BATCH_SIZE), usize::MAX)
            }
            _ => request.by_preset([1, 20, 200]),
        };
        let pre = if is_small { 0 } else { request.by_preset([1, 5, 20]) };
        let pre = if request.has("from") { 0 } else { pre };
        let averaged = |rate, decay| LearnerConfig {
            average: AverageConfig { decay, every: 5 },
            ..LearnerConfig::sgd(rate)
        };
        // Bound on validation images after 10 epochs of 500-1000 units together, without pre-training: -95.0 nats with 0.1 and `l1`,
        // -101.6 with 0.05 and no penalty.
        let rate = if is_gaussian { 0.001 } else { 0.1 };
        let l1 = if is_tiny || is_small { 0.0 } else { visible::l1(info) };
        let contrastive = ContrastiveConfig::new().with_centered(!is_gaussian);
        let sweeps = if depth > FEW_LAYERS { DEEP_SWEEPS } else { request.by_preset([1, 1, DEEP_SWEEPS]) };
        let protocol = |chains, temperatures, burn_in| AisProtocol { chains, temperatures, burn_in };
        let likelihood = |chains, temperatures| PosteriorProtocol { chains, temperatures };
        let classifier_epochs = if has_labels { request.by_preset([1, 5, 100]) } else { 0 };
        let has_classifier = request.or("train.classifier.epochs", classifier_epochs) > 0;
        let train = DbmTrain {
            run: LoopConfig {
                epochs,
                // The estimate of log Z scatters more than the bound changes between validations, so they do not select.
                select_best: has_classifier || is_small,
                validate_every_epochs: match (is_small, is_tiny) {
                    (true, false) => 10,
                    (_, true) => 1,
                    _ => (epochs / 10).max(1),
                },
                ..LoopConfig::default()
            },
            batch_size: if is_small { 30 } else { BATCH_SIZE },
            learner: averaged(Schedule::linear(rate, 0.0), request.by_preset([0.99, 0.998, 0.9995])),
            contrastive: contrastive.clone().with_sweeps(sweeps).with_l1(l1),
            pretraining: PairTraining {
                epochs: vec![pre; depth],
                contrastive: contrastive.with_l1(l1),
                learner: averaged(Schedule::linear(rate, 0.0), 0.998),
            },
            classifier: ClassifierTrain::new(
                classifier_epochs,
                info.n_classes().max(request.or("model.n_classes", 0)),
            ),
            baseline: has_labels && request.preset == Preset::Paper,
            validation: match is_tiny {
                true => protocol(20, 50, 0),
                false => protocol(100, 1000, 0),
            },
            evaluation: request.by_preset([
                protocol(20, 100, 20),
                protocol(100, 2000, 500),
                protocol(200, 15_000, 5000),
            ]),
            likelihood: request.by_preset([likelihood(5, 20), likelihood(20, 500), likelihood(50, 2000)]),
        };
        let binarization = info.binarization(!is_gaussian && !has_classifier);
        Ok(Settings { binarization, model, train })
    }

    fn validate(config: &DbmRun, source: &Source<NoTarget>) -> Result<()> {
        let (model, train, data) = (&config.model, &config.train, source.data()?);
        model.validate().or_usage_at("model")?;
        config.visible().require(&data.train, model.n_visible, REAL)?;
        let sets = [&data.train, &data.valid, &data.test];
        require_labels(sets, model.n_classes, "model.n_classes")?;
        train.classifier.validate(sets, model.n_classes)?;
        let (pre, depth) = (&train.pretraining, model.n_hidden.len());
        require!(
            pre.epochs.len() == depth,
            "train.pretraining.epochs = {:?}: give as many numbers as there are hidden layers, {depth}",
            pre.epochs
        );
        require!(
            config.from.is_none() || pre.epochs.iter().all(|&epochs| epochs == 0),
            "train.pretraining.epochs = {:?}: a run that starts from weights has no pre-training; leave it out",
            pre.epochs
        );
        ConfigError::at_least("batch_size", train.batch_size, 1).or_usage_at("train")?;
        train.learner.validate().or_usage_at("train")?;
        train.contrastive.validate().or_usage_at("train.contrastive")?;
        pre.contrastive.validate().or_usage_at("train.pretraining.contrastive")?;
        pre.learner.validate().or_usage_at("train.pretraining")?;
        train.validation.validate().or_usage_at("train.validation")?;
        train.evaluation.validate().or_usage_at("train.evaluation")?;
        train.likelihood.validate().or_usage_at("train.likelihood")?;
        ConfigError::at_least("epochs", train.run.epochs, 1).or_usage_at("train")
    }

    fn task<'a>(config: &'a DbmRun, source: &'a Source<NoTarget>, device: &Device) -> Task<'a> {
        train::task(config, source.data()?, device)
    }

    /// The classifier from random weights.
    fn baseline(config: &DbmRun) -> Option<DbmRun> {
        let is_wanted = config.train.baseline && config.train.classifier.epochs > 0;
        let mut baseline = config.clone();
        baseline.train.baseline = false;
        baseline.train.pretraining.epochs.fill(0);
        baseline.train.run.epochs = 0;
        is_wanted.then_some(baseline)
    }

    fn load(config: &DbmRun, bytes: &[u8], device: &Device) -> Result<Self> {
        let DbmWeights { layers, biases, log_var, label, classifier } =
            DbmWeights::read(config, bytes, true, device)?;
        let dbm = Dbm { layers, biases, log_var, label };
        Ok(Self { config: config.clone(), dbm, classifier, device: device.clone() })
    }
}

/// The content of `model.safetensors`: the machine, and the classifier fine-tuned from it where there is one.
#[derive(Module, Debug)]
struct DbmWeights {
    layers: Vec<Coupling>,
    biases: Vec<Param<Tensor<1>>>,
    log_var: Option<Param<Tensor<1>>>,
    label: Option<Label>,
    classifier: Option<Mlp>,
}

impl DbmWeights {
    fn new(dbm: Dbm, classifier: Option<Mlp>) -> Self {
        let Dbm { layers, biases, log_var, label } = dbm;
        Self { layers, biases, log_var, label, classifier }
    }

    /// The machine in the bytes of a file, and its classifier if there is one and it is wanted.
    fn read(config: &DbmRun, bytes: &[u8], with_classifier: bool, device: &Device) -> Result<Self> {
        let dbm = initial(config, device)?;
        let has_classifier = with_classifier && weights::contains(bytes, "classifier.").or_usage()?;
        let classifier = has_classifier.then(|| random_classifier(config, device)).transpose()?;
        let is_wanted = |name: &str| with_classifier || !name.starts_with("classifier.");
        weights::from_part(Self::new(dbm, classifier), bytes, is_wanted).or_usage()
    }
}

/// Mean-field means of a hidden layer, and the means of the data with passes down.
impl Latent for DbmExperiment {
    fn widths(&self) -> Vec<usize> {
        (1..=self.dbm.depth()).map(|k| self.dbm.width(k)).collect()
    }

    fn encode(&self, examples: Batch, layer: usize) -> Result<Tensor<2>> {
        let v = self.config.visible().encode(examples.x);
        Ok(self.dbm.hidden_means(v, layer + 1, self.config.model.mean_field_measured))
    }

    fn decode(&self, latent: Batch, layer: usize) -> Result<Tensor<2>> {
        Ok(self.dbm.visible_means(latent.x, layer + 1))
    }
}

impl DbmRun {
    fn visible(&self) -> Visible {
        Visible::new(self.model.visible, 2)
    }
}

/// The machine with random weights.
fn initial(config: &DbmRun, device: &Device) -> Result<Dbm> {
    config.model.init(device, &mut Noise::new(config.seed, "init")).or_usage_at("model")
}

/// The classifier with random weights.
fn random_classifier(config: &DbmRun, device: &Device) -> Result<Mlp> {
    let network = config.model.classifier(config.train.classifier.n_classes);
    network.init(device, &mut Noise::new(config.seed, "classifier")).or_usage_at("train.classifier")
}
