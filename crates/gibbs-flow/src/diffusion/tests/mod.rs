//! Diffusion against distributions whose score is known, and what every parametrization must do.

mod bits;
mod bounds;
mod densities;
mod learning;
mod levels;
mod loss;
mod parametrizations;
mod refusals;
mod samplers;
mod schedules;

use burn::{
    module::{Module, Param},
    prelude::*,
    tensor::DType,
};
use gibbs_backend::Noise;
use gibbs_core::{
    math::{LN_SQRT_TAU, log_sum_exp_rows, row_sums, to_host},
    ode::{Method, Solver},
};

use super::{parametrization::column, *};
use crate::continuous::{Trace, Velocity, VelocityField};

/// The kinds of schedules.
const KINDS: [ScheduleKind; 3] = [ScheduleKind::Linear, ScheduleKind::Cosine, ScheduleKind::Straight];

/// The kinds of predictions.
const PREDICTIONS: [Prediction; 5] = [
    Prediction::Noise,
    Prediction::Score,
    Prediction::Velocity,
    Prediction::Data,
    Prediction::StraightVelocity,
];

/// The kinds of coordinates.
const COORDINATES: [Coordinates; 2] = [Coordinates::LogSnr, Coordinates::Straight];

/// Every combination of them.
fn parametrizations() -> impl Iterator<Item = Parametrization> {
    KINDS.into_iter().flat_map(|kind| {
        PREDICTIONS.into_iter().flat_map(move |prediction| {
            COORDINATES.into_iter().map(move |coordinates| {
                Parametrization::new(DiffusionSchedule::new(kind), prediction, coordinates)
            })
        })
    })
}

/// One parametrization of a schedule.
fn usual(schedule: DiffusionSchedule) -> Parametrization {
    Parametrization::new(schedule, Prediction::Velocity, Coordinates::LogSnr)
}

/// A mixture of isotropic normal distributions as a network without error: its score is known at each time.
#[derive(Module, Debug)]
struct Exact {
    means: Param<Tensor<2>>,
    #[module(skip)]
    stds: Vec<f64>,
    #[module(skip)]
    weights: Vec<f64>,
    #[module(skip)]
    parametrization: Parametrization,
}

impl Exact {
    fn new<const D: usize>(components: &[([f64; D], f64, f64)], parametrization: Parametrization) -> Self {
        let means: Vec<f64> = components.iter().flat_map(|component| component.0).collect();
        let means =
            Tensor::from_data(TensorData::new(means, [components.len(), D]), (&Device::flex(), DType::F64));
        Self {
            means: Param::from_tensor(means),
            stds: components.iter().map(|component| component.1).collect(),
            weights: components.iter().map(|component| component.2).collect(),
            parametrization,
        }
    }

    /// Two clouds of different sizes and widths with mean 0.
    fn clouds(parametrization: Parametrization) -> Self {
        Self::new(&[([1.2, -0.6], 0.3, 0.4), ([-0.8, 0.4], 0.5, 0.6)], parametrization)
    }

    /// One normal distribution of two variables with mean 0.
    fn normal(std: f64, parametrization: Parametrization) -> Self {
        Self::new(&[([0.0; 2], std, 1.0)], parametrization)
    }

    /// The model of this network.
    fn model(self) -> Diffusion<Self> {
        let (parametrization, solver) =
            (self.parametrization, Solver::new(Method::Tsitouras).with_tolerance(1e-9));
        Diffusion::new(self, parametrization, solver, Trace::Exact).unwrap()
    }

    /// For each component the logarithm of its weighted density, `[n, 1]`, and its score, `[n, D]`; for points at times of these
    /// coefficients.
    fn components(&self, at: &[Coefficients], x: &Tensor<2>) -> Vec<(Tensor<2>, Tensor<2>)> {
        let width = x.dims()[1] as f64;
        let of_component = |k: usize| {
            let variance = |at: &Coefficients| (at.alpha * self.stds[k]).powi(2) + at.sigma.powi(2);
            let variances = column(at.iter().map(variance), x);
            let mean = self.means.val().narrow(0, k, 1);
            let gap = x.clone() - column(at.iter().map(|at| at.alpha), x) * mean;
            let log_weight = self.weights[k].ln() - width * LN_SQRT_TAU;
            let log_prob = (gap.clone().powi_scalar(2).sum_dim(1) / variances.clone()
                + variances.clone().log() * width)
                * -0.5
                + log_weight;
            (log_prob, gap.neg() / variances)
        };
        (0..self.stds.len()).map(of_component).collect()
    }

    /// `ln p_t(x)`, `[n]`.
    fn log_prob_at(&self, t: f64, x: &Tensor<2>) -> Tensor<1> {
        let at = [self.parametrization.schedule.at(t)];
        let log_probs = self.components(&at, x).into_iter().map(|(log_prob, _)| log_prob).collect();
        log_sum_exp_rows(Tensor::cat(log_probs, 1))
    }

