//! Training and measuring samplers of target densities.

use std::sync::Arc;

use burn::module::ModuleDisplay;
use gibbs_core::{
    Energy, LogProb, Sample,
    preprocess::Preprocessed,
    symmetry::{Symmetrized, SymmetryGroup},
    variational::{Draws, FreeEnergy, MarkovChain, PathGradientObjective},
};
use gibbs_data::Kind;
use gibbs_physics::{
    monte_carlo::TimeAverage,
    system::{ContinuousSystemConfig, TargetDensity},
};

use crate::{prelude::*, preprocessed, system::build_continuous};

/// Fewest and most draws by which a sampler is measured, unless its settings give a number: the error of a mean is then between
/// 1/16 and 1/140 of the spread.
const DRAWS: (usize, usize) = (250, 20_000);

/// Images under the symmetries that are computed when a flow is measured: a minute for those of a lattice.
pub const IMAGES: usize = 1_000_000;

/// Draws whose images under the group pass through the sampler together.
pub const AT_ONCE: usize = 500;

/// Images of an example up to which a sampler can be trained on all of them.
const MOST_IMAGES: usize = 512;

/// The symmetries of the target under which a sampler is averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Symmetrization {
    /// None.
    None,
    /// The reversal of all signs.
    Reversal,
    /// The reversal, and the translations, rotations and reflections of the lattice.
    Lattice,
}

impl Symmetrization {
    /// The default for a system of this shape: all symmetries, unless the fewest draws then have too many images. A hypercubic lattice of
    /// `d` axes has `2^d d!` rotations and reflections, as many translations as sites, and the reversal.
    pub fn of_shape(shape: &[usize]) -> Self {
        let rotations: usize = (1..=shape.len()).map(|axis| 2 * axis).product();
        let images = 2 * rotations * shape.iter().product::<usize>();
        if images * DRAWS.0 <= 2 * IMAGES { Self::Lattice } else { Self::Reversal }
    }
}

/// Training on a target density; meant to be flattened into the `train` section.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct VariationalTrain {
    /// Steps of an epoch where there are no data.
    pub steps_per_epoch: usize,
    /// Fraction of the run over which the inverse temperature rises from zero to its value, in \[0, 1\].
    pub annealing: f64,
    /// Symmetries of the sampler in training. Each image costs as much as a pass.
    pub symmetry: Symmetrization,
    /// Draws by which the trained sampler is measured; `null` takes the fewer the more symmetries it has.
    pub samples: Option<usize>,
    /// Draws of a validation.
    pub valid_samples: usize,
}

impl AsRef<Self> for VariationalTrain {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl VariationalTrain {
    /// With this fraction of the run to anneal in, and these symmetries. A run that starts from the weights of another one is
    /// not annealed.
    pub fn new(request: &Request, annealing: f64, symmetry: Symmetrization) -> Self {
        let annealing = if request.has("from") { 0.0 } else { annealing };
        Self { steps_per_epoch: 100, annealing, symmetry, samples: None, valid_samples: 1000 }
    }

    /// Checks every field, and that a sampler can be trained under a group.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self, group: &SymmetryGroup) -> Result<()> {
        let counts = [
            ("steps_per_epoch", self.steps_per_epoch),
            ("samples", self.samples.unwrap_or(1)),
            ("valid_samples", self.valid_samples),
        ];
        counts
            .into_iter()
            .try_for_each(|(name, n)| ConfigError::at_least(name, n, 1))
            .or_usage_at("train")?;
        let holds = (0.0..=1.0).contains(&self.annealing);
        ConfigError::require(holds, "annealing", self.annealing, "must lie in [0, 1]")
            .or_usage_at("train")?;
        check_images(group)
    }

    /// Draws by which a sampler with this number of symmetries is measured, if `images` images can be computed.
    pub fn draws(&self, images: usize, symmetries: usize) -> usize {
        self.samples.unwrap_or((images / symmetries).clamp(DRAWS.0, DRAWS.1))
    }
}

