//! The deep autoencoder on the command line.

mod evaluate;
mod pictures;
mod play;
mod train;

use gibbs_autoencoder::{Autoencoder, AutoencoderConfig, Code, Loss, Output};
use gibbs_boltzmann::{Chains, ContrastiveConfig, LayerStart, RbmConfig, Upward, units::UnitKind};
use gibbs_serve::Offer;

use crate::{
    prelude::*,
    stack::{LayerTrain, layers_from, validate_layers},
    visible::Visible,
};

/// Training of the stack that the network is unrolled from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pretraining {
    /// Epochs of each layer that has none of its own.
    pub epochs: usize,
    /// Examples in a batch; the batches of fine-tuning are cut into such.
    pub batch_size: usize,
    /// Learning rate of each layer that has none of its own.
    pub learning_rate: Schedule,
    /// Standard deviation of the initial weights of each layer that has none of its own.
    pub weight_std: f64,
    /// Whether upper layers learn from means or from draws of the lower ones.
    pub upward: Upward,
    /// Each layer, bottom to top.
    pub layers: Vec<LayerTrain>,
}

/// The `train` section.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AutoencoderTrain {
    /// Length, logs, validation, checkpoints; `epochs` are those of fine-tuning.
    #[serde(flatten)]
    pub run: LoopConfig,
    /// Examples in a batch of fine-tuning.
    pub batch_size: usize,
    /// Learning rate, optimizer, average of the weights, clipping of fine-tuning.
    #[serde(flatten)]
    pub learner: LearnerConfig,
    /// What fine-tuning lowers.
    pub loss: Loss,
    /// Folder of a `dbn` run whose layers are taken as they are; layers beyond them are trained.
    pub from: Option<PathBuf>,
    /// Whether the network is unrolled from a trained stack; without, it starts from random weights.
    pub pretrain: bool,
    /// The stack.
    pub pretraining: Pretraining,
    /// Whether the network is also trained from random weights, as a baseline.
    pub baseline: bool,
    /// Passes of logistic PCA over the training data, as a baseline; 0 leaves it out.
    pub logistic_pca_passes: usize,
}

impl AutoencoderTrain {
    /// Epochs of each stage: the layers, fine-tuning.
    fn stages(&self) -> Vec<usize> {
        let layers = self.pretraining.layers.iter().filter(|_| self.has_stack());
        let layers = layers.map(|layer| if self.pretrain { layer.epochs } else { 0 });
        layers.chain([self.run.epochs]).collect()
    }

    /// Whether the network is unrolled from a stack.
    fn has_stack(&self) -> bool {
        self.pretrain || self.from.is_some()
    }
}

impl Length for AutoencoderTrain {
    fn run(&self) -> LoopConfig {
        LoopConfig { epochs: self.stages().iter().sum(), ..self.run.clone() }
    }
}

/// Configuration of a run.
pub type AutoencoderRun = RunConfig<AutoencoderConfig, AutoencoderTrain>;

/// A trained network with its configuration.
pub struct AutoencoderExperiment {
    config: AutoencoderRun,
    network: Autoencoder,
    device: Device,
}

