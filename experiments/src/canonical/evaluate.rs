//! Metrics of a trained transformation, its draws, and positions as slow coordinates.

use gibbs_core::{
    Bijection, Kind, Sample, columns,
    math::{log_mean_exp, repeat_rows},
    rank_correlation,
    symmetry::SymmetryGroup,
    variational::Draws,
};
use gibbs_flow::{
    LatentHmc,
    symplectic::{CollectiveCoordinate, joined},
};
use gibbs_physics::system::{ContinuousSystemConfig, Potential};

use super::{CanonicalExperiment, CanonicalSampleArgs, draws, report};
use crate::{
    prelude::*,
    shards,
    source::spread,
    variational::{DrawBlocks, SymmetrizedTarget, add_weights},
};

/// Chains whose ends are positions of the Hamiltonian, and their trajectories from draws of the transformation.
const CHAINS: usize = 1000;
const TRAJECTORIES: usize = 300;
const LEAPFROG: usize = 10;

/// Weights of positions that are computed at once.
const WEIGHTS: usize = 20_000;

/// Seconds for a weight and a parameter of the transformation on 2 cores: `canonical eval` of 16,000 rows of two positions with 100 momenta
/// and 4130 parameters takes 6 seconds.
const SECONDS_PER_PARAMETER: f64 = 1e-9;

impl Trained for CanonicalExperiment {
    const LATENT: Option<fn(&Self) -> &dyn Latent> = Some(|model| model);

    fn evaluate(&self, on: &Measurement<ContinuousSystemConfig>) -> Result<Evaluation> {
        let mut evaluation = match (on.source, &self.target) {
            (Source::Target(_), Some(target)) => {
                let [log_q, energy] = shards::columns(&on.values(&self.measured(target))?);
                self.on_hamiltonian(target, &Draws::new(log_q, energy))
            }
            _ => self.on_positions(on)?,
        };
        evaluation.add_list("frequencies", &self.frequencies(), Kind::Asymptotic, "of mass 1");
        if let Some(Potential::HarmonicChain(chain)) = self.potential() {
            let exact = chain.frequencies();
            let worst = |(found, exact): (f64, &f64)| (found / exact - 1.0).abs();
            let error = self.frequencies().into_iter().zip(&exact).map(worst).fold(0.0, f64::max);
            evaluation.add_list("frequencies_exact", &exact, Kind::Exact, "of mass 1");
            evaluation.add("frequency_error", &Estimate::exact(error), "largest relative one");
        }
        Ok(evaluation)
    }

    fn blocks<'a>(
        &'a self,
        on: &Measurement<ContinuousSystemConfig>,
    ) -> Result<Option<Box<dyn Blocks + 'a>>> {
        Ok(match (on.source, &self.target) {
            (Source::Target(_), Some(target)) => Some(Box::new(self.measured(target))),
            _ => None,
        })
    }

    fn look(&self) -> Look {
        let of_data = || self.config.look(self.model.n_positions(), gibbs_data::Kind::Real);
        self.target.as_ref().map_or_else(of_data, SymmetrizedTarget::look)
    }

    fn sample(&self, args: &cli::Sample, flags: &CanonicalSampleArgs, _: &Shared) -> Result<Drawn> {
        let (n, noise) = (args.n(), &mut Noise::new(args.seed, "sample"));
        let Some(value) = flags.slow else {
            return Ok(Drawn::new(independent_draws(n), self.draw(n, noise)));
        };
        require!(value.is_finite(), "--slow {value}: must be finite");
        let (coordinates, k) = (self.coordinates(), flags.oscillator);
        require!(
            (1..=coordinates.len()).contains(&k),
            "--oscillator {k}: there are {} oscillators; 1 is the slowest",
            coordinates.len()
        );
        let draws = self.in_blocks(n, |n| self.model.sample_along(coordinates[k - 1], value, n, noise));
        Ok(Drawn::new(format!("{n} draws with oscillator {k} at {value} standard deviations"), draws))
    }

    fn draw_pictures(&self, source: &Source<ContinuousSystemConfig>, files: &RunFiles) -> Result<()> {
        super::pictures::draw(self, source, files)
    }
}

