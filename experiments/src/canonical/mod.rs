//! Canonical transformations on the command line: continuous Hamiltonians, or positions as data, as independent harmonic oscillators.

mod evaluate;
mod pictures;
mod units;

use std::sync::Arc;

use gibbs_core::{
    Sample,
    symmetry::SymmetryGroup,
    variational::{Draws, PathGradientObjective},
};
use gibbs_flow::{
    CanonicalConfig, CanonicalFlow,
    symplectic::{CollectiveCoordinate, PhaseSpace, PositionLikelihood, halves},
};
use gibbs_physics::system::{ContinuousKind, ContinuousSystemConfig, TargetDensity};

use crate::{
    hamiltonian::{self, HamiltonianTrain},
    prelude::*,
    preprocessed::require_varying_columns,
    source::{rows, train_like_valid},
    system::{ContinuousArgs, continuous_of},
    validation,
    variational::{AT_ONCE, FreeEnergyReport, SymmetrizedTarget},
};

pub use units::PositionUnits;

/// Steps of a run on a harmonic chain: those that 16 particles need for frequencies within 0.5 %, 10 seconds.
const CHAIN_STEPS: usize = 20_000;

/// The most epochs over small data.
const MOST_EPOCHS: usize = 500;

/// Draws or examples of a step.
const BATCH_SIZE: usize = 128;

/// Positions at rest by which the phase of an oscillator is found.
const RESTING: usize = 1000;

/// The `model` section.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CanonicalModel {
    /// The transformation.
    #[serde(flatten)]
    pub flow: CanonicalConfig,
    /// Number of slowest oscillators whose two variables `encode` keeps; `null` for all.
    pub slowest: Option<usize>,
    /// Momenta by which the likelihood of positions is bounded.
    #[serde(default = "default_momenta")]
    pub momenta: usize,
    /// Units of positions that are data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<PositionUnits>,
    /// The Hamiltonian, where the run learns one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<ContinuousSystemConfig>,
}

/// Configuration of a run.
pub type CanonicalRun = RunConfig<CanonicalModel, TrainConfig<HamiltonianTrain>>;

/// A trained transformation with its configuration.
pub struct CanonicalExperiment {
    config: CanonicalRun,
    model: CanonicalFlow,
    target: Option<SymmetrizedTarget>,
    device: Device,
}

/// Flags of `sample`.
#[derive(Args, Clone, Debug)]
pub struct CanonicalSampleArgs {
    /// Draw with the coordinate of an oscillator held at this value, in its standard deviations
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true)]
    pub slow: Option<f64>,
    /// The oscillator that is held, by ascending frequency: 1 is the slowest
    #[arg(long, value_name = "K", default_value_t = 1)]
    pub oscillator: usize,
}