    /// The score, and its derivative along a direction.
    fn score(&self, at: &[Coefficients], x: &Tensor<2>, direction: &Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let components = self.components(at, x);
        let log_probs: Vec<Tensor<2>> = components.iter().map(|(log_prob, _)| log_prob.clone()).collect();
        let total = log_sum_exp_rows(Tensor::cat(log_probs, 1)).unsqueeze_dim::<2>(1);
        let (mut score, mut change) = (x.zeros_like(), x.zeros_like());
        for (k, (log_prob, s)) in components.into_iter().enumerate() {
            let weight = (log_prob - total.clone()).exp();
            let rate = |at: &Coefficients| ((at.alpha * self.stds[k]).powi(2) + at.sigma.powi(2)).recip();
            let rates = column(at.iter().map(rate), x);
            let along = (s.clone() * direction.clone()).sum_dim(1);
            change = change + (s.clone() * along - direction.clone() * rates) * weight.clone();
            score = score + s * weight;
        }
        let along = (score.clone() * direction.clone()).sum_dim(1);
        (score.clone(), change - score * along)
    }

    /// `n` exact draws of `x_t`.
    fn draws(&self, t: f64, n: usize, noise: &mut Noise) -> Tensor<2> {
        let at = self.parametrization.schedule.at(t);
        let means = to_host(self.means.val());
        let width = self.means.dims()[1];
        let values: Vec<f64> = (0..n)
            .flat_map(|_| {
                let mut u = noise.next_uniform();
                let chosen = self.weights.iter().position(|weight| {
                    u -= weight;
                    u < 0.0
                });
                let k = chosen.unwrap_or(self.weights.len() - 1);
                let std = ((at.alpha * self.stds[k]).powi(2) + at.sigma.powi(2)).sqrt();
                let z: Vec<f64> = (0..width).map(|_| noise.next_normal()).collect();
                let mean = &means[k * width..(k + 1) * width];
                mean.iter().zip(z).map(|(m, z)| at.alpha * m + std * z).collect::<Vec<_>>()
            })
            .collect();
        rows(values, width)
    }
}

impl VelocityField for Exact {
    fn n_variables(&self) -> usize {
        self.means.dims()[1]
    }

    fn n_context(&self) -> usize {
        0
    }

    fn velocity<'a>(&'a self, _: Option<&Tensor<2>>) -> Box<dyn Velocity + 'a> {
        Box::new(Ready(self))
    }
}

struct Ready<'a>(&'a Exact);

impl Velocity for Ready<'_> {
    fn at(&self, t: &Tensor<2>, x: Tensor<2>) -> Tensor<2> {
        let none = x.zeros_like();
        self.along(t, x, &none).0
    }

    fn along(&self, t: &Tensor<2>, x: Tensor<2>, direction: &Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let Parametrization { schedule, prediction, coordinates } = self.0.parametrization;
        let [noise, data] = schedule.log_snr_range();
        let at: Vec<Coefficients> = to_host(t.clone())
            .into_iter()
            .map(|t| match coordinates {
                Coordinates::LogSnr => noise + t * (data - noise),
                Coordinates::Straight => 2.0 * (t / (1.0 - t)).ln(),
            })
            .map(|log_snr| schedule.at(schedule.time_of(log_snr)))
            .collect();
        let scale = column(
            at.iter().map(|at| if coordinates == Coordinates::Straight { at.alpha + at.sigma } else { 1.0 }),
            &x,
        );
        let (x, direction) = (x * scale.clone(), direction.clone() * scale);
        let (score, change) = self.0.score(&at, &x, &direction);
        let factors = at.iter().map(|at| Prediction::Score.conversion(prediction, at));
        let factors: Vec<[f64; 2]> = factors.collect();
        let [a, b] = [0, 1].map(|k| column(factors.iter().map(|f| f[k]), &x));
        (x * a.clone() + score * b.clone(), direction * a + change * b)
    }
}

fn rows(values: Vec<f64>, width: usize) -> Tensor<2> {
    let shape = [values.len() / width, width];
    Tensor::from_data(TensorData::new(values, shape), (&Device::flex(), DType::F64))
}

fn normal(name: &str, shape: [usize; 2]) -> Tensor<2> {
    Noise::new(0, name).normal(shape, (&Device::flex(), DType::F64))
}

/// The mean of a function of a variable by the midpoint rule on `cells` cells.
fn average(cells: usize, f: impl Fn(f64) -> f64) -> f64 {
    (0..cells).map(|i| f((i as f64 + 0.5) / cells as f64)).sum::<f64>() / cells as f64
}

#[track_caller]
fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let bound = tolerance * expected.abs().max(1.0);
        assert!((found - expected).abs() <= bound, "{what}: {found} instead of {expected}");
    }
}

/// The squared norm of each row.
fn squares(x: Tensor<2>) -> Tensor<1> {
    row_sums(x.powi_scalar(2))
}
