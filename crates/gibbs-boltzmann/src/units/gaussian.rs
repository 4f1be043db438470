//! Real-valued units.

use std::f64::consts::TAU;

use burn::{
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::Noise;

use super::traits::{
    EnumerableUnits, UnitFamily, UnitMoments, UnitStatistics, Units, batch_mean, derived, lerp, zeros_like,
};

/// Gaussian units with mean `μ` and log-variance `s`: `E(x) = Σ (x-μ)² e^{-s} / 2`, so
///
/// ```text
/// p(x | I) = N(μ + e^s I, e^s),    Γ(I) = Σ ½(log 2π + s) + μ I + ½ e^s I²
/// ```
///
/// The interaction of the RBM is `-x·W·h` without division by the variance, so that both layers
/// follow the same formulas. (Welling, Rosen-Zvi & Hinton, NIPS 2005, for the harmonium with
/// exponential-family units; the learned log-variance after Cho, Ilin & Raiko, ICANN 2011.)
#[derive(Module, Debug)]
pub struct Gaussian {
    /// `μ [width]`.
    pub mean: Param<Tensor<1>>,
    /// `s [width]`, the logarithm of the variance.
    pub log_var: Param<Tensor<1>>,
}

impl Gaussian {
    /// Standard normal units.
    pub fn new(width: usize, device: &Device) -> Self {
        let zeros = || Param::from_tensor(Tensor::zeros([width], device));
        Self { mean: zeros(), log_var: zeros() }
    }

    fn variance(&self) -> Tensor<1> {
        self.log_var.val().exp()
    }

    fn precision(&self) -> Tensor<1> {
        self.log_var.val().neg().exp()
    }

    fn deviation(&self, x: Tensor<2>) -> Tensor<2> {
        x - self.mean.val().unsqueeze()
    }
}

impl Units for Gaussian {
    fn width(&self) -> usize {
        self.mean.dims()[0]
    }

    fn parameters(&self) -> Vec<&Param<Tensor<1>>> {
        vec![&self.mean, &self.log_var]
    }

    fn range(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, f64::INFINITY)
    }

    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        let squares = self.deviation(x).square() * self.precision().unsqueeze();
        squares.sum_dim(1).squeeze_dim(1) * 0.5
    }

    fn log_partition(&self, input: Tensor<2>) -> Tensor<1> {
        let constant = (self.log_var.val() + TAU.ln()) * 0.5;
        let quadratic = input.clone().square() * (self.variance() * 0.5).unsqueeze();
        let linear = input * self.mean.val().unsqueeze();
        (quadratic + linear + constant.unsqueeze()).sum_dim(1).squeeze_dim(1)
    }

    fn mean(&self, input: Tensor<2>) -> Tensor<2> {
        input * self.variance().unsqueeze() + self.mean.val().unsqueeze()
    }

    fn sample(&self, input: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        let mean = self.mean(input);
        let std = (self.log_var.val() * 0.5).exp();
        let unit = noise.normal(mean.dims(), &mean.device()).cast(mean.dtype());
        mean + unit * std.unsqueeze()
    }
}

impl UnitFamily for Gaussian {
    /// Precisions and precision-weighted means are the natural parameters: they interpolate linearly.
    fn interpolate(&self, other: &Self, t: f64) -> Self {
        let precision = lerp(self.precision(), other.precision(), t);
        let shift = lerp(self.precision() * self.mean.val(), other.precision() * other.mean.val(), t);
        Self { mean: derived(shift / precision.clone()), log_var: derived(precision.log().neg()) }
    }

    /// Variances below 1e-4 are raised to it, so that a constant column keeps a finite precision.
    fn fitted(&self, data: &UnitMoments) -> Self {
        let log_var = data.variance.clone().clamp_min(1e-4).log();
        Self { mean: derived(data.mean.clone()), log_var: derived(log_var) }
    }

    fn neutral(&self) -> Self {
        Self { mean: derived(zeros_like(&self.mean)), log_var: derived(zeros_like(&self.log_var)) }
    }
}

impl UnitStatistics for Gaussian {
    fn statistics(&self, x: Tensor<2>, weights: Option<&Tensor<2>>) -> Vec<Tensor<1>> {
        let deviation = self.deviation(x);
        let mean = batch_mean(deviation.clone(), weights) * self.precision();
        let log_var = batch_mean(deviation.square(), weights) * self.precision() * 0.5;
        vec![mean, log_var]
    }

    /// `E[(x-μ)² | I]` is the squared deviation of the mean plus the variance.
    fn statistics_of_mean(&self, mean: Tensor<2>, weights: Option<&Tensor<2>>) -> Vec<Tensor<1>> {
        let mut statistics = self.statistics(mean, weights);
        if let Some(log_var) = statistics.pop() {
            statistics.push(log_var + 0.5);
        }
        statistics
    }

    fn has_linear_bias(&self) -> bool {
        false
    }
}

impl EnumerableUnits for Gaussian {
    fn alphabet(&self) -> Option<Vec<Vec<f64>>> {
        None
    }
}