impl Experiment for CanonicalExperiment {
    const NAME: &'static str = "canonical";
    const ABOUT: &'static str = "Canonical transformations: maps of phase space that turn a Hamiltonian into harmonic oscillators, \
        with their frequencies. Slow oscillators are collective coordinates.";
    const EXAMPLES: &'static [&'static str] = &[
        "canonical train runs/modes --model harmonic-chain --particles 16",
        "canonical train runs/slow --data positions.npy",
        "canonical encode runs/slow --data positions.npy",
    ];
    const USES_WEIGHTS: bool = true;
    const DATA: &'static str = "";
    const REFERENCE: &'static str = "Li, Dong, Zhang & Wang (2020), arXiv:1910.00024";
    const GUIDE: &'static str = include_str!("../../guide/CANONICAL.md");
    const PICTURES: &'static [(&'static str, &'static str)] = &[
        ("samples.png", "Positions drawn from the oscillators."),
        (
            "modes.png",
            "Frequencies of the oscillators, and the positions that the slowest ones move; exact modes of a chain as lines.",
        ),
    ];
    const FILES: &'static [&'static str] = &["curves.png", "curves.svg"];
    const SHOWN: &'static [&'static str] = &["free_energy", "loss", "valid_log_prob_bound"];
    type Model = CanonicalModel;
    type Train = TrainConfig<HamiltonianTrain>;
    type Target = ContinuousSystemConfig;
    type TrainArgs = ContinuousArgs;
    type SampleArgs = CanonicalSampleArgs;
    type Commands = NoCommands;

    fn target(request: &Request) -> Result<Option<ContinuousSystemConfig>> {
        let has_data = request.has("data.name") && continuous_of(request).is_none();
        Ok((!has_data).then(|| hamiltonian::system_of(request, ContinuousKind::HarmonicChain)))
    }

    fn preset(request: &Request, info: &SourceInfo) -> Result<Settings<Self>> {
        let system = Self::target(request)?;
        let is_chain = system.as_ref().is_some_and(|system| system.kind == ContinuousKind::HarmonicChain);
        // Maps of positions alone bend the plane further, and keep the positions of a held coordinate on a line.
        let is_plane = system.is_some() && !is_chain && info.width == 2;
        // Linear maps are enough for a quadratic energy.
        let n_layers = if is_chain { 0 } else { request.by_preset([1, if is_plane { 8 } else { 4 }, 8]) };
        let flow = CanonicalConfig::new(info.width, n_layers)
            .with_n_hidden(request.by_preset([16, 64, 128]))
            .with_points(info.width > 1)
            .with_shears(!is_plane)
            .with_linear(!is_plane);
        let steps = request.by_preset([100, if is_chain { CHAIN_STEPS } else { 4000 }, CHAIN_STEPS]);
        let family = HamiltonianTrain {
            steps_per_epoch: 100,
            annealing: if is_chain { 0.0 } else { 0.2 },
            samples: request.by_preset([2000, 20_000, 20_000]),
            valid_samples: 1000,
        };
        let rate = if is_chain { 1e-2 } else { 3e-3 };
        let mut train = hamiltonian::training(request, (steps, BATCH_SIZE, rate), family);
        if system.is_none() {
            let epochs =
                info.epochs(request.steps(steps), request.or("train.batch_size", BATCH_SIZE), MOST_EPOCHS);
            train.run = LoopConfig { epochs, select_best: true, patience: Some(30), ..train.run };
        }
        let units = info.data.filter(|_| system.is_none()).map(|data| PositionUnits::of(&data.train));
        let model = CanonicalModel { flow, slowest: None, momenta: default_momenta(), units, system };
        Ok(Settings { binarization: Binarization::None, model, train })
    }

    fn validate(config: &CanonicalRun, source: &Source<ContinuousSystemConfig>) -> Result<()> {
        let model = &config.model;
        model.flow.validate().or_usage_at("model")?;
        let (n, slowest) = (model.flow.n_visible, model.slowest.unwrap_or(1));
        let reason = format!("must be from 1 to {n}, the number of positions");
        ConfigError::require((1..=n).contains(&slowest), "slowest", slowest, reason).or_usage_at("model")?;
        ConfigError::at_least("momenta", model.momenta, 2).or_usage_at("model")?;
        model.units.iter().try_for_each(|units| units.validate(n)).or_usage_at("model.units")?;
        match source {
            Source::Data(data) => {
                config.train.validate()?;
                config.train.family.validate()?;
                let (name, train) = (data.name(), &data.train);
                train.require_width(n).or_usage()?;
                if model.system.is_none() {
                    require!(
                        !train.is_binary(),
                        "{name}: zeros and ones are no positions; take `made` or `rbm` for them"
                    );
                    require!(
                        !train.is_gray(),
                        "{name}: gray values are no positions; take realnvp or vae for them"
                    );
                }
                Ok(())
            }
            Source::Target(system) => hamiltonian::validate(&config.train, n, system).map(drop),
        }
    }

    fn task<'a>(
        config: &'a CanonicalRun,
        source: &'a Source<ContinuousSystemConfig>,
        device: &Device,
    ) -> Task<'a> {
        match source {
            Source::Data(data) => of_positions(config, data, device),
            Source::Target(system) => of_hamiltonian(config, hamiltonian::target(system)?, device),
        }
    }

    fn load(config: &CanonicalRun, bytes: &[u8], device: &Device) -> Result<Self> {
        let model = weights::from_bytes(init(config, device)?, bytes).or_usage()?;
        let target = config.model.system.as_ref().map(hamiltonian::target).transpose()?;
        Ok(Self { config: config.clone(), model, target, device: device.clone() })
    }
}

/// A transformation in training on a Hamiltonian, by its own draws of phase space.
fn of_hamiltonian<'a>(config: &'a CanonicalRun, target: SymmetrizedTarget, device: &Device) -> Task<'a> {
    let (train, seed) = (&config.train, config.seed);
    let report = report(&target);
    let objective = PathGradientObjective {
        energy: PhaseSpace { energy: target.density.clone() },
        group: Arc::new(SymmetryGroup::trivial(2 * config.model.flow.n_visible)),
        free_energy: report.free_energy,
        annealing: train.family.annealing,
        n_draws: train.batch_size,
    };
    let n = train.family.valid_samples;
    let learner =
        Learner::new(init(config, device)?, objective, &train.learner, StepNoise::each_step(seed, "draws"))
            .or_usage_at("train")?
            .on_batches(NoData { steps_per_epoch: train.family.steps_per_epoch, device: device.clone() })
            .validate(move |model: &CanonicalFlow, at| {
                let noise = &mut Noise::new(seed, format!("valid/{}", at.step));
                let draws = draws(model, &target.density, n, noise, |_| ());
                Ok(Some(Validation { metrics: report.metrics(&draws), score: None }))
            });
    Ok(Box::new(learner))
}

