//! Metrics of a trained network.

use gibbs_autoregressive::{Autoregressive, AutoregressiveConfig};
use gibbs_core::{
    LogProb,
    variational::{Draws, FreeEnergy},
};
use gibbs_data::Kind;
use gibbs_physics::{
    monte_carlo::{Measurements, Observation},
    system::SpinSystemConfig,
};

use super::{SpinModel, SpinValues, VanExperiment, pictures};
use crate::{
    prelude::*,
    shards,
    source::rows,
    system,
    variational::{AT_ONCE, DrawBlocks, FreeEnergyReport, add_sampling},
};

/// Examples whose probabilities are computed at once.
pub(super) const ROWS: usize = 1000;

/// Images under the symmetries that are computed when a model is measured, unless its settings give a number of draws: seconds
/// of dense layers, and of convolutions, which cost about ten times as much.
const IMAGES: usize = 10_000_000;
const IMAGES_OF_CONVOLUTIONS: usize = 1_000_000;

/// Examples that are read at once.
const BLOCK: usize = 4096;

/// A set of spins -1 and +1, or 0 and 1, as bits.
///
/// # Errors
/// Any other value.
pub(super) fn bits(set: &Dataset) -> Result<Dataset> {
    let mut bits = Vec::with_capacity(set.len() * set.width());
    for (block, rows) in rows(set).chunks(BLOCK).enumerate() {
        for (i, value) in set.values(rows).into_iter().enumerate() {
            bits.push(match value {
                1.0 => 1,
                0.0 | -1.0 => 0,
                _ => {
                    refuse!(
                        "{}: example {} has the value {value:?}; spins are -1 and +1, or 0 and 1 (take `made` for \
                         anything else, or data.binarization)",
                        set.name(),
                        block * BLOCK + i / set.width()
                    );
                }
            });
        }
    }
    Dataset::from_bytes(set.name(), bits, set.shape(), None).or_usage()
}

/// `ln q` of the examples of a set of bits.
pub(super) fn log_probs(model: &SpinModel, data: &Dataset, device: &Device) -> Vec<f64> {
    let log_prob = |rows: &[usize]| to_host(model.log_prob(data.tensor(rows, device) * 2.0 - 1.0));
    rows(data).chunks(ROWS).flat_map(log_prob).collect()
}

/// How metrics are made of draws at an inverse temperature.
pub(super) fn report(
    n_sites: usize,
    beta: f64,
    model: &SpinModel,
    exact: Option<(f64, &'static str)>,
) -> FreeEnergyReport {
    let free_energy = FreeEnergy { n_sites, beta, log_z_offset: 0.0 };
    FreeEnergyReport { free_energy, unit: "J", symmetries: model.group().order(), exact }
}

impl Trained for VanExperiment {
    /// Free energies of the target, or the log-likelihood of data.
    fn evaluate(&self, on: &Measurement<SpinSystemConfig>) -> Result<Evaluation> {
        if let Source::Target(system) = on.source {
            return free_energies(self, system, on);
        }
        let (sets, model, mut evaluation) = (on.sets()?, self.model(), Evaluation::default());
        sets.iter().try_for_each(|set| set.require_width(self.network.n_visible())).or_usage()?;
        let each = sets.iter().flat_map(|set| log_probs(&model, set, &self.device)).collect();
        evaluation.add_log_prob(each, gibbs_core::Kind::Exact, &self.config.density());
        evaluation.note("log_prob", "binarization", self.config.binarization());
        Ok(evaluation)
    }

    /// Draws for the target.
    fn blocks<'a>(&'a self, on: &Measurement<SpinSystemConfig>) -> Result<Option<Box<dyn Blocks + 'a>>> {
        Ok(match on.source {
            Source::Target(system) => Some(Box::new(self.measured(system)?)),
            Source::Data(_) => None,
        })
    }

    fn look(&self) -> Look {
        match self.config.model.system.as_ref().and_then(|system| system::build(system).ok()) {
            Some(spins) if self.config.data.is_none() => Look::of(&spins.shape(), Kind::Binary),
            _ => self.config.look(self.network.n_visible(), Kind::Binary),
        }
    }

    fn sample(&self, args: &cli::Sample, _: &NoFlags, _: &Shared) -> Result<Drawn> {
        let spins = self.draw(args.n(), &mut Noise::new(args.seed, "sample"));
        let bits = system::bits(&spins);
        let values = if self.config.model.values == SpinValues::Bits { bits.clone() } else { spins };
        Ok(Drawn { shown: Some(bits), ..Drawn::new(independent_draws(args.n()), values) })
    }

    fn draw_pictures(&self, source: &Source<SpinSystemConfig>, files: &RunFiles) -> Result<()> {
        pictures::draw(self, source, files)
    }
}

