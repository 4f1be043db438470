//! Settings of an Ising run, its presets, and its samples: a file, or draws from a known system.

use anyhow::Result;
use gibbs_backend::Noise;
use gibbs_data::{Dataset, Splits};
use gibbs_physics::{
    Pairwise,
    inverse::{ChainsConfig, InverseConfig, InverseMethod, Samples},
    monte_carlo::{DrawSchedule, draw_spins},
    system::{SpinSystemConfig, SpinSystemKind},
};
use gibbs_train::training::LoopConfig;
use serde::{Deserialize, Serialize};

use super::IsingRun;
use crate::{
    boltzmann::check_counts,
    cli::{Preset, Shared},
    experiment::Length,
    fault::Fault,
    system::{self, HAMILTONIAN},
};

/// Spins of a system without a lattice: few enough for exact sums at every step.
const SPINS: usize = 16;

/// What is learned, and from which truth.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IsingModel {
    /// Method that learns the couplings.
    pub kind: InverseMethod,
    /// Spins of the model; `null` takes those of the data.
    pub n_spins: Option<usize>,
    /// The system that samples are drawn from, where no data are given.
    pub system: SpinSystemConfig,
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
pub(super) fn system(kind: SpinSystemKind) -> SpinSystemConfig {
    let default = SpinSystemConfig::new(kind);
    SpinSystemConfig { n_spins: default.n_spins.map(|_| SPINS), ..default }
}

/// The default system of a kind at the temperature of the samples.
pub(super) fn truth_of(kind: SpinSystemKind) -> SpinSystemConfig {
    SpinSystemConfig { beta: 0.3, ..system(kind) }
}

/// Settings to start from.
pub(super) fn preset(preset: Preset) -> (IsingModel, IsingTrain) {
    let system = SpinSystemConfig { n_spins: None, ..truth_of(SpinSystemKind::Sk) };
    let model = IsingModel { kind: InverseMethod::PseudoLikelihood, n_spins: None, system };
    let default = ChainsConfig::default();
    let (samples, chains, steps) = match preset {
        Preset::Tiny => (2_000, 100, 100),
        Preset::Default => (100_000, default.chains, default.steps),
        Preset::Paper => (1_000_000, default.chains, 10 * default.steps),
    };
    let train = IsingTrain {
        run: LoopConfig { validate_every_epochs: 0, log_every_steps: 10, ..LoopConfig::default() },
        samples,
        estimator: InverseConfig {
            chains: ChainsConfig { chains, steps, ..default },
            ..InverseConfig::default()
        },
        walk: DrawSchedule { chains: 100, burn_in: 1000, every: 10 },
    };
    (model, train)
}

/// Takes the number of spins from the data, and checks the settings before learning.
pub(super) fn settle(config: &mut IsingRun, data: &Splits) -> Result<()> {
    config.data.shape.get_or_insert_with(|| data.train.shape().to_vec());
    data.train.require_width(*config.model.n_spins.get_or_insert(data.width()))?;
    let train = &config.train;
    if train.run.epochs != 1 {
        return Err(Fault::usage(format!(
            "train.epochs = {}: every step sees all samples, so there is 1 epoch; set train.steps or train.max_steps",
            train.run.epochs
        )));
    }
    train.estimator.validate().map_err(|error| error.within("train"))?;
    check_counts(&[("train.walk.chains", train.walk.chains), ("train.walk.every", train.walk.every)])
}

/// The data of a configuration.
pub(super) fn splits(config: &mut IsingRun, shared: &Shared) -> Result<Splits> {
    if config.data.name != HAMILTONIAN {
        return Ok(gibbs_data::load(&config.data.name, &shared.data_dir)?);
    }
    let kind = config.model.system.kind;
    system::complete(&mut config.model.system, system(kind));
    let system = system::build(&config.model.system)?;
    let truth = system.hamiltonian.scaled(system.config.beta)?;
    let (samples, walk) = (config.train.samples, config.train.walk);
    check_counts(&[("train.samples", samples), ("train.walk.chains", walk.chains)])?;
    let draw = |part: &str, n: usize| -> Result<Dataset> {
        let noise = Noise::new(config.seed, "samples").child(part);
        let (spins, how) = draw_spins(&truth, n, walk, &noise)?;
        let bits = spins.iter().map(|s| u8::from(*s > 0)).collect();
        let name = format!("{}, {part}, {how}", system.config.describe());
        Ok(Dataset::from_bytes(name, bits, &system.shape(), None)?)
    };
    let tenth = samples.div_ceil(10);
    let (train, valid, test) = (draw("train", samples)?, draw("valid", tenth)?, draw("test", tenth)?);
    Ok(Splits { train, valid, test, law: None })
}

/// The couplings that samples were drawn with, `β J` and `β h`; none where data come from a file.
pub(super) fn truth(config: &IsingRun) -> Result<Option<Pairwise>> {
    if config.data.name != HAMILTONIAN {
        return Ok(None);
    }
    Ok(Some(system::build(&config.model.system)?.hamiltonian.scaled(config.model.system.beta)?))
}

/// The examples of a set as spins `[n, width]`: 0 and 1 stand for down and up.
///
/// # Errors
/// Other values.
pub(super) fn spins(data: &Dataset) -> Result<Vec<i8>> {
    let values = data.values(&Vec::from_iter(0..data.len()));
    if data.is_binary() {
        return Ok(values.iter().map(|x| if *x > 0.5 { 1 } else { -1 }).collect());
    }
    match values.iter().position(|x| x.abs() != 1.0) {
        None => Ok(values.iter().map(|x| *x as i8).collect()),
        Some(at) => Err(Fault::usage(format!(
            "{}: value {} of example {} is {}; spins are -1 and +1, or 0 and 1 (data.binarization makes 0 and 1 of grey \
             values)",
            data.name(),
            at % data.width(),
            at / data.width(),
            values[at]
        ))),
    }
}

/// The examples of a set, equal ones merged.
pub(super) fn samples(data: &Dataset) -> Result<Samples> {
    Ok(Samples::new(&spins(data)?, data.width())?)
}