/// A transformation in training on positions.
fn of_positions<'a>(config: &'a CanonicalRun, data: &'a Splits, device: &Device) -> Task<'a> {
    require_varying_columns(&data.train, |_| true)?;
    let (train, seed, model) = (&config.train, config.seed, &config.model);
    let batches = DataBatches::new(data.train.clone(), train.batch_size, seed, device, move |batch| Batch {
        x: model.learned(batch.x),
        context: None,
        weights: batch.weights,
    });
    let (like_valid, device) = (train_like_valid(data), device.clone());
    let noise = StepNoise::each_step(seed, "momenta");
    let learner = Learner::new(init(config, &device)?, PositionLikelihood, &train.learner, noise)
        .or_usage_at("train")?
        .on_batches(batches.or_usage()?)
        .validate(move |flow: &CanonicalFlow, _| {
            let noise = &mut Noise::new(seed, "validation");
            let mut bound = |set: &Dataset| {
                let log_weights = |rows: &[usize]| {
                    to_host(flow.log_weights(model.learned(set.tensor(rows, &device)), noise))
                };
                let each: Vec<f64> = rows(set).chunks(AT_ONCE).flat_map(log_weights).collect();
                mean(&by_weights(set, each)) - model.log_volume()
            };
            Ok(Some(validation::of_bounds([&data.valid, &like_valid].map(&mut bound))))
        });
    Ok(Box::new(learner))
}

impl CanonicalModel {
    /// Positions `[n, D]` as the transformation learns them.
    fn learned(&self, x: Tensor<2>) -> Tensor<2> {
        match &self.units {
            Some(units) => units.learned(x),
            None => x,
        }
    }

    /// `ln` of the volume of a unit of all positions.
    fn log_volume(&self) -> f64 {
        self.units.as_ref().map_or(0.0, |units| self.flow.n_visible as f64 * units.scale.ln())
    }
}

/// The transformation with new weights.
fn init(config: &CanonicalRun, device: &Device) -> Result<CanonicalFlow> {
    config.model.flow.init(device, &mut Noise::new(config.seed, "init")).or_usage_at("model")
}

/// How metrics are made of draws of phase space: `ln Z` of the positions is that of phase space less `n/2 ln 2π`.
fn report(target: &SymmetrizedTarget) -> FreeEnergyReport {
    let mut report = target.report();
    report.free_energy.log_z_offset -= 0.5 * report.free_energy.n_sites as f64 * std::f64::consts::TAU.ln();
    report
}

/// Draws of phase space by which a transformation is measured. `see` receives each batch of points `[batch, 2n]`.
fn draws(
    model: &CanonicalFlow,
    density: &TargetDensity,
    n: usize,
    noise: &mut Noise,
    see: impl FnMut(&Tensor<2>),
) -> Draws {
    Draws::from_model(model, &PhaseSpace { energy: density.clone() }, n, AT_ONCE, noise, see)
}

impl CanonicalExperiment {
    /// The frequencies of particles of mass 1, ascending. At `β` the transformation learns `β E`, whose frequencies are `√β` times
    /// as large. Those of data have `kT = 1`.
    fn frequencies(&self) -> Vec<f64> {
        let model = &self.config.model;
        let beta = model.system.as_ref().and_then(|system| system.beta).unwrap_or(1.0);
        let scale = model.units.as_ref().map_or(1.0, |units| units.scale);
        let all = self.model.frequencies();
        self.model.slowest().into_iter().map(|k| all[k] / (beta.sqrt() * scale)).collect()
    }

    /// Positions `[n, D]` of points of phase space.
    fn positions(&self, x: Tensor<2>) -> Tensor<2> {
        let y = x.narrow(1, 0, self.model.n_positions());
        match &self.config.model.units {
            Some(units) => units.of_data(y),
            None => y,
        }
    }

    /// `n` draws of positions `[n, D]`, row by row.
    fn draw(&self, n: usize, noise: &mut Noise) -> Vec<f32> {
        self.in_blocks(n, |n| self.model.sample(n, noise))
    }

    /// Positions `[n, D]`, row by row, of points of phase space that `draw` makes, some at once.
    fn in_blocks(&self, n: usize, mut draw: impl FnMut(usize) -> Tensor<2>) -> Vec<f32> {
        let blocks = (0..n).step_by(AT_ONCE).map(|start| AT_ONCE.min(n - start));
        blocks.flat_map(|n| host(self.positions(draw(n)))).collect()
    }

    /// Some draws of positions, as the transformation learns them, from a stream of noise.
    fn resting(&self, stream: &str) -> Tensor<2> {
        halves(self.model.sample(RESTING, &mut Noise::new(self.config.seed, stream))).0
    }

    /// The coordinates of the oscillators, the slowest first.
    fn coordinates(&self) -> Vec<CollectiveCoordinate> {
        let q = self.resting("rest");
        self.model.slowest().into_iter().map(|k| self.model.coordinate(k, q.clone())).collect()
    }
}

fn default_momenta() -> usize {
    100
}
