//! The distribution of each variable, with parameters that a network computes: the last layer of autoregressive models and decoders.
//!
//! ```text
//! Bernoulli          p(x=1) = σ(θ)                                      x in {0, 1},  1 parameter
//! categorical        p(x=k) = exp θ_k / Σ_j exp θ_j                     x in {0 … q-1},  q parameters
//! Gaussian mixture   p(x) = Σ_k w_k N(x; μ_k, σ_k²),  w = softmax(a),   x real,  3K parameters (a, μ, s)
//!                    σ_k = exp(L·tanh(s_k/L)),  L = 7
//! mixed              one of these for each variable
//! ```
//!
//! With mixed distributions `p(x)` is the product of probabilities of the discrete variables and densities of the real ones.
//!
//! References: Germain et al., "MADE", ICML 2015, arXiv:1502.03509, for binary variables; Uria, Murray & Larochelle,
//! "RNADE", NIPS 2013, arXiv:1306.0186, for mixtures.
//!
//! Differences from the papers: the logarithm of a scale is bounded. Otherwise a component could collapse onto a value that
//! occurs twice in the data.

mod mixed;

use burn::prelude::*;
use gibbs_backend::{Noise, bce_with_logits, sigmoid, tanh};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    ConfigError,
    check::require_values,
    math::{LN_SQRT_TAU, log_sum_exp_rows, to_host},
};

/// Bound on the logarithm of a component's scale. Data should have a scale of about one: scales can be 0.0009 to 1097.
const LOG_SCALE: f64 = 7.0;

/// The family of the conditional distributions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum OutputDistribution {
    /// Bits.
    #[default]
    Bernoulli,
    /// Discrete levels `0, 1, …`.
    Categorical {
        /// Number of levels, at least 2; 8 if a configuration does not give it.
        #[serde(default = "eight")]
        levels: usize,
    },
    /// Real numbers.
    GaussianMixture {
        /// Number of components, at least 1; 5 if a configuration does not give it.
        #[serde(default = "five")]
        components: usize,
    },
    /// Another distribution for each variable.
    ///
    /// Every variable then has as many network inputs and parameters as the variable that needs most. Inputs that a variable
    /// does not need are zero; parameters that it does not need are ignored.
    Mixed {
        /// The distribution of each variable, none of them mixed itself.
        columns: Vec<OutputDistribution>,
    },
}

fn eight() -> usize {
    8
}

fn five() -> usize {
    5
}

impl OutputDistribution {
    /// A mixture of five Gaussians.
    pub fn gaussian_mixture() -> Self {
        Self::GaussianMixture { components: five() }
    }

    /// Checks the numbers of levels and components, and the number of distributions for `n_visible` variables.
    ///
    /// # Errors
    /// If one is too small, or there is not one distribution for each variable.
    pub fn validate(&self, n_visible: usize) -> Result<(), ConfigError> {
        match self {
            Self::Bernoulli => Ok(()),
            Self::Categorical { levels } => ConfigError::at_least("output.levels", *levels, 2),
            Self::GaussianMixture { components } => {
                ConfigError::at_least("output.components", *components, 1)
            }
            Self::Mixed { columns } => mixed::validate(columns, n_visible),
        }
    }

    /// Checks as [`validate`](Self::validate), for networks whose variables share their weights.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and for mixed distributions.
    pub fn validate_shared(&self, n_visible: usize) -> Result<(), ConfigError> {
        let is_mixed = matches!(self, Self::Mixed { .. });
        let reason = "needs model.kind made or nade: the variables of this network share their weights";
        ConfigError::require(!is_mixed, "output.kind", "mixed", reason)?;
        self.validate(n_visible)
    }

    /// The distribution of one variable, by its index in the data.
    pub fn of(&self, variable: usize) -> &Self {
        match self {
            Self::Mixed { columns } => &columns[variable],
            shared => shared,
        }
    }

    /// Number of parameters of the distribution of one variable.
    pub fn n_parameters(&self) -> usize {
        match self {
            Self::Bernoulli => 1,
            Self::Categorical { levels } => *levels,
            Self::GaussianMixture { components } => 3 * components,
            Self::Mixed { columns } => mixed::most(columns, Self::n_parameters),
        }
    }

    /// Number of network inputs of one variable: one for each level of a categorical variable (one-hot), else 1.
    pub fn n_inputs(&self) -> usize {
        match self {
            Self::Categorical { levels } => *levels,
            Self::Mixed { columns } => mixed::most(columns, Self::n_inputs),
            _ => 1,
        }
    }

