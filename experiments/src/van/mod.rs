//! Variational autoregressive networks on the command line: free energies of spin systems, and distributions of given spins.

mod evaluate;
mod pictures;

use std::sync::Arc;

use gibbs_autoregressive::{
    AutoregressiveConfig, AutoregressiveKind, AutoregressiveModel, OutputDistribution, ScoreFunction,
    SpinLikelihood, Spins,
};
use gibbs_core::{
    nn::Activation,
    symmetry::{Symmetrized, Symmetry, SymmetryGroup},
    variational::{Draws, annealed},
};
use gibbs_physics::{Boundary, Canonical, system::SpinSystemConfig};

use crate::{
    prelude::*,
    source::train_like_valid,
    system::{self, SystemArgs},
    validation::Selection,
    variational::{Symmetrization, VariationalTrain},
};

/// How the two states of a spin are written in draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpinValues {
    /// -1 and +1.
    Spins,
    /// 0 and 1.
    Bits,
}

/// The `model` section.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VanModel {
    /// The network.
    #[serde(flatten)]
    pub network: AutoregressiveConfig,
    /// How draws are written.
    pub values: SpinValues,
    /// Symmetries of the model as it is measured and sampled.
    pub symmetry: Symmetrization,
    /// The spin system: what is learned, or whose symmetries given spins have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<SpinSystemConfig>,
}

/// Configuration of a run.
pub type VanRun = RunConfig<VanModel, TrainConfig<VariationalTrain>>;

/// A trained network with its configuration.
pub struct VanExperiment {
    config: VanRun,
    network: AutoregressiveModel,
    group: Arc<SymmetryGroup>,
    device: Device,
}

/// A distribution of spins with its symmetries.
type SpinModel = Symmetrized<Spins<AutoregressiveModel>>;

/// Draws by which a smoke test is measured, each with up to thousands of images under the symmetries: seconds.
const TINY_SAMPLES: usize = 250;

