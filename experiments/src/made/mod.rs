//! Autoregressive models on the command line: MADE, NADE and a causal transformer.

mod evaluate;
mod pictures;
mod play;

use gibbs_autoregressive::{
    Autoregressive, AutoregressiveConfig, AutoregressiveKind, AutoregressiveModel, MaskChoice, OrderConfig,
    OrderedLikelihood, OutputDistribution,
};
use gibbs_core::preprocess::{Preprocessed, PreprocessorConfig};
use gibbs_serve::Offer;

use crate::{
    conditions::ContextUnits,
    outputs::{self, Outputs},
    prelude::*,
    source::train_like_valid,
    validation::Selection,
};

pub use evaluate::MadeSampleArgs;

/// Steps over which the learning rate rises.
const WARM_UP: usize = 100;
/// Masks of a MADE of few examples, each with its own random order. More of them need more steps.
const MASKS: usize = 16;
/// Steps between two validations over few examples, and the number of validations without improvement that end a run.
const VALIDATED: usize = 50;
const PATIENCE: usize = 30;

/// The `model` section.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MadeModel {
    /// The network and its outputs.
    #[serde(flatten)]
    pub network: AutoregressiveConfig,
    /// The map before the network: shift and scale of the columns for mixtures of Gaussians.
    pub preprocessing: PreprocessorConfig,
    /// Units of the real numbers on which the model is conditioned, where it is.
    pub context: Option<ContextUnits>,
}

impl MadeModel {
    /// The variables, as the data see them.
    fn outputs(&self) -> Outputs<'_> {
        Outputs {
            distribution: self.network.output(),
            preprocessing: &self.preprocessing,
            context: self.context.as_ref(),
            n_visible: self.network.n_visible(),
            n_context: self.network.n_context(),
        }
    }
}

/// What only these models have in the `train` section.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MadeTrain {
    /// Which of several masks a step trains.
    pub masks: MaskChoice,
}

/// Configuration of a run.
pub type MadeRun = RunConfig<MadeModel, TrainConfig<MadeTrain>>;

/// A model with its preprocessing.
type Model = Preprocessed<AutoregressiveModel>;

/// A trained model with its configuration.
pub struct MadeExperiment {
    config: MadeRun,
    model: Model,
    device: Device,
}

