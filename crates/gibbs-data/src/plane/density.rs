//! The exact densities of the sets in the plane.

use std::f64::consts::TAU;

use rayon::prelude::*;

use super::parameters::*;
use super::{Plane, arm_turns, eight_center, moon_point, spiral_point, turn};
use crate::KnownDensity;

/// The exact density of a set in the plane.
///
/// Eight Gaussians, rings, checkerboard and pinwheel have closed forms. Moons and spirals are normal distributions whose
/// center moves along a curve: the density is an integral along the curve. Gauss-Legendre quadrature in pieces of a few
/// standard deviations computes it with a relative error below 1e-9 where the density is not negligible.
#[derive(Clone, Debug)]
pub struct PlaneDensity {
    set: Plane,
    mixture: Mixture,
}

impl PlaneDensity {
    /// The density of `set`.
    pub fn new(set: Plane) -> Self {
        let mixture = match set {
            Plane::EightGaussians => {
                Mixture { sigma: EIGHT_SIGMA, parts: (0..8).map(|k| (eight_center(k), 0.125)).collect() }
            }
            Plane::Moons => Mixture::of_curves(MOON_SIGMA, 16, moon_point, |_| 1.0),
            // w² is uniform, so w has the density 2w.
            Plane::Spirals => Mixture::of_curves(SPIRAL_SIGMA, 64, spiral_point, |w| 2.0 * w),
            _ => Mixture { sigma: 1.0, parts: Vec::new() },
        };
        Self { set, mixture }
    }

    fn log_density(&self, point: [f64; 2]) -> f64 {
        let [x, y] = point;
        let distance = (x * x + y * y).sqrt();
        match self.set {
            Plane::Moons | Plane::EightGaussians | Plane::Spirals => self.mixture.log_density(point),
            Plane::Rings => {
                let radial = RINGS.into_iter().flat_map(|radius| [distance - radius, distance + radius]);
                let terms = radial.map(|deviation| log_normal(deviation, RING_SIGMA));
                log_sum_exp(terms) - (RINGS.len() as f64 * TAU * distance).ln()
            }
            Plane::Checkerboard => {
                let square = |x: f64| ((x + BOARD) / SQUARE).floor();
                let inside = [x, y].iter().all(|x| (-BOARD..BOARD).contains(x));
                if inside && (square(x) + square(y)) % 2.0 == 0.0 {
                    -(8.0 * SQUARE * SQUARE).ln()
                } else {
                    f64::NEG_INFINITY
                }
            }
            Plane::Pinwheel => {
                let arms = (0..ARMS).map(|arm| {
                    let [along, across] = turn(point, -arm_turns(arm, point));
                    log_normal(along - ARM_REACH, ARM_SIGMAS[0]) + log_normal(across, ARM_SIGMAS[1])
                });
                log_sum_exp(arms) - (ARMS as f64).ln()
            }
        }
    }

    /// Half the side of a square around the origin with all but 1e-12 of the mass, and half the length of the finest detail.
    fn scales(&self) -> (f64, f64) {
        match self.set {
            Plane::Moons => (5.0, MOON_SIGMA / 2.0),
            Plane::Rings => (4.0, RING_SIGMA / 2.0),
            Plane::Checkerboard => (BOARD, SQUARE),
            Plane::EightGaussians => (5.5, EIGHT_SIGMA / 2.0),
            Plane::Pinwheel => (7.0, ARM_SIGMAS[1] / 4.0),
            Plane::Spirals => (4.2, SPIRAL_SIGMA / 2.0),
        }
    }

    /// `-∫ p ln p` by the midpoint rule with `step`. For smooth densities it converges faster than any power of `step`.
    pub(super) fn entropy_with(&self, half_width: f64, step: f64) -> f64 {
        let n = (2.0 * half_width / step).ceil() as usize;
        let coordinate = |k: usize| (k as f64 + 0.5) * step - 0.5 * step * n as f64;
        let column = |i: usize| {
            let terms = (0..n).map(|j| {
                let log_p = self.log_density([coordinate(i), coordinate(j)]);
                if log_p == f64::NEG_INFINITY { 0.0 } else { -log_p.exp() * log_p }
            });
            terms.sum::<f64>()
        };
        let columns: Vec<f64> = (0..n).into_par_iter().map(column).collect();
        columns.iter().sum::<f64>() * step * step
    }
}

impl KnownDensity for PlaneDensity {
    fn log_prob(&self, x: &[f32]) -> f64 {
        assert_eq!(x.len(), 2, "a point in the plane has 2 coordinates, not {}", x.len());
        self.log_density([f64::from(x[0]), f64::from(x[1])])
    }

    /// Integrates over a fine grid. The error is 1e-6 nats; the computation takes up to a second.
    fn entropy(&self) -> f64 {
        let (half_width, step) = self.scales();
        self.entropy_with(half_width, step)
    }
}

/// Normal distributions with the same standard deviation: centers and weights.
#[derive(Clone, Debug)]
struct Mixture {
    sigma: f64,
    parts: Vec<([f64; 2], f64)>,
}

impl Mixture {
    /// Two equally likely curves `curve(k, t)`, where `t` in `[0, 1]` has the density `density`.
    fn of_curves(
        sigma: f64,
        pieces: usize,
        curve: impl Fn(usize, f64) -> [f64; 2],
        density: impl Fn(f64) -> f64,
    ) -> Self {
        /// Nodes in `[0, 1]` and weights of the Gauss-Legendre rule with 5 points (Abramowitz and Stegun, table 25.4).
        const RULE: [(f64, f64); 5] = [
            (0.5, 0.284_444_444_444_444_44),
            (0.230_765_344_947_158_45, 0.239_314_335_249_683_23),
            (0.769_234_655_052_841_5, 0.239_314_335_249_683_23),
            (0.046_910_077_030_668, 0.118_463_442_528_094_54),
            (0.953_089_922_969_332, 0.118_463_442_528_094_54),
        ];
        let width = 1.0 / pieces as f64;
        let mut parts = Vec::with_capacity(2 * RULE.len() * pieces);
        for k in 0..2 {
            for piece in 0..pieces {
                for (node, weight) in RULE {
                    let t = (piece as f64 + node) * width;
                    parts.push((curve(k, t), 0.5 * weight * width * density(t)));
                }
            }
        }
        Self { sigma, parts }
    }

    fn log_density(&self, [x, y]: [f64; 2]) -> f64 {
        let variance = self.sigma * self.sigma;
        let terms = self
            .parts
            .iter()
            .map(|([a, b], weight)| weight.ln() - 0.5 * ((x - a) * (x - a) + (y - b) * (y - b)) / variance);
        log_sum_exp(terms) - (TAU * variance).ln()
    }
}

/// Log density of `N(0, sigma)` at `deviation`.
fn log_normal(deviation: f64, sigma: f64) -> f64 {
    let z = deviation / sigma;
    -0.5 * z * z - (TAU.sqrt() * sigma).ln()
}

fn log_sum_exp(terms: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = terms.clone().fold(f64::NEG_INFINITY, f64::max);
    largest + terms.map(|term| (term - largest).exp()).sum::<f64>().ln()
}
