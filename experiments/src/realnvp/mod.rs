//! Normalizing flows on the command line: couplings and masked autoregressive layers, affine and by splines; of data, and of
//! continuous Hamiltonians.

mod evaluate;
mod measure;
mod pictures;
mod play;

use std::path::PathBuf;

use anyhow::Result;
use burn::prelude::*;
use clap::Subcommand;
use gibbs_backend::Noise;
use gibbs_core::{
    Batch, Bijection, ConditionalLogProb, MaximumLikelihood,
    preprocess::{Preprocessed, PreprocessorConfig},
};
use gibbs_data::{Binarization, Dataset, Splits};
use gibbs_flow::{Flow, FlowFamilyConfig, FlowKind, ImageConfig, MixtureConfig, fit_to_energy};
use gibbs_physics::system::{ContinuousKind, ContinuousSystemConfig};
use gibbs_serve::{Offer, Playground};
use gibbs_train::{
    clip::Clip,
    learner::{AverageConfig, DataBatches, Learner, LearnerConfig, OptimizerConfig, StepNoise},
    run_folder::RunFiles,
    schedule::Schedule,
    training::{LoopConfig, TrainTask},
};
use serde::{Deserialize, Serialize};

use crate::{
    base::{self, Selection},
    cli::{self, Part, Preset, Shared},
    columns::ColumnSettings,
    conditions::{self, ContextUnits},
    config::{RunConfig, TrainConfig},
    evaluation::{Evaluation, by_weights, mean},
    experiment::{Experiment, Latent, Settings},
    look::Look,
    preprocessed::{self, FEW_COLUMNS, is_whitened, with_classes},
    progress::Work,
    request::Request,
    source::{Source, SourceInfo, spread, train_like_valid},
    system::{ContinuousArgs, build_continuous, continuous_of},
    usage::{OrUsage, usage},
    variational::{self, Symmetrization, SymmetrizedTarget, VariationalTrain, group},
};

pub use evaluate::FlowSampleArgs;
pub use measure::Measure;

/// Steps of a run on a Hamiltonian: a minute for densities of the plane, eight for 16×16 dual fields.
const TARGET_STEPS: usize = 4000;
/// The most epochs over small data.
const MOST_EPOCHS: usize = 500;
/// Examples to which normalizations are fitted before training.
const FITTED: usize = 2000;

/// The `model` section.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FlowModel {
    /// The flow.
    #[serde(flatten)]
    pub flow: FlowFamilyConfig,
    /// The distribution of the latent variables, fitted to the data before training; `null` is standard normal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<MixtureConfig>,
    /// Units of the real numbers on which the flow is conditioned, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextUnits>,
    /// The map before the flow.
    pub preprocessing: PreprocessorConfig,
    /// Whether a whitening by the covariance of the training data follows the map.
    pub whitened: bool,
    /// Symmetries of the flow as it is measured and sampled, where it learns a Hamiltonian.
    pub symmetry: Symmetrization,
    /// The Hamiltonian, where the run learns one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<ContinuousSystemConfig>,
}

/// Configuration of a run.
pub type FlowRun = RunConfig<FlowModel, TrainConfig<VariationalTrain>>;

/// Commands of `realnvp` alone.
#[derive(Subcommand, Debug)]
pub enum RealNvpCommands {
    /// Sample a Hamiltonian without bias by Hamiltonian Monte Carlo in the latent space of a flow trained on it
    Measure(Measure),
}

/// A trained flow with its configuration.
pub struct RealNvpExperiment {
    config: FlowRun,
    model: Preprocessed<Flow>,
    target: Option<SymmetrizedTarget>,
    device: Device,
}

