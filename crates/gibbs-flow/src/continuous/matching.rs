//! Flow matching: a velocity field by regression, without a solve.
//!
//! ```text
//! x_t = (1 - (1 - σ) t)·x_0 + t·x_1,    u = x_1 - (1 - σ)·x_0,    x_0 ~ N(0, 1), x_1 data, t = 1 - (1 - r)^k, r uniform on [0, 1]
//! loss = E |v(x_t, t | c) - u|² / D
//! ```
//!
//! For any distribution of the times, the minimum of the loss is the field that carries the base to the data, blurred by `σ`. Base and
//! data points are paired at random, or within each batch such that the sum of `|x_0 - x_1|²` is least. With the second choice paths
//! cross less often and are straighter.
//!
//! References: Lipman et al., ICLR 2023, arXiv:2210.02747, equations 20 to 23; Tong et al., "Improving and generalizing
//! flow-based generative models with minibatch optimal transport", TMLR 2024, arXiv:2302.00482; exact assignments by Jonker &
//! Volgenant, Computing 38:325 (1987), doi:10.1007/BF02278710.
//!
//! Differences from the papers: a batch has one time in each of `n` equal parts of the interval, with a common random shift. The loss is
//! unbiased and has less variance.
//!
//! Cost: one pass of the field. The optimal pairing takes at most `n³` operations for a batch of `n`, on the host.

use burn::{
    config::Config,
    module::{Module, ModuleDisplay},
    prelude::*,
};
use gibbs_backend::Noise;
use gibbs_core::{
    Batch, BoxError, ConfigError, Objective, Position, StepOutput,
    math::{row_sums, to_host},
    preprocess::Preprocessed,
    weighted_mean,
};
use serde::{Deserialize, Serialize};

use super::{assignment::assign, flow::ContinuousFlow, levels::NoisyLevels, velocity::VelocityField};

/// Which base point belongs to which data point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pairing {
    /// At random.
    #[default]
    Independent,
    /// The assignment within the batch with the least sum of squared distances.
    OptimalTransport,
}

/// Flow matching.
#[derive(Config, Copy, Debug, PartialEq)]
pub struct FlowMatching {
    /// `σ`, standard deviation at time 1 of the path to each example, at least 0 and below 1 (1e-5 in Lipman et al., 0 in Tong
    /// et al.).
    #[config(default = 0.0)]
    pub sigma: f64,
    /// How base and data are paired.
    #[config(default = "Pairing::Independent")]
    pub pairing: Pairing,
    /// `k`, at least 1. Times are uniform for 1. For larger values late times are more frequent, when the flow forms sharp edges.
    #[config(default = 1.0)]
    pub time_power: f64,
    /// Fraction of the examples whose context is replaced by zeros, in [0, 1), for guidance without a classifier (0.1 to 0.2 in
    /// Ho & Salimans, arXiv:2207.12598).
    #[config(default = 0.0)]
    pub context_dropout: f64,
}

impl FlowMatching {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::fraction("sigma", self.sigma)?;
        let power = self.time_power;
        let holds = power.is_finite() && power >= 1.0;
        ConfigError::require(holds, "time_power", power, "must be finite and at least 1")?;
        ConfigError::fraction("context_dropout", self.context_dropout)
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
        let width = x.dims()[1] as f64;
        self.squared_errors(field, x, context, noise).mean() / width
    }

    /// The squared error of the velocity for each example, `[n]`: its sum over the columns.
    fn squared_errors<V: VelocityField>(
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
        let times: Vec<f32> =
            stratified(n, noise).map(|u| (1.0 - (1.0 - u).powf(self.time_power)) as f32).collect();
        let t = Tensor::<2>::from_data(TensorData::new(times, [n, 1]), options);
        let shrink = 1.0 - self.sigma;
        let at = base.clone() * (t.clone() * -shrink + 1.0) + x.clone() * t.clone();
        let target = x - base * shrink;
        let context = context.map(|context| drop_contexts(context, self.context_dropout, noise));
        let error = field.velocity(context.as_ref()).at(&t, at) - target;
        row_sums(error.powi_scalar(2))
    }
}

/// The objective of a flow: flow matching, and the levels of the data where they have some.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Matching {
    /// The loss.
    pub loss: FlowMatching,
    /// Levels to which data are rounded, with the noise that they then get; `None` for real data.
    pub levels: Option<NoisyLevels>,
}

impl Matching {
    /// Data `y [n, D]` as the flow learns them.
    pub fn variables(&self, y: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        match &self.levels {
            Some(levels) => levels.draw(y, noise),
            None => y,
        }
    }
}

impl<V: VelocityField + ModuleDisplay> Objective<Preprocessed<ContinuousFlow<V>>> for Matching {
    fn step(
        &mut self,
        model: &Preprocessed<ContinuousFlow<V>>,
        batch: Batch,
        _: &Position,
        noise: &mut Noise,
    ) -> Result<StepOutput, BoxError> {
        let context = batch.context.map(Tensor::autodiff);
        let y = self.variables(model.preprocessor.clone().valid().forward(batch.x).0, noise);
        let weights = batch.weights.map(Tensor::autodiff);
        let width = y.dims()[1] as f64;
        let errors = self.loss.squared_errors(&model.model.field, y.autodiff(), context.as_ref(), noise);
        let loss = weighted_mean(errors, weights.as_ref()) / width;
        Ok(StepOutput::backward(model, "loss", loss))
    }
}

/// `n` numbers in [0, 1), one in each of `n` equal parts, with a common random shift.
pub(crate) fn stratified(n: usize, noise: &mut Noise) -> impl Iterator<Item = f64> + use<> {
    let shift = noise.next_uniform();
    (0..n).map(move |i| (i as f64 + shift) / n as f64)
}

/// The contexts `[n, C]`, a fraction `rate` of them replaced by zeros.
pub(crate) fn drop_contexts(context: &Tensor<2>, rate: f64, noise: &mut Noise) -> Tensor<2> {
    if rate == 0.0 {
        return context.clone();
    }
    let [n, _] = context.dims();
    let kept = noise.bernoulli(Tensor::<2>::full([n, 1], 1.0 - rate, (&context.device(), context.dtype())));
    context.clone() * kept
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
    let costs: Vec<f64> = products.iter().map(|product| -product).collect();
    let order: Vec<i64> = assign(&costs, n).columns.into_iter().map(|i| i as i64).collect();
    base.select(0, Tensor::<1, Int>::from_data(order.as_slice(), &device))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_squared_distances_is_smaller_than_before() {
        let device = Device::flex();
        let x: Tensor<2> = Noise::new(0, "x").normal([50, 3], &device);
        let base: Tensor<2> = Noise::new(0, "base").normal([50, 3], &device);
        let distance = |base: Tensor<2>| to_host((base - x.clone()).powi_scalar(2).sum())[0];
        let optimal = paired(base.clone(), &x);
        assert!(distance(optimal.clone()) < 0.5 * distance(base.clone()));
        let sorted = |base: Tensor<2>| {
            let mut values = to_host(base);
            values.sort_by(f64::total_cmp);
            values
        };
        assert_eq!(sorted(optimal), sorted(base));
    }
}