impl Experiment for MadeExperiment {
    const NAME: &'static str = "made";
    const ABOUT: &'static str = "Autoregressive models (MADE, NADE, transformer): exact log-likelihoods and exact draws, one variable \
        after the other. For bits, discrete levels and real columns; can be conditioned on a class.";
    const EXAMPLES: &'static [&'static str] =
        &["made train runs/made --data digits --preset tiny", "made sample runs/made --given upper"];
    const DATA: &'static str = "digits";
    const REFERENCE: &'static str = "Germain, Gregor, Murray & Larochelle (2015), arXiv:1502.03509";
    const GUIDE: &'static str = include_str!("../../guide/MADE.md");
    const PICTURES: &'static [(&'static str, &'static str)] = &[
        ("samples.png", "Independent draws. Each is exact: no Markov chain runs."),
        (
            "inpainting.png",
            "What comes first in the order of the variables is given, the model draws the rest.",
        ),
    ];
    const FILES: &'static [&'static str] = &["curves.png", "curves.svg"];
    const OFFERS: &'static [Offer] = &[play::OFFER];
    const SHOWN: &'static [&'static str] = &["loss", "valid_log_prob", "train_log_prob"];
    const USES_WEIGHTS: bool = true;
    type Model = MadeModel;
    type Train = TrainConfig<MadeTrain>;
    type Target = NoTarget;
    type TrainArgs = NoFlags;
    type SampleArgs = MadeSampleArgs;
    type Commands = NoCommands;

    fn is_density_of_columns(model: &MadeModel) -> bool {
        outputs::is_real(model.network.output())
    }

    fn is_slow(request: &Request) -> bool {
        request.get("model.kind") == Some(AutoregressiveKind::Transformer)
    }

    /// Few examples get a smaller network with dropout, and a MADE of several orders: the mixture over orders overfits less. The
    /// guide has the evidence.
    fn preset(request: &Request, info: &SourceInfo) -> Result<Settings<Self>> {
        use AutoregressiveKind::{Made, Nade, Transformer};
        let kind = request.or("model.kind", Made);
        let output = outputs::of_request(request, info);
        let are_few = info.has_few();
        let (n_hidden, steps, batch_size, rate) = match (kind, request.preset) {
            (Made, Preset::Tiny) => (32, 200, 100, 4e-3),
            (Made, Preset::Default) if are_few => (500, 20_000, 100, 4e-3),
            (Made, Preset::Default) => (2000, 5000, 100, 2e-3),
            (Made, Preset::Paper) => (8000, 5000, 100, 1e-3),
            (Nade, Preset::Tiny) => (16, 100, 100, 4e-3),
            (Nade, Preset::Default) => (500, 6000, 100, 2e-3),
            (Nade, Preset::Paper) => (500, 15_000, 100, 2e-3),
            (Transformer, Preset::Tiny) => (32, 30, 50, 2e-3),
            (Transformer, Preset::Default) => (512, 6000, 50, 2e-3),
            (Transformer, Preset::Paper) => (512, 12_000, 50, 2e-3),
            _ => refuse!("model.kind = pixel_cnn: a network of lattices; run `van`"),
        };
        let network =
            AutoregressiveConfig::for_shape(kind, &info.shape, output.clone()).or_usage_at("model")?;
        let context = ContextUnits::of_preset(request, info);
        let n_context = context.as_ref().map_or_else(|| info.n_given_classes(request), ContextUnits::width);
        let mut network = network.with_n_hidden(n_hidden).with_n_context(n_context);
        if let AutoregressiveConfig::Made(made) = &mut network {
            made.dropout = if are_few { 0.5 } else { 0.0 };
            if are_few && request.is_training() && request.preset != Preset::Tiny {
                made.n_masks = MASKS;
                made.order = request.or("model.order", OrderConfig::Random);
            }
        }
        let asked_batch_size = request.or("train.batch_size", batch_size);
        let epochs = |steps| info.epochs(steps, asked_batch_size, usize::MAX);
        let preprocessing = outputs::preprocessing(&output, request, info)?;
        let binarization = info.binarization(output == OutputDistribution::Bernoulli);
        let train = TrainConfig {
            run: LoopConfig {
                epochs: epochs(request.steps(steps)),
                validate_every_epochs: if request.preset == Preset::Tiny { 1 } else { epochs(VALIDATED) },
                patience: Some(PATIENCE),
                ..LoopConfig::default()
            },
            batch_size,
            learner: LearnerConfig {
                average: AverageConfig { decay: 0.999, every: 1 },
                ..LearnerConfig::adam(Schedule::cosine(rate, 0.0).with_warmup(WARM_UP))
            },
            family: MadeTrain { masks: MaskChoice::Cycled },
        };
        Ok(Settings { binarization, model: MadeModel { network, preprocessing, context }, train })
    }

    fn validate(config: &MadeRun, source: &Source<NoTarget>) -> Result<()> {
        config.model.network.validate().or_usage_at("model")?;
        config.train.validate()?;
        config.model.outputs().validate(config, source.data()?)
    }

    fn prepare(config: &MadeRun, data: Splits) -> Result<Splits> {
        config.model.outputs().prepare(config, config.binarized(data)?)
    }

    fn task<'a>(config: &'a MadeRun, source: &'a Source<NoTarget>, device: &Device) -> Task<'a> {
        let (data, network, outputs) = (source.data()?, &config.model.network, config.model.outputs());
        let preprocessor = outputs.preprocessor()?;
        let batches = outputs.batches(config, preprocessor.clone(), &data.train, device)?;
        let model = network.init(device, &mut Noise::new(config.seed, "init")).or_usage_at("model")?;
        let (examples, ladj) = outputs.representatives(&preprocessor, &data.train, device);
        let model = model.with_marginals(examples);
        // The loss is that of the data, up to the spread of the volume where it depends on the example.
        let log_volume = mean(&to_host(ladj));
        let objective =
            OrderedLikelihood::new(config.train.family.masks, config.seed).with_log_volume(log_volume);
        let (like_valid, device) = (train_like_valid(data), device.clone());
        let noise = StepNoise::each_step(config.seed, "dropout");
        let learner = Learner::new(model, objective, &config.train.learner, noise)
            .or_usage_at("train")?
            .on_batches(batches)
            .validate(move |model, _| {
                let model = Preprocessed { preprocessor: preprocessor.clone(), model: model.clone() };
                let log_probs =
                    |set: &Dataset| Ok(by_weights(set, evaluate::log_probs(config, &model, set, &device)));
                Selection::by_mean().validation([&data.valid, &like_valid], log_probs).map(Some)
            });
        Ok(Box::new(learner))
    }

    /// Weights made elsewhere may lack the direct connections.
    fn load(config: &MadeRun, bytes: &[u8], device: &Device) -> Result<Self> {
        let mut network = config.model.network.clone();
        if let AutoregressiveConfig::Made(made) = &mut network {
            made.direct &= weights::contains(bytes, "direct").or_usage()?;
        }
        let model = network.init(device, &mut Noise::new(config.seed, "init")).or_usage_at("model")?;
        let model = weights::from_bytes(model, bytes).or_usage()?;
        let model = Preprocessed { preprocessor: config.model.outputs().preprocessor()?, model };
        Ok(Self { config: config.clone(), model, device: device.clone() })
    }
}