impl Experiment for RealNvpExperiment {
    const NAME: &'static str = "realnvp";
    const ABOUT: &'static str = "Normalizing flows (Real NVP, splines, masked autoregressive flows): exact densities of real data and \
        fast draws. Also learn continuous Hamiltonians without data, with free energies.";
    const EXAMPLES: &'static [&'static str] =
        &["realnvp train runs/moons --data moons", "realnvp train runs/phi4 --model phi-four --lattice 6x6"];
    const DATA: &'static str = "digits";
    const REFERENCE: &'static str = "Dinh, Sohl-Dickstein & Bengio (2017), arXiv:1605.08803";
    const GUIDE: &'static str = include_str!("../../guide/REALNVP.md");
    const PICTURES: &'static [(&'static str, &'static str)] = &[
        ("samples.png", "Draws next to test data. Good: the same shapes, the same density."),
        ("density.png", "The learned density on a grid, with test points where there are any."),
        ("modes.png", "The normal modes of the chain: learned frequencies and shapes on the exact ones."),
        (
            "interpolation.png",
            "Arcs between the latents of two test images, decoded. Good: every image on the way looks like data.",
        ),
    ];
    const FILES: &'static [&'static str] = &["curves.png", "curves.svg", "measure.json"];
    const OFFERS: &'static [Offer] = &[play::OFFER];
    const SHOWN: &'static [&'static str] = &["free_energy", "loss", "valid_log_prob", "train_log_prob"];
    const USES_WEIGHTS: bool = true;
    type Model = FlowModel;
    type Train = TrainConfig<VariationalTrain>;
    type Target = ContinuousSystemConfig;
    type TrainArgs = ContinuousArgs;
    type SampleArgs = FlowSampleArgs;
    type Commands = RealNvpCommands;

    fn target(request: &Request) -> Result<Option<ContinuousSystemConfig>> {
        Ok(continuous_of(request))
    }

    fn is_density_of_columns(model: &FlowModel) -> bool {
        model.system.is_none() && !model.preprocessing.is_gray()
    }

    fn preset(request: &Request, info: &SourceInfo) -> Result<Settings<Self>> {
        let system = continuous_of(request);
        let has_data = system.is_none();
        let is_chain = system.as_ref().is_some_and(|system| system.kind == ContinuousKind::HarmonicChain);
        let is_narrow = info.width <= FEW_COLUMNS;
        let is_table = has_data && !info.is_grey();
        let default = match has_data {
            true if is_table && info.width <= base::MOST_COLUMNS => FlowKind::of_table(info.width),
            true => FlowKind::of_data(info.width),
            false => FlowKind::of_hamiltonian(&info.shape, is_chain),
        };
        let kind = request.or("model.kind", default);
        let context = ContextUnits::of_preset(request, info);
        let n_context = context.as_ref().map_or(0, ContextUnits::width);
        let mut flow = match has_data {
            true => FlowFamilyConfig::of_data(kind, info.width, n_context, info.rows_and_columns()),
            false => FlowFamilyConfig::of_hamiltonian(kind, &info.shape, is_chain),
        };
        let is_tiny = request.preset == Preset::Tiny;
        if let Some((n_layers, n_hidden)) = flow.sizes_mut().filter(|_| is_tiny) {
            (*n_layers, *n_hidden) = (2, 16.into());
        }
        // The splines of all columns are the outputs of each network.
        let is_wide = kind == FlowKind::SplineMaf && is_table && !is_narrow && !is_tiny;
        if let Some((n_layers, n_hidden)) = flow.sizes_mut().filter(|_| is_wide) {
            (*n_layers, *n_hidden) = (3, vec![128, 128].into());
        }
        if let Some(image) = flow.image_mut() {
            let (widths, bottleneck, blocks, [checkerboards, stripes]) = match request.preset {
                Preset::Tiny => (vec![8, 8], 8, 1, [2, 1]),
                Preset::Default => (vec![32, 48], 32, 2, [2, 2]),
                // Published are those for pictures of 32 by 32 sites (Dinh et al. 2017, section 4.1), for a GPU.
                Preset::Paper => (vec![64, 128], 64, 8, [3, 3]),
            };
            *image = ImageConfig { widths, bottleneck, blocks, checkerboards, stripes, ..image.clone() };
        }
        let preprocessing = match has_data {
            false => PreprocessorConfig::Identity,
            true if is_table => with_circles(&mut flow, request, info)?,
            true if kind.has_box() => {
                preprocessed::standardized_logit(info, kind.margin(), request.or("seed", 0))?
            }
            true => PreprocessorConfig::Logit { margin: kind.margin() },
        };
        let base = base::choose(request, info, &preprocessing, flow.n_context());
        let batch_size = if has_data { 256 } else { 128 };
        let asked_batch_size = request.or("train.batch_size", batch_size);
        let default_steps = match base {
            Some(_) => base::STEPS,
            None if is_narrow => 8000,
            None => 2000,
        };
        let steps = request.by_preset([100, default_steps, 20_000]);
        let most_epochs = if base.is_some() { usize::MAX } else { MOST_EPOCHS };
        let family = VariationalTrain::new(request, 0.2, Symmetrization::Reversal);
        let steps_per_epoch = request.or("train.steps_per_epoch", family.steps_per_epoch);
        let epochs = match has_data {
            true => info.epochs(request.steps(steps), asked_batch_size, most_epochs),
            false => {
                let steps = request.by_preset([100, TARGET_STEPS, 20_000]);
                request.steps(steps).div_ceil(steps_per_epoch.max(1))
            }
        };
        let rate = match (has_data, base) {
            (true, Some(_)) => 1e-3,
            (true, None) => 2e-3,
            (false, _) => 3e-3,
        };
        let train = TrainConfig {
            run: LoopConfig {
                epochs,
                select_best: has_data,
                ..match base {
                    Some(_) => base::loop_config(info, asked_batch_size),
                    None => LoopConfig { patience: has_data.then_some(30), ..LoopConfig::default() },
                }
            },
            batch_size,
            learner: LearnerConfig {
                learning_rate: Schedule::cosine(rate, 0.0).with_warmup(100),
                optimizer: OptimizerConfig::adam(),
                average: AverageConfig { decay: 0.999, every: 1 },
                clip: Clip::GlobalNorm { limit: 10.0 },
            },
            family,
        };
        let model = FlowModel {
            whitened: base.is_none()
                && flow.angles_mut().is_none_or(|(angles, _)| angles.is_empty())
                && is_whitened(&request.or("model.preprocessing", preprocessing.clone()), info.width)
                && !kind.is_of_images(),
            base,
            context,
            symmetry: if has_data { Symmetrization::None } else { Symmetrization::Lattice },
            flow,
            preprocessing,
            system,
        };
        Ok(Settings { binarization: Binarization::None, model, train })
    }

    fn validate(config: &FlowRun, source: &Source<ContinuousSystemConfig>) -> Result<()> {
        let (model, n_visible) = (&config.model, config.model.flow.n_visible());
        let flow = model.flow.flow().or_usage_at("model")?;
        flow.init(&Device::default(), &mut Noise::new(0, "check")).or_usage_at("model")?;
        model.preprocessing.validate(n_visible).or_usage_at("model.preprocessing")?;
        if flow.angles.is_some() && (model.whitened || model.base.is_some()) {
            return Err(usage("data.periodic: it needs model.whitened=false and model.base=null"));
        }
        model.context.iter().try_for_each(|context| context.validate(flow.n_context))?;
        config.train.validate()?;
        match source {
            Source::Data(data) => {
                let columns = config.density();
                preprocessed::require_density(data, &model.preprocessing, &columns, n_visible, flow.n_context)
            }
            Source::Target(system) => {
                if flow.n_context > 0 {
                    return Err(usage(format!(
                        "model.n_classes = {}: a Hamiltonian has no classes",
                        flow.n_context
                    )));
                }
                let density = build_continuous(system)?;
                variational::require_variables(n_visible, &density)?;
                config.train.family.validate(&group(&density, config.train.family.symmetry))
            }
        }
    }

    fn prepare(config: &FlowRun, data: Splits) -> Result<Splits> {
        let data = preprocessed::dequantized(data, &config.density(), config.seed)?;
        conditions::prepared(config.model.context.as_ref(), data)
    }

    fn task<'a>(
        config: &'a FlowRun,
        source: &'a Source<ContinuousSystemConfig>,
        device: &Device,
    ) -> Result<Box<dyn TrainTask + 'a>> {
        let (model, train, seed) = (&config.model, &config.train, config.seed);
        let flow = model.flow.flow().or_usage_at("model")?;
        let n_classes = flow.n_context;
        let flow = flow.init(device, &mut Noise::new(seed, "init")).or_usage_at("model")?;
        let preprocessor =
            model.preprocessing.init(model.flow.n_visible()).or_usage_at("model.preprocessing")?;
        let data = match source {
            Source::Data(data) => {
                preprocessed::require_varying_columns(&data.train, |_| !model.preprocessing.is_gray())?;
                data
            }
            Source::Target(system) => {
                let target = SymmetrizedTarget::new(build_continuous(system)?, train.family.symmetry);
                let flow = match model.flow.has_normalizations() {
                    true => {
                        let noise = &mut Noise::new(seed, "fields");
                        fit_to_energy(flow, &target.density.potential, &target.group, device, noise)
                    }
                    false => flow,
                };
                let model = Preprocessed { preprocessor, model: flow };
                let settings = (&train.learner, &train.family, train.batch_size);
                return variational::task(model, target, settings, seed);
            }
        };
        let preprocessor = match model.whitened {
            true => preprocessed::whitened(preprocessor, &data.train, device)?,
            false => preprocessor,
        };
        let batch = with_classes(data.train.batch(&spread(data.train.len(), FITTED), device), n_classes);
        let flow = flow.fitted(preprocessor.forward(batch.x).0, batch.context.as_ref());
        let flow = flow.with_base(base::fitted(model.base, &preprocessor, &data.train, seed, device)?);
        let flow = Preprocessed { preprocessor, model: flow };
        let batches = DataBatches::new(data.train.clone(), train.batch_size, seed, device, move |batch| {
            with_classes(batch, n_classes)
        })
        .or_usage()?;
        let (like_valid, device) = (train_like_valid(data), device.clone());
        let log_cell = config.density().log_cell();
        let log_probs = move |flow: &Preprocessed<Flow>, set: &Dataset| {
            let log_probs = evaluate::log_probs(flow, set, &device).of_data;
            by_weights(set, log_probs.into_iter().map(|log_prob| log_prob + log_cell).collect())
        };
        let selection = match model.base {
            Some(_) => Selection::from_start(log_probs(&flow, &data.valid), preprocessed::to_bytes(&flow)?),
            None => Selection::by_mean(),
        };
        let kept = selection.clone();
        let learner =
            Learner::new(flow, MaximumLikelihood, &train.learner, StepNoise::each_step(seed, "step"))
                .or_usage_at("train")?
                .on_batches(batches)
                .validate(move |flow, _| {
                    let train_log_prob = mean(&log_probs(flow, &like_valid));
                    let valid = log_probs(flow, &data.valid);
                    Ok(Some(selection.validation(&valid, train_log_prob)))
                })
                .export(move |flow| Ok(kept.weights(flow)?))
                .import(|flow, bytes| Ok(preprocessed::from_bytes(flow, bytes)?));
        Ok(Box::new(learner))
    }

    fn load(config: &FlowRun, bytes: &[u8], device: &Device) -> Result<Self> {
        let model = &config.model;
        let flow = model.flow.flow().or_usage_at("model")?;
        let flow = flow.init(device, &mut Noise::new(config.seed, "init")).or_usage_at("model")?;
        let n_visible = model.flow.n_visible();
        let flow = flow.with_base(base::empty(model.base, n_visible, device)?);
        let preprocessor = model.preprocessing.init(n_visible).or_usage_at("model.preprocessing")?;
        let preprocessor = match model.whitened {
            true => preprocessor.with_identity_whitening(n_visible, device),
            false => preprocessor,
        };
        Ok(Self {
            model: preprocessed::from_bytes(Preprocessed { preprocessor, model: flow }, bytes).or_usage()?,
            target: SymmetrizedTarget::of(model.system.as_ref(), model.symmetry)?,
            config: config.clone(),
            device: device.clone(),
        })
    }

    fn evaluate(
        &self,
        source: &Source<ContinuousSystemConfig>,
        part: Part,
        _: &RunFiles,
        _: &Work,
    ) -> Result<Evaluation> {
        match (source, &self.target) {
            (Source::Target(_), Some(target)) => {
                Ok(target.evaluate(&self.model, &self.config.train.family, self.config.seed))
            }
            _ => evaluate::evaluate(self, source.data()?, part),
        }
    }

    fn sample(&self, args: &cli::Sample, family: &FlowSampleArgs, _: &Shared) -> Result<PathBuf> {
        evaluate::sample(self, args, family)
    }

    fn latent(&self) -> Result<&dyn Latent> {
        Ok(self)
    }

    fn draw_pictures(
        &self,
        source: &Source<ContinuousSystemConfig>,
        files: &RunFiles,
        _: &Work,
    ) -> Result<()> {
        pictures::draw(self, source, files)
    }

    fn playground(self) -> Option<Box<dyn Playground>> {
        Some(Box::new(self))
    }

    fn run(command: &RealNvpCommands, shared: &Shared) -> Result<()> {
        match command {
            RealNvpCommands::Measure(measure) => measure.run(shared),
        }
    }
}