/// Whether a sampler can be trained under a group.
///
/// # Errors
/// A group with too many images.
pub fn check_images(group: &SymmetryGroup) -> Result<()> {
    let images = group.order();
    require!(
        images <= MOST_IMAGES,
        "train.symmetry: each draw has {images} images, more than {MOST_IMAGES}; take reversal (model.symmetry averages over \
         all of them when the trained model is measured)"
    );
    Ok(())
}

/// Free energies of a system as metrics.
#[derive(Clone, Copy, Debug)]
pub struct FreeEnergyReport {
    /// How `ln Z` becomes a free energy per site.
    pub free_energy: FreeEnergy,
    /// The unit.
    pub unit: &'static str,
    /// Images over which the sampler is averaged.
    pub symmetries: usize,
    /// `ln Z` of the system, and how it is computed, where it is known.
    pub exact: Option<(f64, &'static str)>,
}

impl FreeEnergyReport {
    /// The exact free energy per site, where it is known.
    pub fn exact_per_site(&self) -> Option<Estimate> {
        let of_draws = |log_z: f64| Estimate::exact(log_z - self.free_energy.log_z_offset);
        self.exact.map(|(log_z, _)| self.free_energy.per_site(of_draws(log_z)))
    }

    /// Adds the variational free energy per site, the importance-corrected one, and the exact one with the relative excess of
    /// the bound over it.
    pub fn add(&self, draws: &Draws, evaluation: &mut Evaluation) {
        let per_site = |log_z: Estimate| self.free_energy.per_site(log_z);
        evaluation.add("free_energy_per_site", &per_site(draws.log_z_bound()), self.unit);
        evaluation.note("free_energy_per_site", "symmetries", self.symmetries);
        let corrected = per_site(draws.log_z());
        let corrected = match self.exact_per_site() {
            Some(exact) => corrected.compared_with(exact.value),
            None => corrected,
        };
        evaluation.add("free_energy_corrected", &corrected, self.unit);
        if let (Some((log_z, method)), Some(exact)) = (self.exact, self.exact_per_site()) {
            evaluation.add("free_energy_exact", &exact, self.unit);
            evaluation.note("free_energy_exact", "method", method);
            let excess = (log_z - self.free_energy.log_z_offset) / log_z.abs();
            let excess = draws.log_z_bound().affine(-1.0 / log_z.abs(), excess);
            evaluation.add("relative_excess", &excess, "of the free energy");
        }
    }

    /// The metrics of a validation: both free energies with their errors, and the effective fraction of the draws.
    pub fn metrics(&self, draws: &Draws) -> Metrics {
        let bound = self.free_energy.per_site(draws.log_z_bound());
        let corrected = self.free_energy.per_site(draws.log_z());
        Metrics::new()
            .with("valid_free_energy", bound.value)
            .with("valid_free_energy_std_err", bound.std_err)
            .with("valid_free_energy_corrected", corrected.value)
            .with("valid_free_energy_corrected_std_err", corrected.std_err)
            .with("valid_effective", draws.effective_sample_size().value / draws.len() as f64)
    }

