//! Weights of paths against quadrature and annealed importance sampling; kernels against their stationary densities; gradients.

mod kernels;
mod paths;
mod training;

use burn::{
    prelude::*,
    tensor::{DType, FloatDType},
};
use gibbs_backend::Noise;
use gibbs_core::{Energy, Slope, math::row_sums, math::to_host, params::cast};
use gibbs_testkit::perturbed;

use super::*;
use crate::{Flow, RealNvpConfig, Univariate};

/// Two humps of different heights along `x`, a parabola along `y`: `E = x²/1.2 - ln cosh 1.5 x + 0.3 x + 0.7 y²`. Both tails are those of
/// normal distributions with variances of 0.6 and 0.71, so that weights of paths from `N(0, 1)` and back have variances.
#[derive(Clone, Copy, Debug)]
struct Wells;

/// The energy along `x`.
fn along(x: f64) -> f64 {
    x * x / 1.2 - (1.5 * x).cosh().ln() + 0.3 * x
}

impl Energy for Wells {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let [x, y] = [0, 1].map(|k| x.clone().narrow(1, k, 1));
        let cosh = ((x.clone() * 1.5).exp() + (x.clone() * -1.5).exp()) * 0.5;
        row_sums(x.clone() * x.clone() * (1.0 / 1.2) - cosh.log() + x * 0.3 + y.clone() * y * 0.7)
    }
}

impl Slope for Wells {
    fn slope(&self, x: Tensor<2>) -> Tensor<2> {
        let [x, y] = [0, 1].map(|k| x.clone().narrow(1, k, 1));
        let pull = x.clone() * (2.0 / 1.2) - (x * 1.5).tanh() * 1.5 + 0.3;
        Tensor::cat(vec![pull, y * 1.4], 1)
    }
}

/// Half the width of a cell along `x`, and cells of `[-9, 9]`.
const HALF: f64 = 0.5e-3;

/// Centers of the cells, and the weights `exp(-E)` along `x` there.
fn cells() -> (Vec<f64>, Vec<f64>) {
    let centers: Vec<f64> = (-9000..9000).map(|i| 2.0 * HALF * (f64::from(i) + 0.5)).collect();
    let weights = centers.iter().map(|x| (-along(*x)).exp()).collect();
    (centers, weights)
}

/// `ln Z` by the midpoint rule, whose error for an analytic function that decays at both ends is rounding; `y` in closed form.
fn log_z() -> f64 {
    (cells().1.iter().sum::<f64>() * 2.0 * HALF).ln() + 0.5 * (std::f64::consts::PI / 0.7).ln()
}

/// `⟨f(x)⟩` along `x`.
fn mean(f: impl Fn(f64) -> f64) -> f64 {
    let (centers, weights) = cells();
    let total: f64 = weights.iter().sum();
    centers.iter().zip(&weights).map(|(x, weight)| weight * f(*x)).sum::<f64>() / total
}

/// Independent draws of the target: along `x` by inversion, uniform within a cell.
fn draws(n: usize, noise: &mut Noise) -> Tensor<2> {
    let (centers, weights) = cells();
    let total: f64 = weights.iter().sum();
    let probs: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
    let rows = gibbs_testkit::draw_states(&probs, n, noise).into_iter().flat_map(|cell| {
        let within = (2.0 * noise.next_uniform() - 1.0) * HALF;
        [centers[cell] + within, noise.next_normal() * (1.0f64 / 1.4).sqrt()]
    });
    wide(rows.collect(), [n, 2])
}

fn wide(values: Vec<f64>, shape: [usize; 2]) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values, shape), (&Device::flex(), DType::F64))
}

/// Every kind of kernel with steps that are long enough for rejections, or for errors of the Langevin equation.
fn kernels() -> [Kernel; 3] {
    [
        Kernel::Metropolis { step_size: 0.9, steps: 3 },
        Kernel::Hmc { step_size: 0.6, leapfrog: 3, steps: 2 },
        Kernel::Langevin { step_size: 0.1, steps: 3 },
    ]
}

/// Four couplings away from the identity, in f64.
fn flow() -> Flow {
    let config = RealNvpConfig::new(2, 4, vec![8].into()).flow_with(Univariate::affine());
    let flow = config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
    perturbed(cast(flow, FloatDType::F64), 0.05, Noise::new(1, "stir"))
}

/// The flow with a stochastic layer after two couplings and one after four.
fn mixed(kernel: Kernel) -> StochasticFlow {
    let layers = [(2, 0.5), (4, 1.0)].map(|(after, lambda)| StochasticLayer { kernel, lambda, after });
    StochasticFlow::new(flow(), layers.to_vec()).unwrap()
}

/// No invertible layers: as many stochastic ones as there are steps from the base to the target.
fn annealed(kernel: Kernel, steps: usize) -> StochasticFlow {
    let lambda = |k: usize| k as f64 / steps as f64;
    let layers = (1..=steps).map(|k| StochasticLayer { kernel, lambda: lambda(k), after: 0 }).collect();
    StochasticFlow::new(Flow::new(Vec::new(), 2, 0), layers).unwrap()
}

fn normal(n: usize, noise: &mut Noise) -> Tensor<2> {
    noise.normal([n, 2], (&Device::flex(), DType::F64))
}