impl VanExperiment {
    /// The draws by which the network is measured: `ln q`, energy and magnetization of each.
    fn measured(&self, system: &SpinSystemConfig) -> Result<impl Blocks + use<>> {
        let (model, spins, beta) = (self.model(), system::build(system)?, system.beta);
        let images = match self.config.model.network {
            AutoregressiveConfig::PixelCnn(_) => IMAGES_OF_CONVOLUTIONS,
            _ => IMAGES,
        };
        let n_draws = self.config.train.family.draws(images, self.group.order());
        Ok(DrawBlocks::new(n_draws, self.config.seed, move |n, noise| {
            let (energy, mut magnetizations) = (spins.at(beta).or_usage()?, Vec::with_capacity(n));
            let draws = Draws::from_model(&model, &energy, n, AT_ONCE, noise, |s| {
                magnetizations.extend(to_host(s.clone().mean_dim(1).squeeze_dim::<1>(1)));
            });
            Ok([draws.log_q(), draws.energy(), &magnetizations].concat())
        }))
    }
}

/// The metrics of the network's draws for its Hamiltonian, with exact values where there are any.
fn free_energies(
    experiment: &VanExperiment,
    system: &SpinSystemConfig,
    on: &Measurement<SpinSystemConfig>,
) -> Result<Evaluation> {
    let [log_q, energy, magnetizations] = shards::columns(&on.values(&experiment.measured(system)?)?);
    let (model, spins, beta) = (experiment.model(), system::build(system)?, system.beta);
    let noise = &mut Noise::new(experiment.config.seed, "eval");
    let draws = Draws::new(log_q, energy);
    let energies: Vec<f64> = draws.energy().iter().map(|energy| energy / beta).collect();
    let sizes: Vec<f64> = magnetizations.iter().map(|m| m.abs()).collect();
    let chain = draws.markov_chain(noise);
    let observe = |i: &usize| Observation { energy: energies[*i], magnetization: magnetizations[*i] };
    let visited = Measurements::new(beta, [chain.held.iter().map(observe).collect()]);
    let exact = spins.reference(beta)?;

    let per_site = |of_system: f64| of_system / spins.n_spins() as f64;
    let log_z = exact.as_ref().map(|exact| (exact.thermodynamics.log_z, exact.method));
    let mut evaluation = Evaluation::default();
    report(spins.n_spins(), beta, &model, log_z).add(&draws, &mut evaluation);
    // The chain of these draws is as good as their weights.
    let weights = draws.spread().unreliable();
    let energy = exact.as_ref().map(|exact| per_site(exact.thermodynamics.energy));
    let magnetization = exact.and_then(|exact| exact.magnetization).map(|m| m.abs);
    let of_chain = [visited.energy(), visited.abs_magnetization()].map(|average| average.estimate);
    let of_draws = [draws.average(&energies), draws.average(&sizes)];
    let observables = [
        ("energy_per_site", "J", per_site(1.0), energy),
        ("abs_magnetization", "per site", 1.0, magnetization),
    ];
    for (((name, unit, scale, exact), drawn), visited) in observables.into_iter().zip(of_draws).zip(of_chain)
    {
        let compared = |estimate: Estimate| {
            let estimate = estimate.affine(scale, 0.0);
            exact.map_or(estimate.clone(), |exact| estimate.compared_with(exact))
        };
        evaluation.add(name, &compared(drawn), unit);
        evaluation.add(&format!("{name}_chain"), &compared(visited.or_unreliable(weights.clone())), unit);
        if let Some(exact) = exact {
            evaluation.add(&format!("{name}_exact"), &Estimate::exact(exact), unit);
        }
    }
    add_sampling(&draws, &chain, &mut evaluation);
    Ok(evaluation)
}