    /// Network inputs of examples: `[n, D]` to `[n, D·inputs]`, those of a variable adjacent.
    pub fn encode(&self, x: Tensor<2>) -> Tensor<2> {
        let ([n, width], dtype) = (x.dims(), x.dtype());
        match self {
            &Self::Categorical { levels } => {
                let row = Tensor::<1, Int>::arange(0..levels as i64, &x.device()).float();
                let row = row.cast(dtype).reshape([1, 1, levels]);
                let x: Tensor<3> = x.reshape([n, width, 1]);
                let hot = x.expand([n, width, levels]).equal(row.expand([n, width, levels]));
                hot.float().cast(dtype).reshape([n, width * levels])
            }
            Self::Mixed { columns } => mixed::encode(columns, self.n_inputs(), x),
            _ => x,
        }
    }

    /// Network inputs of one value of a variable: [`encode`](Self::encode) on the host.
    pub fn encode_value(&self, variable: usize, value: f32, inputs: &mut [f32]) {
        inputs.fill(0.0);
        match self.of(variable) {
            Self::Categorical { levels } => {
                let own = inputs[..*levels].iter_mut().enumerate();
                own.for_each(|(k, input)| *input = f32::from(value == k as f32));
            }
            _ => inputs[0] = value,
        }
    }

    /// Log-probability, or log-density, of each example in nats: `Σ_d ln p(x_d; θ_d)`.
    ///
    /// `parameters [n, D·P]`, those of a variable adjacent, and `x [n, D]`, to `[n]`. Invalid values of `x` are not detected
    /// here; see [`require_values`](Self::require_values) and [`check`](Self::check).
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn log_prob(&self, parameters: Tensor<2>, x: Tensor<2>) -> Tensor<1> {
        let [n, width] = x.dims();
        let per = self.n_parameters();
        assert_eq!(parameters.dims(), [n, width * per], "parameters of {n} examples of {width} variables");
        match self {
            Self::Bernoulli => bce_with_logits(parameters, x).neg(),
            &Self::Categorical { levels } => {
                let chosen = (parameters.clone() * self.encode(x)).sum_dim(1).squeeze_dim(1);
                let totals = log_sum_exp_rows(parameters.reshape([n * width, levels]));
                chosen - totals.reshape([n, width]).sum_dim(1).squeeze_dim(1)
            }
            &Self::GaussianMixture { components } => {
                let parameters: Tensor<3> = parameters.reshape([n * width, 3, components]);
                let part = |k| parameters.clone().narrow(1, k, 1).squeeze_dim::<2>(1);
                let (weight, mean, log_scale) = (part(0), part(1), bounded(part(2)));
                let x = x.reshape([n * width, 1]);
                let standard = (x - mean) * log_scale.clone().neg().exp();
                let terms = weight.clone() - log_scale - standard.powi_scalar(2) * 0.5;
                let log_prob = log_sum_exp_rows(terms) - log_sum_exp_rows(weight) - LN_SQRT_TAU;
                log_prob.reshape([n, width]).sum_dim(1).squeeze_dim(1)
            }
            Self::Mixed { columns } => mixed::log_prob(columns, per, parameters, x),
        }
    }

    /// A draw of a variable for its `parameters`. One uniform number determines a discrete value, or the component of a mixture, by inversion. A
    /// mixture also uses a standard normal number.
    pub fn draw(&self, variable: usize, parameters: &[f32], uniform: f32, normal: f32) -> f32 {
        match self.of(variable) {
            Self::Bernoulli => f32::from(f64::from(uniform) < logistic(parameters[0])),
            Self::Categorical { levels } => category(&parameters[..*levels], uniform) as f32,
            &Self::GaussianMixture { components } => {
                let k = category(&parameters[..components], uniform);
                let (mean, log_scale) = (parameters[components + k], parameters[2 * components + k]);
                mean + bounded_value(log_scale).exp() as f32 * normal
            }
            Self::Mixed { .. } => unreachable!("{NOT_NESTED}"),
        }
    }

    /// Whether a draw needs a normal number in addition to the uniform one.
    pub fn draws_normal(&self) -> bool {
        match self {
            Self::Mixed { columns } => columns.iter().any(Self::draws_normal),
            shared => matches!(shared, Self::GaussianMixture { .. }),
        }
    }

