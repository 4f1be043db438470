//! Flow matching: a velocity field by regression, without a solve.
//!
//! ```text
//! x_t = (1 - (1 - σ) t)·x_0 + t·x_1,    u = x_1 - (1 - σ)·x_0,    x_0 ~ N(0, 1), x_1 data, t = 1 - (1 - u)^k, u uniform on [0, 1]
//! loss = E |v(x_t, t | c) - u|² / D
//! ```
//!
//! Whatever the law of the times, its minimum is the field that carries the base to the data, blurred by `σ`. Base and data points are paired at random, or
//! within each batch so that the sum of `|x_0 - x_1|²` is least: then the paths cross less, and are straighter.
//!
//! References: Lipman et al., ICLR 2023, arXiv:2210.02747, equations 20 to 23; Tong et al., "Improving and generalizing
//! flow-based generative models with minibatch optimal transport", TMLR 2024, arXiv:2302.00482; the exact assignment by
//! Jonker & Volgenant, Computing 38:325 (1987), doi:10.1007/BF02278710, from the crate `lapjv`.
//!
//! Differences from the papers: the times of a batch are one in each of `n` equal parts of the interval, with a common random
//! shift: as unbiased, with less variance.
//!
//! Cost: one pass of the field; the pairing at most `n³` steps for a batch of `n`, on the host.

use burn::{config::Config, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::math::to_host;
use lapjv::{Matrix, lapjv};
use serde::{Deserialize, Serialize};

use super::velocity::VelocityField;
use crate::{ConfigError, univariate::sum};

/// Which base point belongs to which data point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pairing {
    /// Any.
    #[default]
    Independent,
    /// The assignment of the batch with the least sum of squared distances.
    OptimalTransport,
}

/// The regression.
#[derive(Config, Copy, Debug, PartialEq)]
pub struct FlowMatching {
    /// `σ`, standard deviation at time 1 of the path to each example, at least 0 and below 1 (1e-5 in Lipman et al., 0 in Tong
    /// et al.).
    #[config(default = 0.0)]
    pub sigma: f64,
    /// How base and data are paired.
    #[config(default = "Pairing::Independent")]
    pub pairing: Pairing,
    /// `k`, at least 1: times are uniform with 1, and with more of them the later ones are more frequent, where sharp edges of
    /// the data are formed.
    #[config(default = 1.0)]
    pub late: f64,
    /// Part of the examples whose context is left out, zeros in its place, in [0, 1): for guidance (0.1 to 0.2 in Ho &
    /// Salimans).
    #[config(default = 0.0)]
    pub without_context: f64,
}

impl FlowMatching {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let part = |x: f64| (0.0..1.0).contains(&x);
        ConfigError::range(part(self.sigma), "sigma", self.sigma, "at least 0 and below 1")?;
        ConfigError::range(
            self.late.is_finite() && self.late >= 1.0,
            "late",
            self.late,
            "finite and at least 1",
        )?;
        let without = self.without_context;
        ConfigError::range(part(without), "without_context", without, "at least 0 and below 1")
    }

    /// The loss `[1]` for data `x [n, D]` with contexts `[n, C]`, differentiable in the field.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn loss<V: VelocityField>(
        &self,
        field: &V,
        x: Tensor<2>,
        context: Option<&Tensor<2>>,
        noise: &mut Noise,
    ) -> Tensor<1> {
        let ([n, width], options) = (x.dims(), (&x.device(), x.dtype()));
        let base = noise.normal([n, width], options);
        let base = match self.pairing {
            Pairing::Independent => base,
            Pairing::OptimalTransport => paired(base, &x),
        };
        let shift = noise.next_uniform();
        let uniform = |i: usize| (i as f64 + shift) / n as f64;
        let times: Vec<f32> = (0..n).map(|i| (1.0 - (1.0 - uniform(i)).powf(self.late)) as f32).collect();
        let t = Tensor::<2>::from_data(TensorData::new(times, [n, 1]), options);
        let shrink = 1.0 - self.sigma;
        let at = base.clone() * (t.clone() * -shrink + 1.0) + x.clone() * t.clone();
        let target = x - base * shrink;
        let context = context.map(|context| self.thinned(context, noise));
        let error = field.velocity(context.as_ref()).at(&t, at) - target;
        sum(error.powi_scalar(2)).mean() / width as f64
    }

    fn thinned(&self, context: &Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        if self.without_context == 0.0 {
            return context.clone();
        }
        let [n, _] = context.dims();
        let keep = 1.0 - self.without_context;
        let kept = noise.bernoulli(Tensor::<2>::full([n, 1], keep, (&context.device(), context.dtype())));
        context.clone() * kept
    }
}

/// The rows of `base` in the order of the rows of `x` to which they are assigned.
///
/// # Panics
/// If a distance is not finite.
fn paired(base: Tensor<2>, x: &Tensor<2>) -> Tensor<2> {
    let n = x.dims()[0];
    let device = x.device();
    // |a - b|² = |a|² + |b|² - 2 a·b, of which only the last term depends on the pairing.
    let products = to_host(x.clone().detach().matmul(base.clone().transpose()));
    assert!(products.iter().all(|p| p.is_finite()), "points at an infinite distance cannot be paired");
    let costs = Matrix::from_shape_fn((n, n), |(i, j)| -products[n * i + j]);
    let Ok((order, _)) = lapjv(&costs) else { unreachable!("a square matrix of finite costs") };
    let order: Vec<i64> = order.into_iter().map(|i| i as i64).collect();
    base.select(0, Tensor::<1, Int>::from_data(order.as_slice(), &device))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Against all permutations.
    #[test]
    fn pairs_are_the_nearest_in_sum() {
        let n = 6;
        let device = Device::flex();
        let x: Tensor<2> = Noise::new(0, "x").normal([n, 3], (&device, burn::tensor::DType::F64));
        let base: Tensor<2> = Noise::new(0, "base").normal([n, 3], (&device, burn::tensor::DType::F64));
        let (a, b) = (to_host(x.clone()), to_host(base.clone()));
        let distance =
            |i: usize, j: usize| (0..3).map(|k| (a[3 * i + k] - b[3 * j + k]).powi(2)).sum::<f64>();
        let mut least = f64::INFINITY;
        let mut order: Vec<usize> = (0..n).collect();
        permute(&mut order, 0, &mut |order| {
            least = least.min(order.iter().enumerate().map(|(i, &j)| distance(i, j)).sum());
        });
        let found = to_host((paired(base, &x) - x).powi_scalar(2).sum())[0];
        assert!((found - least).abs() < 1e-9, "{found} instead of {least}");
    }

    fn permute(order: &mut Vec<usize>, from: usize, see: &mut impl FnMut(&[usize])) {
        if from == order.len() {
            return see(order);
        }
        for i in from..order.len() {
            order.swap(from, i);
            permute(order, from + 1, see);
            order.swap(from, i);
        }
    }
}
