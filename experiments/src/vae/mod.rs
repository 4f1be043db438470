//! Variational autoencoders on the command line.

mod evaluate;
mod pictures;
mod play;

use gibbs_autoencoder::{
    Vae, VaeConfig,
    vae::{ConvolutionConfig, Elbo, GradientEstimator, PosteriorAnnealing},
};
use gibbs_core::{
    output::OutputDistribution,
    preprocess::{Preprocessed, PreprocessorConfig},
};
use gibbs_flow::{FlowFamilyConfig, FlowKind};
use gibbs_serve::Offer;

use crate::{
    conditions::ContextUnits,
    outputs::{self, Outputs},
    prelude::*,
    preprocessed::FEW_COLUMNS,
    source::train_like_valid,
    validation,
};

pub use evaluate::VaeSampleArgs;

/// Examples of a step.
const BATCH_SIZE: usize = 100;
/// Validations without improvement that end a run.
const PATIENCE: usize = 20;
/// Width of the context of a flow as posterior.
const CONTEXT: usize = 32;

/// The `model` section.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VaeModel {
    /// The networks and distributions.
    #[serde(flatten)]
    pub network: VaeConfig,
    /// The map before the network: shift and scale of the columns for mixtures of Gaussians.
    pub preprocessing: PreprocessorConfig,
    /// Units of the real numbers on which the model is conditioned, where it is.
    pub context: Option<ContextUnits>,
    /// Codes of each example by which its likelihood is bounded (5000 in Burda et al. 2016).
    pub samples: usize,
    /// Examples whose likelihood is also bounded by annealing, from both sides; 0 for none.
    pub measured: usize,
}

impl VaeModel {
    /// The variables, as the data see them.
    fn outputs(&self) -> Outputs<'_> {
        Outputs {
            distribution: &self.network.output,
            preprocessing: &self.preprocessing,
            context: self.context.as_ref(),
            n_visible: self.network.n_visible,
            n_context: self.network.n_context,
        }
    }
}

/// What only a VAE has in its `train` section.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VaeTrain {
    /// The bound that training raises.
    #[serde(flatten)]
    pub elbo: Elbo,
    /// Codes of each example in a validation.
    pub validation_samples: usize,
    /// Annealing of the final metrics.
    pub annealing: PosteriorAnnealing,
}

/// Configuration of a run.
pub type VaeRun = RunConfig<VaeModel, TrainConfig<VaeTrain>>;

/// A VAE with its preprocessing.
type Model = Preprocessed<Vae>;

/// A trained VAE with its configuration.
pub struct VaeExperiment {
    config: VaeRun,
    model: Model,
    device: Device,
}