impl Experiment for VanExperiment {
    const NAME: &'static str = "van";
    const ABOUT: &'static str = "Variational autoregressive networks: learn a spin system without data, by drawing from the network \
        itself. Free energies are bounds with error bars, corrected by importance weights and compared with \
        exact values.";
    const EXAMPLES: &'static [&'static str] =
        &["van train runs/torus --lattice 8x8 --beta 0.44", "van eval runs/torus"];
    const DATA: &'static str = "";
    const REFERENCE: &'static str = "Wu, Wang & Zhang (2019), Physical Review Letters 122, 080602";
    const GUIDE: &'static str = include_str!("../../guide/VAN.md");
    const PICTURES: &'static [(&'static str, &'static str)] =
        &[("samples.png", "Independent draws of the spins.")];
    const FILES: &'static [&'static str] = &["curves.png", "curves.svg"];
    const SHOWN: &'static [&'static str] = &["beta", "free_energy", "loss", "valid_log_prob"];
    const USES_WEIGHTS: bool = true;
    type Model = VanModel;
    type Train = TrainConfig<VariationalTrain>;
    type Target = SpinSystemConfig;
    type TrainArgs = SystemArgs;
    type SampleArgs = NoFlags;
    type Commands = NoCommands;

    fn target(request: &Request) -> Result<Option<SpinSystemConfig>> {
        Ok((!request.has("data.name")).then(|| requested_system(request).unwrap_or_default()))
    }

    /// `paper` are the settings that Wu, Wang & Zhang use for 16×16 spins (Phys. Rev. Lett. 122:080602, 2019, and its program),
    /// for a GPU; the temperature there falls exponentially, to within 2 % after a fifth of the steps.
    fn preset(request: &Request, info: &SourceInfo) -> Result<Settings<Self>> {
        let (has_data, is_paper) = (request.has("data.name"), request.preset == Preset::Paper);
        let is_tiny = request.preset == Preset::Tiny;
        let default = if is_paper { AutoregressiveKind::PixelCnn } else { AutoregressiveKind::Made };
        let kind = request.or("model.kind", default);
        if !matches!(kind, AutoregressiveKind::Made | AutoregressiveKind::PixelCnn) {
            refuse!("model.kind = {kind}: take made or pixel_cnn");
        }
        let system = requested_system(request).or_else(|| Self::target(request).ok()?);
        let bernoulli = OutputDistribution::Bernoulli;
        let mut network =
            AutoregressiveConfig::for_shape(kind, &info.shape, bernoulli).or_usage_at("model")?;
        match &mut network {
            AutoregressiveConfig::Made(made) => {
                made.n_hidden = if is_tiny { 32 } else { 256 }.into();
                made.direct = true;
            }
            AutoregressiveConfig::PixelCnn(network) => {
                network.activation = Activation::Relu;
                network.n_hidden = request.by_preset([8, 16, 64]);
                network.half_kernel = request.by_preset([1, 2, 6]);
                let is_periodic = |system: &SpinSystemConfig| system.boundary == Boundary::Periodic;
                network.periodic = !has_data && system.as_ref().is_some_and(is_periodic);
            }
            _ => {}
        }
        let model = VanModel {
            network,
            values: if info.is_binary() { SpinValues::Bits } else { SpinValues::Spins },
            symmetry: if has_data { Symmetrization::None } else { Symmetrization::Lattice },
            system,
        };
        let symmetry = if has_data { Symmetrization::None } else { Symmetrization::Reversal };
        let train = TrainConfig {
            run: LoopConfig {
                epochs: request.by_preset([
                    if kind == AutoregressiveKind::PixelCnn { 1 } else { 5 },
                    100,
                    100,
                ]),
                select_best: has_data,
                patience: has_data.then_some(10),
                ..LoopConfig::default()
            },
            batch_size: match (is_tiny, kind) {
                _ if is_paper => 1000,
                (true, AutoregressiveKind::PixelCnn) => 50,
                _ => 200,
            },
            learner: match is_paper {
                true => LearnerConfig::adam(1e-3),
                false => LearnerConfig {
                    average: AverageConfig { decay: 0.999, every: 1 },
                    ..LearnerConfig::adam(Schedule::cosine(2e-3, 0.0).with_warmup(100))
                },
            },
            family: VariationalTrain {
                samples: is_tiny.then_some(TINY_SAMPLES),
                ..VariationalTrain::new(request, if is_paper { 0.2 } else { 0.5 }, symmetry)
            },
        };
        Ok(Settings { binarization: Binarization::None, model, train })
    }

    fn validate(config: &VanRun, source: &Source<SpinSystemConfig>) -> Result<()> {
        let (model, train) = (&config.model, &config.train);
        model.network.validate().or_usage_at("model")?;
        let n_spins = model.network.n_visible();
        train.validate()?;
        match source {
            Source::Data(data) => data.train.require_width(n_spins).or_usage()?,
            Source::Target(_) => {
                let (holds, reason) = (train.batch_size >= 2, "the baseline needs at least 2 draws");
                ConfigError::require(holds, "train.batch_size", train.batch_size, reason).or_usage()?;
            }
        }
        group(config, model.symmetry).map_err(|error| error.context("model.symmetry"))?;
        train.family.validate(&group(config, train.family.symmetry)?)
    }

    /// Spins -1 and +1 as bits.
    fn prepare(config: &VanRun, data: Splits) -> Result<Splits> {
        match config.data.as_ref().map(|data| data.binarization) {
            None | Some(Binarization::None) => {
                data.try_map(|set| if set.is_binary() { Ok(set) } else { evaluate::bits(&set) })
            }
            Some(_) => config.binarized(data),
        }
    }

    fn task<'a>(config: &'a VanRun, source: &'a Source<SpinSystemConfig>, device: &Device) -> Task<'a> {
        let (train, seed) = (&config.train, config.seed);
        let network =
            config.model.network.init(device, &mut Noise::new(seed, "init")).or_usage_at("model")?;
        let group = Arc::new(group(config, train.family.symmetry)?);
        let symmetrized = {
            let group = group.clone();
            move |network: &AutoregressiveModel| spin_model(network, &group)
        };
        Ok(match source {
            Source::Target(system) => {
                let spins = system::build(system)?;
                let (beta, annealing) = (system.beta, train.family.annealing);
                let energy = {
                    let hamiltonian = spins.hamiltonian.clone();
                    move |beta: f64| {
                        Canonical::new(hamiltonian.clone(), beta).unwrap_or_else(|e| panic!("{e}"))
                    }
                };
                let objective = ScoreFunction::new(energy.clone(), group.clone(), beta, train.batch_size)
                    .with_annealing(annealing);
                let no_data =
                    NoData { steps_per_epoch: train.family.steps_per_epoch, device: device.clone() };
                // The average of weights is also one over temperatures, so it is the distribution of none of them.
                Box::new(learner(config, network, objective, "draws")?.on_batches(no_data).validate_current(
                    move |network, at| {
                        let beta = beta * annealed(annealing, at);
                        let noise = &mut Noise::new(seed, format!("valid/{}", at.step));
                        let n = train.family.valid_samples;
                        let model = symmetrized(network);
                        let draws =
                            Draws::from_model(&model, &energy(beta), n, evaluate::ROWS, noise, |_| ());
                        let report = evaluate::report(spins.n_spins(), beta, &model, None);
                        let mut metrics = Metrics::new().with("valid_beta", beta);
                        metrics.extend(report.metrics(&draws));
                        Ok(Some(Validation { metrics, score: None }))
                    },
                ))
            }
            Source::Data(data) => {
                let batches = DataBatches::new(data.train.clone(), train.batch_size, seed, device, |batch| {
                    Batch { weights: batch.weights, ..Batch::new(batch.x) }
                })
                .or_usage()?;
                let (like_valid, device) = (train_like_valid(data), device.clone());
                let objective = SpinLikelihood::new(group);
                Box::new(learner(config, network, objective, "step")?.on_batches(batches).validate(
                    move |network, _| {
                        let model = symmetrized(network);
                        let log_probs =
                            |set: &Dataset| Ok(by_weights(set, evaluate::log_probs(&model, set, &device)));
                        Selection::by_mean().validation([&data.valid, &like_valid], log_probs).map(Some)
                    },
                ))
            }
        })
    }

    fn load(config: &VanRun, bytes: &[u8], device: &Device) -> Result<Self> {
        let noise = &mut Noise::new(config.seed, "init");
        let network = config.model.network.init(device, noise).or_usage_at("model")?;
        let network = weights::from_bytes(network, bytes).or_usage()?;
        let group = Arc::new(group(config, config.model.symmetry)?);
        Ok(Self { config: config.clone(), network, group, device: device.clone() })
    }
}