/// Positions at rest as `Q_k` and `P_k` of the slowest oscillators, by ascending frequency, and back with all others at rest. Both are
/// needed: a turn of an oscillator leaves its energy as it is, so training does not determine its phase.
impl Latent for CanonicalExperiment {
    fn widths(&self) -> Vec<usize> {
        vec![2 * self.config.model.slowest.unwrap_or(self.model.n_positions())]
    }

    fn encode(&self, examples: Batch, _: usize) -> Result<Tensor<2>> {
        let q = self.config.model.learned(examples.x);
        let rest = q.zeros_like();
        let (z, _) = self.model.forward(joined(q, rest), None);
        Ok(columns::select(z, &self.kept()))
    }

    fn decode(&self, latent: Batch, _: usize) -> Result<Tensor<2>> {
        let (n, kept) = (self.model.n_positions(), self.kept());
        let others: Vec<usize> = (0..2 * n).filter(|k| !kept.contains(k)).collect();
        let [rows, _] = latent.x.dims();
        let rest = Tensor::zeros([rows, others.len()], (&latent.x.device(), latent.x.dtype()));
        let order = columns::inverse(&[kept, others].concat());
        let z = columns::select(Tensor::cat(vec![latent.x, rest], 1), &order);
        Ok(self.positions(self.model.inverse(z, None).0))
    }
}

impl CanonicalExperiment {
    /// The variables that `encode` keeps: `Q_k` of the slowest oscillators, the slowest first, then their `P_k`.
    fn kept(&self) -> Vec<usize> {
        let n = self.model.n_positions();
        let slowest = self.model.slowest().into_iter().take(self.widths()[0] / 2);
        let positions: Vec<usize> = slowest.collect();
        positions.iter().copied().chain(positions.iter().map(|k| k + n)).collect()
    }

    /// The draws of phase space by which the transformation is measured: `ln ρ` and `H` of each.
    fn measured<'a>(&'a self, target: &'a SymmetrizedTarget) -> impl Blocks + use<'a> {
        DrawBlocks::new(self.config.train.family.samples, self.config.seed, |n, noise| {
            let draws = draws(&self.model, &target.density, n, noise, |_| ());
            Ok([draws.log_q(), draws.energy()].concat())
        })
    }

    /// The energy of the positions, where the run learned a Hamiltonian.
    pub(super) fn potential(&self) -> Option<&Potential> {
        self.target.as_ref().map(|target| &target.density.potential)
    }

    /// Free energies, and whether the slowest coordinate is the known one.
    fn on_hamiltonian(&self, target: &SymmetrizedTarget, draws: &Draws) -> Evaluation {
        let noise = &mut Noise::new(self.config.seed, "eval");
        let mut evaluation = Evaluation::default();
        report(target).add(draws, &mut evaluation);
        add_weights(draws, &draws.markov_chain(noise), &mut evaluation);
        evaluation.per_example = draws.log_weights().to_vec();
        let slow = self.slow_coordinate(target);
        for (name, of, positions) in [
            ("slow_coordinate_correlation", "its draws", self.resting("metrics")),
            ("slow_coordinate_correlation_hmc", "positions by Hamiltonian Monte Carlo", self.walked(target)),
        ] {
            let [known, learned] = self.slow_values(target, &slow, positions);
            let correlation = rank_correlation(&known, &learned);
            let sign = correlation.value.signum();
            evaluation.add(name, &correlation.affine(sign, 0.0), "of ranks");
            evaluation.note(name, "of", of);
            evaluation.note(name, "with", target.density.slow_coordinate().name());
            evaluation.note(name, "oscillator", slow.number);
        }
        evaluation
    }