    /// Free energies against epochs, their relative error where the exact value is known, and how well the sampler works.
    pub fn curves(&self, run: &Curves) -> Figure {
        let names = [("upper bound", "valid_free_energy"), ("corrected", "valid_free_energy_corrected")];
        let energies = run.panel(&format!("free energy per site ({})", self.unit), &names);
        let figure = Figure::new(Axis::new("epoch")).columns(2);
        let figure = match self.exact_per_site().map(|exact| exact.value) {
            None => figure.panel(energies),
            Some(exact) => {
                let (epochs, bounds) = run.of("valid_free_energy");
                let excess: Vec<f64> = bounds.iter().map(|bound| (bound - exact) / exact.abs()).collect();
                let excess = Series::new("upper bound", &epochs, &excess);
                let errors = Panel::new(Axis::new("(F - exact F) / |F|").log()).series(excess);
                figure.panel(energies.reference(exact, "exact")).panel(errors)
            }
        };
        let effective = Panel::new(Axis::new("effective fraction of the draws").range(0.0, 1.0));
        figure.panel(run.series("", "valid_effective").into_iter().fold(effective, Panel::series))
    }
}

/// Adds how well draws and their Markov chain sample the target: `ln q`, effective sample size, accepted proposals.
pub fn add_sampling(draws: &Draws, chain: &MarkovChain, evaluation: &mut Evaluation) {
    evaluation.add_mean("log_prob", draws.log_q(), "nats");
    evaluation.note("log_prob", "of", "its draws");
    add_weights(draws, chain, evaluation);
    evaluation.per_example = draws.log_q().to_vec();
}

/// Adds how evenly draws are weighted: effective sample size, accepted proposals of their Markov chain.
pub fn add_weights(draws: &Draws, chain: &MarkovChain, evaluation: &mut Evaluation) {
    evaluation.add("effective_sample_size", &draws.effective_sample_size(), "draws");
    evaluation.note("effective_sample_size", "of", draws.len());
    let acceptance = TimeAverage::mean(std::slice::from_ref(&chain.accepted)).estimate;
    evaluation.add("acceptance", &acceptance.or_unreliable(draws.spread().unreliable()), "of proposals");
    evaluation.draws = Some(draws.len());
}

/// Whether a model has as many variables as its target.
///
/// # Errors
/// Another number.
pub fn require_variables(n_visible: usize, density: &TargetDensity) -> Result<()> {
    let n = density.n_variables();
    ConfigError::require(
        n == n_visible,
        "model.n_visible",
        n_visible,
        format!("the system has {n} variables"),
    )
    .or_usage()
}

/// A sampler in training on a target, by the path gradient on its own draws. Its settings are those of the learner, those of
/// the target, and the number of draws of a step. `import` makes weights of the sampler from the bytes of a file to start from.
///
/// # Errors
/// Settings that are out of range.
pub fn task<'a, M>(
    model: Preprocessed<M>,
    target: SymmetrizedTarget,
    (learner, train, n_draws): (&LearnerConfig, &VariationalTrain, usize),
    seed: u64,
    import: impl Fn(&[u8]) -> Result<Vec<u8>> + 'a,
) -> Task<'a>
where
    M: Module + ModuleDisplay + 'static,
    Preprocessed<M>: Module + LogProb + Sample,
{
    let device = model.devices().first().cloned().unwrap_or_default();
    let objective = PathGradientObjective {
        energy: target.density.clone(),
        group: target.group.clone(),
        free_energy: target.report().free_energy,
        annealing: train.annealing,
        n_draws,
    };
    let n = train.valid_samples;
    let learner = Learner::new(model, objective, learner, StepNoise::each_step(seed, "draws"))
        .or_usage_at("train")?
        .on_batches(NoData { steps_per_epoch: train.steps_per_epoch, device })
        .validate(move |model, at| {
            let noise = &mut Noise::new(seed, format!("valid/{}", at.step));
            let metrics = target.report().metrics(&target.draws(model, n, noise));
            Ok(Some(Validation { metrics, score: None }))
        })
        .export(|model| Ok(preprocessed::to_bytes(model)?))
        .import(move |model, bytes| Ok(preprocessed::from_bytes(model, &import(bytes)?)?));
    Ok(Box::new(learner))
}

/// A continuous target with the symmetries under which a sampler is averaged.
#[derive(Clone, Debug)]
pub struct SymmetrizedTarget {
    /// The density.
    pub density: TargetDensity,
    /// The symmetries.
    pub group: Arc<SymmetryGroup>,
}

/// The symmetries of a target that are asked for.
pub fn group(density: &TargetDensity, symmetrization: Symmetrization) -> SymmetryGroup {
    match symmetrization {
        Symmetrization::None => SymmetryGroup::trivial(density.n_variables()),
        Symmetrization::Reversal => density.group(false),
        Symmetrization::Lattice => density.group(true),
    }
}

impl SymmetrizedTarget {
    /// A density with the symmetries asked for.
    pub fn new(density: TargetDensity, symmetrization: Symmetrization) -> Self {
        let group = Arc::new(group(&density, symmetrization));
        Self { density, group }
    }

    /// The density of the system in a `model` section, if it has one.
    ///
    /// # Errors
    /// Settings that make no density.
    pub fn of(
        system: Option<&ContinuousSystemConfig>,
        symmetrization: Symmetrization,
    ) -> Result<Option<Self>> {
        system.map(|system| Ok(Self::new(build_continuous(system)?, symmetrization))).transpose()
    }