/// The preprocessing of a table, with its periodic columns on the circles of the splines of a flow.
fn with_circles(
    flow: &mut FlowFamilyConfig,
    request: &Request,
    info: &SourceInfo,
) -> Result<PreprocessorConfig> {
    let columns = ColumnSettings::of(request, info)?;
    let preprocessing = columns.preprocessing(info)?;
    if columns.periodic.is_empty() {
        return Ok(preprocessing);
    }
    let kind = flow.kind();
    let Some((angles, bound)) = flow.angles_mut() else {
        columns.require_no_circles(&format!("model.kind={kind}"))?;
        return Ok(preprocessing);
    };
    let Some(data) = info.data else {
        *angles = request.or("model.angles", Vec::new());
        return Ok(preprocessing);
    };
    let circles = columns.circles(&data.train)?;
    *angles = circles.iter().map(|(column, _)| *column).collect();
    Ok(preprocessing.with_circles(info.width, &circles, request.or("model.bound", bound)))
}

/// Points of the base, and the data that the flow makes of them.
impl Latent for RealNvpExperiment {
    fn widths(&self) -> Vec<usize> {
        vec![self.model.model.n_variables()]
    }

    fn n_classes(&self) -> usize {
        self.model.n_context()
    }

    fn look(&self) -> Look {
        self.look()
    }

    fn encode(&self, examples: Batch, _: usize) -> Result<Tensor<2>> {
        let x = self.model.preprocessor.forward(examples.x).0;
        Ok(self.model.model.forward(x, examples.context.as_ref()).0)
    }

    fn decode(&self, latent: Batch, _: usize) -> Result<Tensor<2>> {
        let x = self.model.model.inverse(latent.x, latent.context.as_ref()).0;
        Ok(self.model.preprocessor.inverse(x))
    }
}