impl Experiment for VaeExperiment {
    const NAME: &'static str = "vae";
    const ABOUT: &'static str = "Variational autoencoder: codes from a normal distribution become data by a network, and a second network \
        infers them. Bounds of the likelihood from both sides, independent draws, codes of examples. For bits, levels and real columns.";
    const EXAMPLES: &'static [&'static str] =
        &["vae train runs/vae --data digits --preset tiny", "vae encode runs/vae --out codes.npy"];
    const DATA: &'static str = "digits";
    const REFERENCE: &'static str = "Kingma & Welling (2014), arXiv:1312.6114";
    const GUIDE: &'static str = include_str!("../../guide/VAE.md");
    const PICTURES: &'static [(&'static str, &'static str)] = &[
        (
            "samples.png",
            "Independent draws: codes of the prior, shown as the means of their variables. Good: as varied and as sharp as the data.",
        ),
        (
            "reconstructions.png",
            "Test examples, and what the decoder makes of the means of their codes. Good: nearly the same; details that differ cost more \
             nats in the code than they save.",
        ),
        (
            "walks.png",
            "Each row walks from the code of one test image to that of another. Good: every image on the way could be one of the data.",
        ),
        (
            "codes.png",
            "Codes of two numbers: means of the posteriors of test examples, colored by class. Good: classes lie apart and fill the plane.",
        ),
    ];
    const FILES: &'static [&'static str] = &["curves.png", "curves.svg"];
    const OFFERS: &'static [Offer] = &[play::OFFER];
    const SHOWN: &'static [&'static str] = &["loss", "valid_log_prob_bound", "train_log_prob_bound"];
    const USES_WEIGHTS: bool = true;
    type Model = VaeModel;
    type Train = TrainConfig<VaeTrain>;
    type Target = NoTarget;
    type TrainArgs = NoFlags;
    type SampleArgs = VaeSampleArgs;
    type Commands = NoCommands;

    fn is_density_of_columns(model: &VaeModel) -> bool {
        outputs::is_real(&model.network.output)
    }

    /// Images get the network of Burda et al., tables a wider one with fewer latent variables.
    fn preset(request: &Request, info: &SourceInfo) -> Result<Settings<Self>> {
        let output = outputs::of_request(request, info);
        let is_table = info.width <= FEW_COLUMNS;
        let (n_hidden, n_latent, steps) = match (request.preset, is_table) {
            (Preset::Tiny, _) => (vec![32], info.width.min(8), 200),
            (_, true) => (vec![128, 128], (info.width / 2).clamp(1, 16), 20_000),
            (Preset::Default, false) => (vec![200, 200], 50, 60_000),
            (Preset::Paper, false) => (vec![200, 200], 50, 400_000),
        };
        let n_hidden = request.or("model.n_hidden", n_hidden);
        let n_latent = request.or("model.n_latent", n_latent);
        let context = ContextUnits::of_preset(request, info);
        let n_context = context.as_ref().map_or_else(|| info.n_given_classes(request), ContextUnits::width);
        let flow = |name: &str, n_context: usize| {
            let kind: Option<FlowKind> = request.get(&format!("model.{name}.kind"));
            kind.map(|kind| FlowFamilyConfig::of_data(kind, n_latent, n_context, None))
        };
        let network = VaeConfig::new(info.width, n_hidden, n_latent)
            .with_n_context(n_context)
            .with_prior(flow("prior", 0))
            .with_posterior(flow("posterior", CONTEXT))
            .with_convolutions(convolutions(request, info))
            .with_output(output.clone());
        let batch_size = request.or("train.batch_size", BATCH_SIZE);
        let epochs = |steps| info.epochs(steps, batch_size, usize::MAX);
        let n_samples = request.or("train.n_samples", 1);
        let estimator = match n_samples > 1 && network.posterior.is_none() {
            true => GradientEstimator::DoublyReparametrized,
            false => GradientEstimator::Reparametrized,
        };
        let annealing =
            |chains, temperatures, leapfrog| PosteriorAnnealing { chains, temperatures, leapfrog };
        let train = TrainConfig {
            run: LoopConfig {
                epochs: epochs(request.steps(steps)),
                validate_every_epochs: epochs(request.by_preset([1, 1_500, 10_000])),
                patience: Some(PATIENCE),
                ..LoopConfig::default()
            },
            batch_size: BATCH_SIZE,
            learner: LearnerConfig {
                average: AverageConfig { decay: request.by_preset([0.99, 0.999, 0.9995]), every: 1 },
                ..LearnerConfig::adam(Schedule::cosine(request.by_preset([3e-3, 1e-3, 1e-3]), 0.0))
            },
            family: VaeTrain {
                elbo: Elbo { n_samples, estimator, ..Elbo::default() },
                validation_samples: request.by_preset([5, 20, 50]),
                annealing: request.by_preset([
                    annealing(5, 20, 3),
                    annealing(10, 100, 5),
                    annealing(20, 500, 5),
                ]),
            },
        };
        let model = VaeModel {
            network,
            preprocessing: outputs::preprocessing(&output, request, info)?,
            context,
            samples: request.by_preset([100, 5000, 5000]),
            measured: request.by_preset([20, 50, 500]),
        };
        let binarization = info.binarization(output == OutputDistribution::Bernoulli);
        Ok(Settings { binarization, model, train })
    }

    fn validate(config: &VaeRun, source: &Source<NoTarget>) -> Result<()> {
        let (model, network, family) = (&config.model, &config.model.network, &config.train.family);
        network.validate().or_usage_at("model")?;
        ConfigError::at_least("samples", model.samples, 1).or_usage_at("model")?;
        config.train.validate()?;
        family.elbo.validate(network).or_usage_at("train")?;
        ConfigError::at_least("validation_samples", family.validation_samples, 1).or_usage_at("train")?;
        family.annealing.validate().or_usage_at("train.annealing")?;
        model.outputs().validate(config, source.data()?)
    }

    fn prepare(config: &VaeRun, data: Splits) -> Result<Splits> {
        config.model.outputs().prepare(config, config.binarized(data)?)
    }

    fn task<'a>(config: &'a VaeRun, source: &'a Source<NoTarget>, device: &Device) -> Task<'a> {
        let (data, network, outputs) = (source.data()?, &config.model.network, config.model.outputs());
        let preprocessor = outputs.preprocessor()?;
        let batches = outputs.batches(config, preprocessor.clone(), &data.train, device)?;
        let vae = network.init(device, &mut Noise::new(config.seed, "init")).or_usage_at("model")?;
        let vae = vae.with_marginals(outputs.representatives(&preprocessor, &data.train, device).0);
        let (like_valid, device) = (train_like_valid(data), device.clone());
        let noise = StepNoise::each_step(config.seed, "codes");
        let learner = Learner::new(vae, config.train.family.elbo, &config.train.learner, noise)
            .or_usage_at("train")?
            .on_batches(batches)
            .validate(move |vae: &Vae, _| {
                let model = Preprocessed { preprocessor: preprocessor.clone(), model: vae.clone() };
                let noise = &mut Noise::new(config.seed, "validation");
                let samples = config.train.family.validation_samples;
                let mut bound = |set: &Dataset| {
                    let evidence = evaluate::evidence(config, &model, set, samples, &device, noise);
                    let each = evidence.into_iter().map(|each| each.importance_weighted.value);
                    mean(&by_weights(set, each.collect()))
                };
                Ok(Some(validation::of_bounds([&data.valid, &like_valid].map(&mut bound))))
            });
        Ok(Box::new(learner))
    }

    fn load(config: &VaeRun, bytes: &[u8], device: &Device) -> Result<Self> {
        let network = &config.model.network;
        let vae = network.init(device, &mut Noise::new(config.seed, "init")).or_usage_at("model")?;
        let model = weights::from_bytes(vae, bytes).or_usage()?;
        let model = Preprocessed { preprocessor: config.model.outputs().preprocessor()?, model };
        Ok(Self { config: config.clone(), model, device: device.clone() })
    }
}

/// Centers of the posteriors of examples, and the means of the data given codes.
impl Latent for VaeExperiment {
    fn widths(&self) -> Vec<usize> {
        vec![self.model.model.n_latent()]
    }

    fn n_classes(&self) -> usize {
        self.model.model.n_context()
    }

    fn encode(&self, examples: Batch, _: usize) -> Result<Tensor<2>> {
        let x = self.model.preprocessor.forward(self.outputs().values(examples.x)).0;
        Ok(self.model.model.encode(x, examples.context.as_ref()).center())
    }

    fn decode(&self, latent: Batch, _: usize) -> Result<Tensor<2>> {
        let vae = &self.model.model;
        let means = vae.output().means(vae.decode(latent.x, latent.context.as_ref()));
        let shape = means.dims();
        Ok(Tensor::from_data(TensorData::new(self.decoded(means), shape), &self.device))
    }
}

/// The convolutions that are asked for, of the shape of the data.
fn convolutions(request: &Request, info: &SourceInfo) -> Option<ConvolutionConfig> {
    let [rows, columns] = info.rows_and_columns().unwrap_or([1, info.width]);
    request.has("model.convolutions").then(|| ConvolutionConfig::new(rows, columns))
}
