//! Metrics of a trained flow, and its draws.

use gibbs_core::{Kind, variational::Draws};
use gibbs_physics::{
    continuous::DoubleWell,
    system::{ContinuousSystemConfig, Potential},
};

use super::{SnfExperiment, profile};
use crate::{
    prelude::*,
    shards,
    variational::{AT_ONCE, DrawBlocks, add_weights},
};

impl Trained for SnfExperiment {
    fn evaluate(&self, on: &Measurement<ContinuousSystemConfig>) -> Result<Evaluation> {
        let [log_q, energy, first] = shards::columns(&on.values(&self.measured())?);
        let (draws, noise) = (Draws::new(log_q, energy), &mut Noise::new(self.config.seed, "eval"));
        let mut evaluation = Evaluation::default();
        self.target.report().add(&draws, &mut evaluation);
        add_weights(&draws, &draws.markov_chain(noise), &mut evaluation);
        evaluation.per_example = draws.log_weights().to_vec();
        if let Potential::DoubleWell(wells) = &self.target.density.potential {
            add_wells(wells, &draws, &first, &mut evaluation);
        }
        Ok(evaluation)
    }

    fn blocks<'a>(&'a self, _: &Measurement<ContinuousSystemConfig>) -> Result<Option<Box<dyn Blocks + 'a>>> {
        Ok(Some(Box::new(self.measured())))
    }

    fn look(&self) -> Look {
        self.target.look()
    }

    fn sample(&self, args: &cli::Sample, _: &NoFlags, _: &Shared) -> Result<Drawn> {
        let draws = self.draw(args.n(), &mut Noise::new(args.seed, "sample")).0;
        Ok(Drawn::new(format!("ends of {} paths", args.n()), draws))
    }

    fn draw_pictures(&self, _: &Source<ContinuousSystemConfig>, files: &RunFiles) -> Result<()> {
        super::pictures::draw(self, files)
    }
}

impl SnfExperiment {
    /// The ends `[n, D]` of paths, row by row, and their weights.
    pub(super) fn draw(&self, n: usize, noise: &mut Noise) -> (Vec<f32>, Draws) {
        let mut ends = Vec::with_capacity(n * self.target.density.n_variables());
        let draws = self.model.draws(&self.target.density, [n, AT_ONCE], noise, |x| {
            ends.extend(host(x.clone()));
        });
        (ends, draws)
    }

    /// The paths by which the flow is measured: `log_q`, the energy and the first variable of each.
    fn measured(&self) -> impl Blocks + use<'_> {
        DrawBlocks::new(self.config.train.family.samples, self.config.seed, |n, noise| {
            let (ends, draws) = self.draw(n, noise);
            let first: Vec<f64> = ends.chunks(ends.len() / n).map(|x| f64::from(x[0])).collect();
            Ok([draws.log_q(), draws.energy(), &first].concat())
        })
    }
}

/// Adds the free-energy difference of the wells, and the error of the profile along `x_1`.
fn add_wells(wells: &DoubleWell, draws: &Draws, first: &[f64], evaluation: &mut Evaluation) {
    if let (Some(top), Some(exact)) = (wells.top(), wells.difference()) {
        let is_left: Vec<f64> = first.iter().map(|x| f64::from(u8::from(*x < top))).collect();
        let (name, unweighted) = ("free_energy_difference", log_odds(mean(&is_left)));
        evaluation.add(name, &difference(draws, &is_left).compared_with(exact), "kT");
        evaluation.note(name, "unweighted", unweighted);
        evaluation.add("free_energy_difference_exact", &Estimate::exact(exact), "kT");
        evaluation.note("free_energy_difference_exact", "method", "quadrature");
    }
    if let Some(error) = profile::error(wells, draws, first) {
        let estimate = Estimate::sampled(error.total(), error.std_err(), Kind::Asymptotic, draws.len());
        evaluation.add("profile_error", &estimate, "kT");
        evaluation.note("profile_error", "bias", error.bias);
        evaluation.note("profile_error", "std", error.std);
    }
}

/// `F_right - F_left = ln (p_left / p_right)`. Its error is that of `p_left` over `p_left p_right`, to first order.
fn difference(draws: &Draws, is_left: &[f64]) -> Estimate {
    let left = draws.average(is_left);
    let error = left.std_err / (left.value * (1.0 - left.value));
    let estimate = Estimate::sampled(log_odds(left.value), error, Kind::Asymptotic, draws.len());
    draws.spread().describe(estimate)
}

fn log_odds(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}