    /// How its variables are shown: as a field on a lattice, else as points.
    pub fn look(&self) -> Look {
        Look::of(&self.density.shape, Kind::Real).of_field("field")
    }

    /// How metrics are made of draws.
    pub fn report(&self) -> FreeEnergyReport {
        let density = &self.density;
        let free_energy = FreeEnergy {
            n_sites: density.n_variables(),
            beta: density.unit.0,
            log_z_offset: density.log_z_offset,
        };
        let (symmetries, exact) = (self.group.order(), density.exact);
        FreeEnergyReport { free_energy, unit: density.unit.1, symmetries, exact }
    }

    /// `ln p(x)` of the target, up to a constant where `ln Z` is not known.
    pub fn log_prob(&self, x: Tensor<2>) -> Tensor<1> {
        -self.density.energy(x) - self.density.exact.map_or(0.0, |(log_z, _)| log_z)
    }

    /// `model` averaged over the group.
    pub fn symmetrized<M>(&self, model: M) -> Symmetrized<M> {
        Symmetrized::new(model, self.group.clone())
    }

    /// Draws of the model with its symmetries.
    pub fn draws<M: LogProb + Sample + Clone>(&self, model: &M, n: usize, noise: &mut Noise) -> Draws {
        Draws::from_model(&self.symmetrized(model.clone()), &self.density, n, AT_ONCE, noise, |_| ())
    }

    /// The draws by which a trained model is measured: `ln q` and the energy of each.
    pub fn blocks<'a, M: LogProb + Sample + Clone>(
        &'a self,
        model: &'a M,
        train: &VariationalTrain,
        seed: u64,
    ) -> impl Blocks + use<'a, M> {
        DrawBlocks::new(train.draws(IMAGES, self.group.order()), seed, move |n, noise| {
            let draws = self.draws(model, n, noise);
            Ok([draws.log_q(), draws.energy()].concat())
        })
    }

    /// The metrics of draws of a model, with exact values where there are any. `noise` is that of the Markov chain of the draws.
    pub fn evaluate(&self, draws: &Draws, noise: &mut Noise) -> Evaluation {
        let mut evaluation = Evaluation::default();
        self.report().add(draws, &mut evaluation);
        add_sampling(draws, &draws.markov_chain(noise), &mut evaluation);
        evaluation
    }
}

/// Draws by which a model is measured, in blocks that do not depend on each other.
pub struct DrawBlocks<F> {
    n_draws: usize,
    noise: Noise,
    values: F,
}

impl<F: Fn(usize, &mut Noise) -> Result<Vec<f64>>> DrawBlocks<F> {
    /// `n_draws` in all. `values(n, noise)` makes `n` draws and returns columns of their values, one column after the other.
    pub fn new(n_draws: usize, seed: u64, values: F) -> Self {
        Self { n_draws, noise: Noise::new(seed, "eval"), values }
    }
}

impl<F: Fn(usize, &mut Noise) -> Result<Vec<f64>>> Blocks for DrawBlocks<F> {
    fn what(&self) -> &'static str {
        "draws"
    }

    fn n(&self) -> usize {
        self.n_draws.div_ceil(AT_ONCE)
    }

    fn values(&self, block: usize) -> Result<Vec<f64>> {
        let n = AT_ONCE.min(self.n_draws - block * AT_ONCE);
        (self.values)(n, &mut self.noise.child(format!("block/{block}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bound is that of the group: 16×16 sites have 4096 images, 32×32 four times as many.
    #[test]
    fn large_lattices_are_averaged_over_the_reversal_alone() {
        let of = |lattice: &str| {
            let system = ContinuousSystemConfig {
                lattice: Some(lattice.into()),
                ..ContinuousSystemConfig::new(gibbs_physics::system::ContinuousKind::DualIsing)
            };
            let density = system.build().unwrap();
            (Symmetrization::of_shape(&density.shape), density.group(true).order())
        };
        assert_eq!(of("16x16"), (Symmetrization::Lattice, 4096));
        assert_eq!(of("32x32"), (Symmetrization::Reversal, 16_384));
    }
}