    /// The oscillator that follows the known slow coordinate of a Hamiltonian most closely, by the ranks of draws other than those of the
    /// metrics.
    pub(super) fn slow_coordinate(&self, target: &SymmetrizedTarget) -> Slow {
        let coordinates = self.coordinates();
        let slow = |k: usize| Slow { number: k + 1, along: coordinates[k] };
        let correlation = |k: usize| {
            let [known, learned] = self.slow_values(target, &slow(k), self.resting("rest"));
            rank_correlation(&known, &learned).value.abs()
        };
        let each: Vec<f64> = (0..coordinates.len()).map(correlation).collect();
        slow((0..each.len()).max_by(|&a, &b| each[a].total_cmp(&each[b])).unwrap_or(0))
    }

    /// The known slow coordinate of positions at rest, and the learned one. An angle is measured from where the learned one is 0.
    pub(super) fn slow_values(&self, target: &SymmetrizedTarget, slow: &Slow, q: Tensor<2>) -> [Vec<f64>; 2] {
        let origin = to_host(self.positions(self.model.along(slow.along, &[0.0])));
        let known = target.density.slow_coordinate().of(&to_host(q.clone()), &origin);
        [known, to_host(self.model.coordinates(slow.along, q))]
    }

    /// Positions of the Hamiltonian: the ends of chains from draws of the transformation.
    pub(super) fn walked(&self, target: &SymmetrizedTarget) -> Tensor<2> {
        let (n, noise) = (self.model.n_positions(), &mut Noise::new(self.config.seed, "chains"));
        let start = self.model.sample(CHAINS, noise).narrow(1, 0, n);
        let hmc = LatentHmc { measurements: 1, burn_in: TRAJECTORIES, leapfrog: LEAPFROG };
        let mut ends = start.clone();
        let see = |x: &Tensor<2>| {
            ends = x.clone();
            Vec::new()
        };
        hmc.run(None, &target.density.potential, &SymmetryGroup::trivial(n), start, see, noise);
        ends
    }

    /// Lower bounds of the likelihood of positions.
    fn on_positions(&self, on: &Measurement<ContinuousSystemConfig>) -> Result<Evaluation> {
        let (sets, model) = (on.sets()?, &self.config.model);
        sets.iter().try_for_each(|set| set.require_width(self.model.n_positions())).or_usage()?;
        let noise = &mut Noise::new(self.config.seed, "momenta");
        let n: usize = sets.iter().map(|set| set.len()).sum();
        let seconds = (model.momenta * self.model.num_params()) as f64 * SECONDS_PER_PARAMETER;
        let taken = on.work.affordable("examples", n, seconds);
        let (mut bounds, mut weighted) = (Vec::new(), Vec::new());
        for set in &sets {
            let rows = spread(set.len(), set.len() * taken / n);
            for rows in on.work.over(set.name(), rows.chunks((WEIGHTS / model.momenta).max(1))) {
                let q = model.learned(set.tensor(rows, &self.device));
                let log_weights = to_host(self.model.log_weights(repeat_rows(q, model.momenta), noise));
                for log_weights in log_weights.chunks(model.momenta) {
                    bounds.push(mean(log_weights) - model.log_volume());
                    weighted.push(log_mean_exp(log_weights) - model.log_volume());
                }
            }
        }
        let mut evaluation = Evaluation::default();
        evaluation.draws = (taken < n).then_some(bounds.len());
        evaluation.add_mean_of("log_prob_importance_weighted", Kind::LowerBound, &weighted, "nats");
        evaluation.note("log_prob_importance_weighted", "samples", model.momenta);
        evaluation.add_mean_of("log_prob_bound", Kind::LowerBound, &bounds, "nats");
        evaluation.per_example = weighted;
        Ok(evaluation)
    }
}

/// The oscillator that follows a known slow coordinate.
pub(super) struct Slow {
    /// Its number by ascending frequency, from 1.
    pub(super) number: usize,
    /// Its coordinate.
    pub(super) along: CollectiveCoordinate,
}
