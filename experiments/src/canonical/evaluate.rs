//! Metrics of a trained transformation, its draws, and positions as slow coordinates.

use gibbs_core::{Bijection, Kind, columns, variational::Draws};
use gibbs_flow::symplectic::joined;
use gibbs_physics::system::{ContinuousSystemConfig, Potential};

use super::{CanonicalExperiment, draws, report};
use crate::{
    prelude::*,
    shards,
    variational::{AT_ONCE, add_weights, block_of_draws},
};

impl Trained for CanonicalExperiment {
    const LATENT: Option<fn(&Self) -> &dyn Latent> = Some(|model| model);

    fn evaluate(&self, on: &Measurement<ContinuousSystemConfig>) -> Result<Evaluation> {
        if let Source::Data(_) = on.source {
            refuse!(
                "--data: the density of positions without momenta is not known; leave it out (canonical encode takes positions)"
            );
        }
        let [log_q, energy] = shards::columns(&on.values(&self.measured())?);
        let (draws, noise) = (Draws::new(log_q, energy), &mut Noise::new(self.config.seed, "eval"));
        let mut evaluation = Evaluation::default();
        report(&self.target).add(&draws, &mut evaluation);
        add_weights(&draws, &draws.markov_chain(noise), &mut evaluation);
        evaluation.per_example = draws.log_weights().to_vec();
        evaluation.add_list("frequencies", &self.frequencies(), Kind::Asymptotic, "of mass 1");
        if let Potential::HarmonicChain(chain) = &self.target.density.potential {
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
        Ok(match on.source {
            Source::Target(_) => Some(Box::new(self.measured())),
            Source::Data(_) => None,
        })
    }

    fn look(&self) -> Look {
        self.target.look()
    }

    fn sample(&self, args: &cli::Sample, _: &NoFlags, _: &Shared) -> Result<Drawn> {
        let draws = self.draw(args.n(), &mut Noise::new(args.seed, "sample"));
        Ok(Drawn::new(independent_draws(args.n()), draws))
    }

    fn draw_pictures(&self, _: &Source<ContinuousSystemConfig>, files: &RunFiles) -> Result<()> {
        super::pictures::draw(self, files)
    }
}

/// Positions at rest as `Q_k` and `P_k` of the slowest oscillators, by ascending frequency, and back with all others at rest. Both are
/// needed: a turn of an oscillator leaves its energy as it is, so training does not determine its phase.
impl Latent for CanonicalExperiment {
    fn widths(&self) -> Vec<usize> {
        vec![2 * self.config.model.slowest.unwrap_or(self.model.n_positions())]
    }

    fn encode(&self, examples: Batch, _: usize) -> Result<Tensor<2>> {
        let rest = examples.x.zeros_like();
        let (z, _) = self.model.forward(joined(examples.x, rest), None);
        Ok(columns::select(z, &self.kept()))
    }

    fn decode(&self, latent: Batch, _: usize) -> Result<Tensor<2>> {
        let (n, kept) = (self.model.n_positions(), self.kept());
        let others: Vec<usize> = (0..2 * n).filter(|k| !kept.contains(k)).collect();
        let [rows, _] = latent.x.dims();
        let rest = Tensor::zeros([rows, others.len()], (&latent.x.device(), latent.x.dtype()));
        let order = columns::inverse(&[kept, others].concat());
        let z = columns::select(Tensor::cat(vec![latent.x, rest], 1), &order);
        Ok(self.model.inverse(z, None).0.narrow(1, 0, n))
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

    /// The draws by which the transformation is measured.
    fn measured(&self) -> MeasuredDraws<'_> {
        let (n, seed) = (self.config.train.family.samples, self.config.seed);
        MeasuredDraws { flow: self, n, noise: Noise::new(seed, "eval") }
    }
}

/// Draws of phase space in blocks: `ln ρ` and `H` of each.
struct MeasuredDraws<'a> {
    flow: &'a CanonicalExperiment,
    n: usize,
    noise: Noise,
}

impl Blocks for MeasuredDraws<'_> {
    fn what(&self) -> &'static str {
        "draws"
    }

    fn n(&self) -> usize {
        self.n.div_ceil(AT_ONCE)
    }

    fn values(&self, block: usize) -> Result<Vec<f64>> {
        let (n, mut noise) = block_of_draws(self.n, &self.noise, block);
        let CanonicalExperiment { model, target, .. } = self.flow;
        let draws = draws(model, &target.density, n, &mut noise, |_| ());
        Ok([draws.log_q(), draws.energy()].concat())
    }
}
