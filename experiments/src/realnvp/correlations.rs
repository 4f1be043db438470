//! How much of the correlations of a Hamiltonian a flow takes away: those of its fields, and those of their latents.

use std::f64::consts::PI;

use gibbs_core::{Bijection, Estimate, Kind};
use gibbs_flow::correlations;
use gibbs_report::HeatMap;

use super::RealNvpExperiment;
use crate::{pictures::host, prelude::*, variational::SymmetrizedTarget};

/// Measurements of which one is kept.
const THIN: usize = 4;

/// Correlations at the bright end of the pictures.
const BRIGHTEST: f64 = 0.5;

/// Fields of a Markov chain.
#[derive(Default)]
pub(super) struct Fields {
    kept: Vec<Tensor<2>>,
    seen: usize,
}

impl Fields {
    /// Adds the fields `[chains, N]` of a measurement, of which some are kept.
    pub(super) fn add(&mut self, x: &Tensor<2>) {
        if self.seen.is_multiple_of(THIN) {
            self.kept.push(x.clone());
        }
        self.seen += 1;
    }

    /// The correlations of the fields and of their latents. Fields with a negative mean are negated where that is a symmetry, as the flow
    /// is one half of the distribution.
    pub(super) fn correlations(self, flow: &RealNvpExperiment, target: &SymmetrizedTarget) -> Correlations {
        let x = Tensor::cat(self.kept, 0);
        let [n, width] = x.dims();
        let is_even = target.group.elements().iter().any(|element| element.negates());
        let half = if is_even { x.clone() * x.clone().mean_dim(1).sign() } else { x.clone() };
        let z = flow.model.model.forward(half, None).0;
        let [of_fields, of_latents] = [x, z].map(|values| host(correlations(values)));
        Correlations { n, width, of_fields, of_latents }
    }
}

/// Matrices of correlation coefficients.
pub(super) struct Correlations {
    n: usize,
    width: usize,
    of_fields: Vec<f32>,
    of_latents: Vec<f32>,
}

impl Correlations {
    /// The mean magnitude of the coefficients of different variables.
    fn mean(&self, matrix: &[f32]) -> f64 {
        let sum: f64 = matrix.iter().map(|r| f64::from(r.abs())).sum();
        (sum - self.width as f64) / (self.width * (self.width - 1)) as f64
    }

    /// What independent variables would show for as many independent fields: `√(2/πn)`.
    fn of_noise(&self) -> f64 {
        (2.0 / (PI * self.n as f64)).sqrt()
    }

    /// Both means, with what noise alone would show.
    pub(super) fn metrics(&self) -> Evaluation {
        let mut evaluation = Evaluation::default();
        for (name, matrix) in
            [("field_correlation", &self.of_fields), ("latent_correlation", &self.of_latents)]
        {
            let estimate = Estimate::sampled(self.mean(matrix), self.of_noise(), Kind::Asymptotic, self.n);
            evaluation.add(name, &estimate, "mean magnitude");
            evaluation.note(name, "of_independent_variables", self.of_noise());
        }
        evaluation
    }

    /// The magnitudes of all coefficients.
    pub(super) fn figure(&self) -> Figure {
        let of = |title: &str, matrix: &[f32]| {
            let magnitudes: Vec<f32> = matrix.iter().map(|r| r.abs()).collect();
            let side = (0.0, self.width as f64);
            let map = HeatMap::new(&magnitudes, (self.width, self.width), side, side).limits(0.0, BRIGHTEST);
            let title = format!("{title}: mean |correlation| {:.3}", self.mean(matrix));
            Panel::new(Axis::new("variable")).x_axis(Axis::new("variable")).title(title).equal().heat_map(map)
        };
        let figure = Figure::new(Axis::new("variable")).columns(2).width(1100);
        figure.panel(of("fields", &self.of_fields)).panel(of("latents", &self.of_latents))
    }
}