    /// The mean of a variable with these parameters.
    pub fn mean(&self, variable: usize, parameters: &[f32]) -> f64 {
        match self.of(variable) {
            Self::Bernoulli => logistic(parameters[0]),
            Self::Categorical { levels } => {
                softmax(&parameters[..*levels]).iter().enumerate().map(|(k, p)| k as f64 * p).sum()
            }
            &Self::GaussianMixture { components } => {
                let means = &parameters[components..2 * components];
                softmax(&parameters[..components])
                    .iter()
                    .zip(means)
                    .map(|(p, &mean)| p * f64::from(mean))
                    .sum()
            }
            Self::Mixed { .. } => unreachable!("{NOT_NESTED}"),
        }
    }

    /// A draw of each variable for `parameters [n, D·P]`: `[n, D]`. Bits are drawn on their device, other values on the host.
    pub fn sample(&self, parameters: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        if *self == Self::Bernoulli {
            return noise.bernoulli(sigmoid(parameters));
        }
        let [n, per_row] = parameters.dims();
        let shape = [n, per_row / self.n_parameters()];
        let options = (&parameters.device(), parameters.dtype());
        let uniform = host(noise.uniform(shape, options));
        let normal = host(noise.normal(shape, options));
        self.of_each(parameters, |i, variable, parameters| {
            self.draw(variable, parameters, uniform[i], normal[i])
        })
    }

    /// The mean of each variable for `parameters [n, D·P]`: `[n, D]`. Means of bits are computed on their device, others on the host.
    pub fn means(&self, parameters: Tensor<2>) -> Tensor<2> {
        if *self == Self::Bernoulli {
            return sigmoid(parameters);
        }
        self.of_each(parameters, |_, variable, parameters| self.mean(variable, parameters) as f32)
    }

    /// `value(i, variable, parameters)` for each entry `i` of `[n, D]`, from `parameters [n, D·P]`, on the host.
    fn of_each(&self, parameters: Tensor<2>, value: impl Fn(usize, usize, &[f32]) -> f32) -> Tensor<2> {
        let ([n, per_row], per) = (parameters.dims(), self.n_parameters());
        let (width, device, dtype) = (per_row / per, parameters.device(), parameters.dtype());
        let parameters = host(parameters);
        let each = parameters.chunks(per).enumerate();
        let values: Vec<f32> = each.map(|(i, parameters)| value(i, i % width, parameters)).collect();
        Tensor::from_data(TensorData::new(values, [n, width]), (&device, dtype))
    }

    /// Parameters `[D·P]` of independent variables that fit the data `x [n, D]`.
    ///
    /// One half is added to each count of a discrete value (Krichevsky & Trofimov 1981, doi:10.1109/TIT.1981.1056331), so that
    /// no value has probability zero. Each component of a mixture has the standard deviation of the data; the means of the
    /// components are spread evenly over one standard deviation on both sides of the mean of the data.
    pub fn marginals(&self, x: Tensor<2>) -> Tensor<1> {
        let [n, width] = x.dims();
        let device = x.device();
        match self {
            Self::Bernoulli => {
                let ones = x.sum_dim(0).squeeze_dim::<1>(0) + 0.5;
                ones.clone().log() - (ones.neg() + (n as f64 + 1.0)).log()
            }
            Self::Categorical { .. } => (self.encode(x).sum_dim(0).squeeze_dim::<1>(0) + 0.5).log(),
            &Self::GaussianMixture { components } => {
                let (variance, mean) = x.var_mean_bias(0);
                let scale = variance.sqrt().clamp_min((-LOG_SCALE).exp()).reshape([width, 1]);
                let step = |k: usize| {
                    if components == 1 { 0.0 } else { 2.0 * k as f64 / (components - 1) as f64 - 1.0 }
                };
                let steps: Vec<f64> = (0..components).map(step).collect();
                let steps = Tensor::<1>::from_data(steps.as_slice(), (&device, mean.dtype()))
                    .reshape([1, components]);
                let means = mean.reshape([width, 1]) + scale.clone().matmul(steps);
                let log_scales = unbounded(scale.log()).expand([width, components]);
                let parts = vec![means.zeros_like(), means, log_scales];
                Tensor::cat(parts, 1).reshape([width * 3 * components])
            }
            Self::Mixed { columns } => mixed::marginals(columns, self.n_parameters(), x),
        }
    }

