//! Canonical transformations on the command line: continuous Hamiltonians as independent harmonic oscillators.

mod evaluate;
mod pictures;

use std::sync::Arc;

use gibbs_core::{
    symmetry::SymmetryGroup,
    variational::{Draws, PathGradientObjective},
};
use gibbs_flow::{CanonicalConfig, CanonicalFlow, symplectic::PhaseSpace};
use gibbs_physics::system::{ContinuousKind, ContinuousSystemConfig, TargetDensity};

use crate::{
    hamiltonian::{self, HamiltonianTrain},
    prelude::*,
    system::ContinuousArgs,
    variational::{AT_ONCE, FreeEnergyReport, SymmetrizedTarget},
};

/// Steps of a run on a harmonic chain: those that 16 particles need for frequencies within 0.5 %, 10 seconds.
const CHAIN_STEPS: usize = 20_000;

/// The `model` section.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CanonicalModel {
    /// The transformation.
    #[serde(flatten)]
    pub flow: CanonicalConfig,
    /// Number of slowest oscillators whose two variables `encode` keeps; `null` for all.
    pub slowest: Option<usize>,
    /// The Hamiltonian.
    pub system: ContinuousSystemConfig,
}

/// Configuration of a run.
pub type CanonicalRun = RunConfig<CanonicalModel, TrainConfig<HamiltonianTrain>>;

/// A trained transformation with its configuration.
pub struct CanonicalExperiment {
    config: CanonicalRun,
    model: CanonicalFlow,
    target: SymmetrizedTarget,
}

impl Experiment for CanonicalExperiment {
    const NAME: &'static str = "canonical";
    const ABOUT: &'static str = "Canonical transformations: maps of phase space that turn a Hamiltonian into harmonic oscillators, \
        with their frequencies. Slow oscillators are collective coordinates.";
    const EXAMPLES: &'static [&'static str] = &[
        "canonical train runs/modes --model harmonic-chain --particles 16",
        "canonical encode runs/modes --data positions.npy",
    ];
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
    const SHOWN: &'static [&'static str] = &["free_energy"];
    type Model = CanonicalModel;
    type Train = TrainConfig<HamiltonianTrain>;
    type Target = ContinuousSystemConfig;
    type TrainArgs = ContinuousArgs;
    type SampleArgs = NoFlags;
    type Commands = NoCommands;

    fn target(request: &Request) -> Result<Option<ContinuousSystemConfig>> {
        hamiltonian::target_of(request, Self::NAME, ContinuousKind::HarmonicChain)
    }

    fn preset(request: &Request, info: &SourceInfo) -> Result<Settings<Self>> {
        let system = hamiltonian::system_of(request, ContinuousKind::HarmonicChain);
        let is_chain = system.kind == ContinuousKind::HarmonicChain;
        // Linear maps are enough for a quadratic energy.
        let n_layers = if is_chain { 0 } else { request.by_preset([1, 4, 8]) };
        let flow = CanonicalConfig::new(info.width, n_layers)
            .with_n_hidden(request.by_preset([16, 64, 128]))
            .with_points(info.width > 1);
        let steps = request.by_preset([100, if is_chain { CHAIN_STEPS } else { 4000 }, CHAIN_STEPS]);
        let family = HamiltonianTrain {
            steps_per_epoch: 100,
            annealing: if is_chain { 0.0 } else { 0.2 },
            samples: request.by_preset([2000, 20_000, 20_000]),
            valid_samples: 1000,
        };
        let rate = if is_chain { 1e-2 } else { 3e-3 };
        let train = hamiltonian::training(request, (steps, 128, rate), family);
        let model = CanonicalModel { flow, slowest: None, system };
        Ok(Settings { binarization: Binarization::None, model, train })
    }

    fn validate(config: &CanonicalRun, source: &Source<ContinuousSystemConfig>) -> Result<()> {
        let model = &config.model;
        model.flow.validate().or_usage_at("model")?;
        let (n, slowest) = (model.flow.n_visible, model.slowest.unwrap_or(1));
        let reason = format!("must be from 1 to {n}, the number of positions");
        ConfigError::require((1..=n).contains(&slowest), "slowest", slowest, reason).or_usage_at("model")?;
        hamiltonian::validate(&config.train, n, &model.system)?;
        match source {
            // Positions to encode.
            Source::Data(data) => data.test.require_width(n).or_usage(),
            Source::Target(_) => Ok(()),
        }
    }

    fn task<'a>(
        config: &'a CanonicalRun,
        _: &'a Source<ContinuousSystemConfig>,
        device: &Device,
    ) -> Task<'a> {
        let (train, seed) = (&config.train, config.seed);
        let target = hamiltonian::target(&config.model.system)?;
        let report = report(&target);
        let objective = PathGradientObjective {
            energy: PhaseSpace { energy: target.density.clone() },
            group: Arc::new(SymmetryGroup::trivial(2 * config.model.flow.n_visible)),
            free_energy: report.free_energy,
            annealing: train.family.annealing,
            n_draws: train.batch_size,
        };
        let n = train.family.valid_samples;
        let noise = StepNoise::each_step(seed, "draws");
        let learner = Learner::new(init(config, device)?, objective, &train.learner, noise)
            .or_usage_at("train")?
            .on_batches(NoData { steps_per_epoch: train.family.steps_per_epoch, device: device.clone() })
            .validate(move |model: &CanonicalFlow, at| {
                let noise = &mut Noise::new(seed, format!("valid/{}", at.step));
                let draws = draws(model, &target.density, n, noise, |_| ());
                Ok(Some(Validation { metrics: report.metrics(&draws), score: None }))
            });
        Ok(Box::new(learner))
    }

    fn load(config: &CanonicalRun, bytes: &[u8], device: &Device) -> Result<Self> {
        let model = weights::from_bytes(init(config, device)?, bytes).or_usage()?;
        Ok(Self { config: config.clone(), model, target: hamiltonian::target(&config.model.system)? })
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
    /// as large.
    fn frequencies(&self) -> Vec<f64> {
        let scale = self.config.model.system.beta.unwrap_or(1.0).sqrt().recip();
        let all = self.model.frequencies();
        self.model.slowest().into_iter().map(|k| scale * all[k]).collect()
    }

    /// `n` draws of positions `[n, D]`, row by row.
    fn draw(&self, n: usize, noise: &mut Noise) -> Vec<f32> {
        let width = self.model.n_positions();
        let mut positions = Vec::with_capacity(n * width);
        draws(&self.model, &self.target.density, n, noise, |x| {
            positions.extend(host(x.clone().narrow(1, 0, width)));
        });
        positions
    }
}
