//! Settings of an Ising run, its presets, and its samples: a file, or draws from a known system.

use gibbs_data::Split;
use gibbs_physics::{
    Pairwise,
    inverse::{ChainsConfig, InverseConfig, InverseMethod},
    monte_carlo::{DrawSchedule, draw_spins},
    system::{SpinSystemConfig, SpinSystemKind},
};

use super::IsingRun;
use crate::{prelude::*, source::rows, system, usage::check_counts};

/// Spins of a system without a lattice: few enough for exact sums at every step.
const SPINS: usize = 16;

/// What is learned, and from which truth.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IsingModel {
    /// Method that learns the couplings.
    pub kind: InverseMethod,
    /// Spins of the model.
    pub n_spins: usize,
    /// The system that samples are drawn from, where no data are given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<SpinSystemConfig>,
}

/// Learning.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IsingTrain {
    /// Logs and checkpoints.
    #[serde(flatten)]
    pub run: LoopConfig,
    /// Samples to learn from, where no data are given; a tenth as many are drawn for each of valid and test.
    pub samples: usize,
    /// Settings of the methods.
    #[serde(flatten)]
    pub estimator: InverseConfig,
    /// Chains that draw samples from systems of more than 20 spins.
    pub walk: DrawSchedule,
}

impl Length for IsingTrain {
    fn run(&self) -> LoopConfig {
        self.run.clone()
    }
}

/// The default system of a kind.
pub(super) fn default_system(kind: SpinSystemKind) -> SpinSystemConfig {
    let default = SpinSystemConfig::new(kind);
    SpinSystemConfig { n_spins: default.n_spins.map(|_| SPINS), ..default }
}

/// The default system of a kind at the temperature of the samples.
pub(super) fn default_truth(kind: SpinSystemKind) -> SpinSystemConfig {
    SpinSystemConfig { beta: 0.3, ..default_system(kind) }
}

/// The `train` section of a preset.
pub(super) fn train(preset: Preset) -> IsingTrain {
    let default = ChainsConfig::default();
    let (samples, chains, steps) = match preset {
        Preset::Tiny => (2_000, 100, 100),
        Preset::Default => (100_000, default.chains, default.steps),
        Preset::Paper => (1_000_000, default.chains, 10 * default.steps),
    };
    IsingTrain {
        run: LoopConfig { validate_every_epochs: 0, log_every_steps: 10, ..LoopConfig::default() },
        samples,
        estimator: InverseConfig {
            chains: ChainsConfig { chains, steps, ..default },
            ..InverseConfig::default()
        },
        walk: DrawSchedule { chains: 100, burn_in: 1000, every: 10 },
    }
}

/// Checks the settings before learning.
pub(super) fn validate(config: &IsingRun, source: &Source<SpinSystemConfig>) -> Result<()> {
    let (n_spins, train) = (config.model.n_spins, &config.train);
    match source {
        Source::Data(data) => data.train.require_width(n_spins).or_usage()?,
        Source::Target(system) => {
            let found = system::build(system)?.n_spins();
            let reason = format!("the system has {found} spins");
            ConfigError::require(found == n_spins, "model.n_spins", n_spins, reason).or_usage()?;
        }
    }
    require!(
        train.run.epochs == 1,
        "train.epochs = {}: every step uses all samples, so there is 1 epoch; set train.steps or train.max_steps",
        train.run.epochs
    );
    train.estimator.validate().or_usage_at("train")?;
    let walk = train.walk;
    check_counts(&[
        ("train.samples", train.samples),
        ("train.walk.chains", walk.chains),
        ("train.walk.every", walk.every),
    ])
}

/// The spins of a split, row by row: those of the data, or draws from the system. Of draws, valid and test have a tenth of the
/// number of train.
///
/// # Errors
/// Values that are no spins, or a system that cannot be built.
pub(super) fn spins(config: &IsingRun, source: &Source<SpinSystemConfig>, split: Split) -> Result<Vec<i8>> {
    let system = match source {
        Source::Data(data) => return spins_of(data.get(split)),
        Source::Target(system) => system::build(system)?,
    };
    let IsingTrain { samples, walk, .. } = config.train;
    let n = if split == Split::Train { samples } else { samples.div_ceil(10) };
    let truth = system.hamiltonian.scaled(system.config.beta)?;
    let noise = Noise::new(config.seed, "samples").child(split.name());
    Ok(draw_spins(&truth, n, walk, &noise)?.0)
}

/// The couplings that samples were drawn with, `β J` and `β h`; none for data.
pub(super) fn truth(config: &IsingRun) -> Result<Option<Pairwise>> {
    let Some(system) = &config.model.system else { return Ok(None) };
    Ok(Some(system::build(system)?.hamiltonian.scaled(system.beta)?))
}

/// The examples of a set as spins `[n, width]`: 0 and 1 stand for down and up.
///
/// # Errors
/// Other values.
fn spins_of(data: &Dataset) -> Result<Vec<i8>> {
    let values = data.values(&rows(data));
    if data.is_binary() {
        return Ok(values.iter().map(|x| if *x > 0.5 { 1 } else { -1 }).collect());
    }
    match values.iter().position(|x| x.abs() != 1.0) {
        None => Ok(values.iter().map(|x| *x as i8).collect()),
        Some(at) => Err(usage!(
            "{}: value {} of example {} is {}; spins are -1 and +1, or 0 and 1 (data.binarization makes 0 and 1 of grey \
             values)",
            data.name(),
            at % data.width(),
            at / data.width(),
            values[at]
        )),
    }
}