    /// Checks that examples `x [n, D]`, row by row, have valid values.
    ///
    /// # Errors
    /// The first invalid value.
    pub fn check(&self, x: &[f64], width: usize) -> Result<(), ValueError> {
        match x.iter().enumerate().find(|(i, x)| !self.of(i % width).has(**x)) {
            None => Ok(()),
            Some((i, &value)) => {
                let (example, variable) = (i / width, i % width);
                Err(ValueError { example, variable, value, expected: self.of(variable).values() })
            }
        }
    }

    /// Checks on their device that the examples `x [n, D]` of a model have valid values. Waits for the device.
    ///
    /// # Panics
    /// If a value is invalid. The message names the model, the value and its place.
    pub fn require_values(&self, model: &str, x: &Tensor<2>) {
        require_values(model, x, |x| self.are_valid(x), &self.values());
    }

    /// Which of the values `x [n, D]` are valid, on their device.
    fn are_valid(&self, x: Tensor<2>) -> Tensor<2, Bool> {
        match self {
            Self::Bernoulli => x.clone().equal_elem(0.0).bool_or(x.equal_elem(1.0)),
            Self::Categorical { levels } => {
                let is_level = x.clone().floor().equal(x.clone());
                is_level.bool_and(x.clone().greater_equal_elem(0.0)).bool_and(x.lower_elem(*levels as f64))
            }
            Self::GaussianMixture { .. } => x.abs().lower_elem(f64::INFINITY),
            Self::Mixed { columns } => {
                let column = |(i, column): (usize, &Self)| column.are_valid(x.clone().narrow(1, i, 1));
                Tensor::cat(columns.iter().enumerate().map(column).collect(), 1)
            }
        }
    }

    /// Whether a value is one of a variable with this distribution.
    fn has(&self, x: f64) -> bool {
        match self {
            Self::Bernoulli => x == 0.0 || x == 1.0,
            Self::Categorical { levels } => x >= 0.0 && x < *levels as f64 && x.fract() == 0.0,
            Self::GaussianMixture { .. } => x.is_finite(),
            Self::Mixed { .. } => unreachable!("{NOT_NESTED}"),
        }
    }

    /// The values of a variable with this distribution, in words.
    fn values(&self) -> String {
        match self {
            Self::Bernoulli => "0 or 1".into(),
            Self::Categorical { levels } => format!("a whole number from 0 to {}", levels - 1),
            Self::GaussianMixture { .. } => "finite".into(),
            Self::Mixed { .. } => "valid for their variables".into(),
        }
    }
}

const NOT_NESTED: &str = "the distribution of one variable is never mixed";

/// Invalid values of a variable.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("the value {value} of variable {variable} in example {example} is not {expected}")]
pub struct ValueError {
    /// Index of the example, from 0.
    pub example: usize,
    /// Index of the variable, from 0.
    pub variable: usize,
    /// The value.
    pub value: f64,
    /// Valid values.
    pub expected: String,
}

/// Values row by row in single precision.
fn host(x: Tensor<2>) -> Vec<f32> {
    to_host(x).into_iter().map(|x| x as f32).collect()
}

fn bounded(s: Tensor<2>) -> Tensor<2> {
    tanh(s / LOG_SCALE) * LOG_SCALE
}

fn bounded_value(s: f32) -> f64 {
    (f64::from(s) / LOG_SCALE).tanh() * LOG_SCALE
}

/// The inverse of [`bounded`], for values well inside the bound.
fn unbounded(log_scale: Tensor<2>) -> Tensor<2> {
    let part = (log_scale / LOG_SCALE).clamp(-0.999, 0.999);
    ((part.clone() + 1.0) / (part.neg() + 1.0)).log() * (0.5 * LOG_SCALE)
}

fn logistic(logit: f32) -> f64 {
    1.0 / (1.0 + (-f64::from(logit)).exp())
}

fn softmax(logits: &[f32]) -> Vec<f64> {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f64> = logits.iter().map(|&x| f64::from(x - max).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / total).collect()
}

/// The number of levels whose cumulative probability is at most `uniform`.
fn category(logits: &[f32], uniform: f32) -> usize {
    let mut cumulative = 0.0;
    let mut is_passed = |p: &f64| {
        cumulative += p;
        cumulative <= f64::from(uniform)
    };
    softmax(logits).iter().take_while(|p| is_passed(p)).count().min(logits.len() - 1)
}
