//! What families share that learn continuous Hamiltonians by settings of their own.

use gibbs_physics::system::{ContinuousKind, ContinuousSystemConfig, TargetDensity};
use gibbs_train::clip::Clip;

use crate::{
    prelude::*,
    system::{build_continuous, continuous_of},
    variational::{Symmetrization, SymmetrizedTarget, require_variables},
};

/// Training on a Hamiltonian without symmetries; meant to be flattened into the `train` section.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct HamiltonianTrain {
    /// Steps of an epoch.
    pub steps_per_epoch: usize,
    /// Fraction of the run over which the inverse temperature rises from zero to its value, in \[0, 1\].
    pub annealing: f64,
    /// Draws by which the trained model is measured.
    pub samples: usize,
    /// Draws of a validation.
    pub valid_samples: usize,
}

impl HamiltonianTrain {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<()> {
        let Self { steps_per_epoch, annealing, samples, valid_samples } = *self;
        [("steps_per_epoch", steps_per_epoch), ("samples", samples), ("valid_samples", valid_samples)]
            .into_iter()
            .try_for_each(|(name, n)| ConfigError::at_least(name, n, 1))
            .or_usage_at("train")?;
        let holds = (0.0..=1.0).contains(&annealing);
        ConfigError::require(holds, "annealing", annealing, "must lie in [0, 1]").or_usage_at("train")
    }
}

/// The system in a request, else `default`.
pub fn system_of(request: &Request, default: ContinuousKind) -> ContinuousSystemConfig {
    continuous_of(request).unwrap_or_else(|| ContinuousSystemConfig::new(default))
}

/// The `train` section of `steps` steps of `batch_size` draws, with the learning rate `rate` after the warm-up.
pub fn training(
    request: &Request,
    (steps, batch_size, rate): (usize, usize, f64),
    family: HamiltonianTrain,
) -> TrainConfig<HamiltonianTrain> {
    let steps_per_epoch = request.or("train.steps_per_epoch", family.steps_per_epoch);
    let annealing = if request.has("from") { 0.0 } else { family.annealing };
    let learner = LearnerConfig {
        average: AverageConfig { decay: 0.999, every: 1 },
        clip: Clip::GlobalNorm { limit: 10.0 },
        ..LearnerConfig::adam(Schedule::cosine(rate, 0.0).with_warmup(100))
    };
    let epochs = request.steps(steps).div_ceil(steps_per_epoch.max(1));
    let run = LoopConfig { epochs, select_best: false, ..LoopConfig::default() };
    TrainConfig { run, batch_size, learner, family: HamiltonianTrain { annealing, ..family } }
}

/// The target of a run, without symmetries.
///
/// # Errors
/// Settings that make no density.
pub fn target(system: &ContinuousSystemConfig) -> Result<SymmetrizedTarget> {
    Ok(SymmetrizedTarget::new(build_continuous(system)?, Symmetrization::None))
}

/// Checks the training, and that a model has as many variables as its system.
///
/// # Errors
/// The first setting that is out of range.
pub fn validate(
    train: &TrainConfig<HamiltonianTrain>,
    n_visible: usize,
    system: &ContinuousSystemConfig,
) -> Result<TargetDensity> {
    train.validate()?;
    train.family.validate()?;
    let density = build_continuous(system)?;
    require_variables(n_visible, &density)?;
    Ok(density)
}