/// The system in a request; `None` if it names none.
fn requested_system(request: &Request) -> Option<SpinSystemConfig> {
    system::of_request(request, |kind| kind.map_or_else(SpinSystemConfig::default, SpinSystemConfig::new))
}

fn learner<'a, O: Objective<AutoregressiveModel>>(
    config: &VanRun,
    network: AutoregressiveModel,
    objective: O,
    noise: &str,
) -> Result<Learner<'a, AutoregressiveModel, O>> {
    let noise = StepNoise::each_step(config.seed, noise);
    Learner::new(network, objective, &config.train.learner, noise).or_usage_at("train")
}

fn spin_model(network: &AutoregressiveModel, group: &Arc<SymmetryGroup>) -> SpinModel {
    Symmetrized::new(Spins::new(network.clone()), group.clone())
}

/// The group under which the network is averaged: symmetries of the Hamiltonian, if it has as many spins. For data without a
/// system, the reversal is not checked.
fn group(config: &VanRun, symmetrization: Symmetrization) -> Result<SymmetryGroup> {
    let n_spins = config.model.network.n_visible();
    if symmetrization == Symmetrization::None {
        return Ok(SymmetryGroup::trivial(n_spins));
    }
    let spins = config.model.system.as_ref().map(system::build).transpose()?;
    let spins = spins.filter(|spins| spins.n_spins() == n_spins);
    match (symmetrization, spins) {
        (Symmetrization::Lattice, Some(spins)) => {
            Ok(spins.hamiltonian.symmetry_group(spins.lattice.as_ref()))
        }
        (Symmetrization::Lattice, None) => Err(usage!(
            "symmetry = lattice: no system of {n_spins} spins is given; give it, such as --lattice 16x16"
        )),
        (_, Some(spins)) => Ok(spins.hamiltonian.symmetry_group(None)),
        (_, None) => Ok(SymmetryGroup::generated_by(n_spins, &[Symmetry::negation(n_spins)])),
    }
}

impl VanExperiment {
    /// The distribution of spins, with its symmetries.
    fn model(&self) -> SpinModel {
        spin_model(&self.network, &self.group)
    }

    /// `n` draws of spins ±1, row by row.
    fn draw(&self, n: usize, noise: &mut Noise) -> Vec<f32> {
        host(gibbs_core::Sample::sample(&self.model(), n, noise))
    }
}