impl Experiment for AutoencoderExperiment {
    const NAME: &'static str = "autoencoder";
    const ABOUT: &'static str = "Deep autoencoder: a network that compresses images to a few numbers and restores them. It is \
        pre-trained as a stack of restricted Boltzmann machines and compared with principal components.";
    const EXAMPLES: &'static [&'static str] = &[
        "autoencoder train runs/codes --preset tiny --set model.n_code=2",
        "autoencoder encode runs/codes --out codes.npy",
    ];
    const DATA: &'static str = "digits";
    const REFERENCE: &'static str = "Hinton & Salakhutdinov (2006), Science 313, 504";
    const GUIDE: &'static str = include_str!("../../guide/AUTOENCODER.md");
    const PICTURES: &'static [(&'static str, &'static str)] = &[
        (
            "reconstructions.png",
            "Test images, their reconstructions by the network, and those by principal components with as many numbers.",
        ),
        (
            "samples.png",
            "Decoded draws from a normal distribution that is fitted to the codes of the training images.",
        ),
        (
            "codes.png",
            "Codes of test images in the plane, colored by class where there are labels. Good: classes that lie apart.",
        ),
    ];
    const FILES: &'static [&'static str] =
        &["curves.png", "curves.svg", evaluate::LOGISTIC_PCA, experiment::BASELINE];
    const OFFERS: &'static [Offer] = &[play::OFFER];
    const SHOWN: &'static [&'static str] =
        &["layer", "reconstruction_error", "loss", "train_squared_error", "valid_squared_error"];
    const TAKES_LAYERS: bool = true;
    const USES_WEIGHTS: bool = true;
    type Model = AutoencoderConfig;
    type Train = AutoencoderTrain;
    type Target = NoTarget;
    type TrainArgs = NoFlags;
    type SampleArgs = NoFlags;
    type Commands = NoCommands;

    fn preset(request: &Request, info: &SourceInfo) -> Result<Settings<Self>> {
        let n_hidden: [Vec<usize>; 3] = [vec![32], vec![1000, 500, 250], vec![1000, 500, 250]];
        let n_hidden = request.or("model.n_hidden", request.by_preset(n_hidden));
        let (n_code, depth) = (request.by_preset([6, 30, 30]), n_hidden.len() + 1);
        let output = if info.is_unit_interval() { Output::Logistic } else { Output::Linear };
        let output = request.or("model.output", output);
        let model = AutoencoderConfig::new(info.width, n_hidden, n_code).with_output(output);
        let code = request.or("model.code", model.code);

        let of_stack = |name: &str| format!("train.pretraining.{name}");
        let epochs = request.or(&of_stack("epochs"), request.by_preset([1, 3, 10]));
        let learning_rate = request.or(&of_stack("learning_rate"), Schedule::constant(0.1));
        let weight_std = request.or(&of_stack("weight_std"), 0.1);
        let layer = |k: usize| {
            // Gaussian units need a hundredth of the rate.
            let is_gaussian = k + 1 == depth && code == Code::Linear || k == 0 && output == Output::Linear;
            let rate = if is_gaussian { Schedule::constant(0.001) } else { learning_rate.clone() };
            layer_train(epochs, rate, weight_std)
        };
        let mut layers: Vec<LayerTrain> = (0..depth).map(layer).collect();
        layers.iter_mut().take(layers_from(request)).for_each(|layer| layer.epochs = 0);

        let train = AutoencoderTrain {
            run: LoopConfig {
                epochs: request.by_preset([1, 10, 100]),
                log_every_steps: 100,
                validate_every_epochs: request.by_preset([1, 1, 2]),
                ..LoopConfig::default()
            },
            batch_size: 100,
            learner: LearnerConfig {
                average: AverageConfig { decay: 0.99, every: 10 },
                ..LearnerConfig::adam(Schedule::cosine(1e-3, 0.0))
            },
            loss: if output == Output::Linear { Loss::SquaredError } else { Loss::CrossEntropy },
            from: None,
            pretrain: !request.has("from"),
            pretraining: Pretraining {
                epochs,
                batch_size: 100,
                learning_rate,
                weight_std,
                upward: Upward::Means,
                layers,
            },
            baseline: true,
            logistic_pca_passes: request.by_preset([0, 0, 20]),
        };
        Ok(Settings { binarization: Binarization::None, model, train })
    }

    fn validate(config: &AutoencoderRun, source: &Source<NoTarget>) -> Result<()> {
        let (model, train) = (&config.model, &config.train);
        model.validate().or_usage_at("model")?;
        visible(model).require(&source.data()?.train, model.n_visible, "model.output=linear")?;
        train.loss.validate(model.output).map_err(|error| usage!("train.loss: {error}"))?;
        if train.has_stack() {
            validate_layers(&train.pretraining.layers, &rbms(config)?, "train.pretraining.layers")?;
        }
        ConfigError::at_least("epochs", train.run.epochs, 1).or_usage_at("train")?;
        ConfigError::at_least("batch_size", train.batch_size, 1).or_usage_at("train")?;
        ConfigError::at_least("batch_size", train.pretraining.batch_size, 1)
            .or_usage_at("train.pretraining")?;
        train.learner.validate().or_usage_at("train")
    }

    fn task<'a>(config: &'a AutoencoderRun, source: &'a Source<NoTarget>, device: &Device) -> Task<'a> {
        train::task(config, source.data()?, device)
    }

    /// The same network from random weights.
    fn baseline(config: &AutoencoderRun) -> Option<AutoencoderRun> {
        let is_wanted = config.train.baseline && config.train.has_stack();
        let mut baseline = config.clone();
        baseline.train.baseline = false;
        baseline.train.pretrain = false;
        baseline.train.from = None;
        baseline.train.logistic_pca_passes = 0;
        is_wanted.then_some(baseline)
    }

    fn load(config: &AutoencoderRun, bytes: &[u8], device: &Device) -> Result<Self> {
        let network = initial(config, device)?;
        let network = weights::from_bytes(network, bytes).or_usage()?;
        Ok(Self { config: config.clone(), network, device: device.clone() })
    }
}

/// Codes, and the means of their images.
impl Latent for AutoencoderExperiment {
    fn widths(&self) -> Vec<usize> {
        vec![self.network.code_width()]
    }

    fn encode(&self, examples: Batch, _: usize) -> Result<Tensor<2>> {
        Ok(self.network.encode(self.visible().encode(examples.x)))
    }

    fn decode(&self, latent: Batch, _: usize) -> Result<Tensor<2>> {
        Ok(self.network.decode(latent.x))
    }
}

impl AutoencoderExperiment {
    fn visible(&self) -> Visible {
        visible(&self.config.model)
    }
}

/// CD-1 with means as reconstructions, momentum and weight decay (Hinton & Salakhutdinov 2006, doi:10.1126/science.1127647,
/// supporting material).
fn layer_train(epochs: usize, learning_rate: Schedule, weight_std: f64) -> LayerTrain {
    let momentum = Schedule::Piecewise { points: vec![(0, 0.5), (2500, 0.9)], linear: false };
    LayerTrain {
        epochs,
        start: LayerStart::Random,
        weight_std,
        fit_visible: true,
        contrastive: ContrastiveConfig::new()
            .with_chains(Chains::Data)
            .with_sample_visible(false)
            .with_l2(2e-4),
        learner: LearnerConfig {
            optimizer: OptimizerConfig::Sgd { momentum },
            ..LearnerConfig::adam(learning_rate)
        },
    }
}

/// The network with random weights.
fn initial(config: &AutoencoderRun, device: &Device) -> Result<Autoencoder> {
    config.model.init(device, &mut Noise::new(config.seed, "init")).or_usage_at("model")
}

/// How the visible units of the stack see data.
fn visible(model: &AutoencoderConfig) -> Visible {
    let kind = if model.output == Output::Linear { UnitKind::Gaussian } else { UnitKind::Binary };
    Visible::new(kind, 2)
}

/// The RBMs of the stack that unrolls to the network; none if it starts from random weights.
fn rbms(config: &AutoencoderRun) -> Result<Vec<RbmConfig>> {
    match config.train.has_stack() {
        true => config.model.layers(config.train.pretraining.weight_std).or_usage_at("model"),
        false => Ok(Vec::new()),
    }
}
