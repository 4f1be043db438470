//! The distribution of the latent variables: standard normal, or a mixture; uniform for angles.

use burn::{config::Config, prelude::*, tensor::DType};
use gibbs_backend::Noise;
use gibbs_core::{
    ConfigError,
    columns::{inverse, select},
    math::{log_normal, row_zeros},
};

use crate::Mixture;

/// Variables on a circle: `x` and `x + 2B` are the same point.
#[derive(Config, Debug, PartialEq)]
pub struct Angles {
    /// The variables, from 0, at least one, each once.
    pub variables: Vec<usize>,
    /// Half the length `B` of the circle, above 0. Splines of such variables have the same bound.
    pub bound: f64,
}

impl Angles {
    /// Checks every field, for `n_variables`.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self, n_variables: usize) -> Result<(), ConfigError> {
        let chosen = |d: usize| self.variables.iter().filter(|&&variable| variable == d).count();
        let n: usize = (0..n_variables).map(|d| chosen(d).min(1)).sum();
        let reason = format!("must be different variables of {n_variables}, counted from 0");
        let holds = n > 0 && n == self.variables.len();
        ConfigError::require(holds, "angles.variables", format!("{:?}", self.variables), reason)?;
        let holds = self.bound.is_finite() && self.bound > 0.0;
        ConfigError::require(holds, "angles.bound", self.bound, "must be finite and above 0")
    }

    /// The variables that are none, of `n_variables`.
    fn others(&self, n_variables: usize) -> Vec<usize> {
        (0..n_variables).filter(|variable| !self.variables.contains(variable)).collect()
    }

    /// `ln p(z)`, `[n, D]` to `[n]`, nats: uniform on the circles, standard normal for the other variables.
    pub(crate) fn log_prob(&self, z: Tensor<2>) -> Tensor<1> {
        let others = self.others(z.dims()[1]);
        let normal = match others.as_slice() {
            [] => row_zeros(&z),
            others => log_prob(None, select(z, others)),
        };
        normal - self.variables.len() as f64 * (2.0 * self.bound).ln()
    }

    /// `[n, D]` independent draws. Below 1 the temperature narrows the circle.
    pub(crate) fn sample(
        &self,
        [n, width]: [usize; 2],
        temperature: f64,
        options: (&Device, DType),
        noise: &mut Noise,
    ) -> Tensor<2> {
        let others = self.others(width);
        let scale = 2.0 * self.bound * temperature.min(1.0);
        let uniform = (noise.uniform([n, self.variables.len()], options) - 0.5) * scale;
        let order = inverse(&[self.variables.as_slice(), &others].concat());
        match others.len() {
            0 => select(uniform, &order),
            m => select(Tensor::cat(vec![uniform, noise.normal([n, m], options) * temperature], 1), &order),
        }
    }
}

/// `ln p(z)`, `[n, D]` to `[n]`, nats; standard normal without a mixture.
pub(crate) fn log_prob(mixture: Option<&Mixture>, z: Tensor<2>) -> Tensor<1> {
    match mixture {
        Some(mixture) => mixture.log_prob(z),
        None => log_normal(z),
    }
}

/// `[n, D]` independent draws, narrower or wider by the factor `temperature`.
pub(crate) fn sample(
    mixture: Option<&Mixture>,
    shape: [usize; 2],
    temperature: f64,
    options: (&Device, DType),
    noise: &mut Noise,
) -> Tensor<2> {
    match mixture {
        Some(mixture) => mixture.sample(shape[0], temperature, noise),
        None => noise.normal(shape, options) * temperature,
    }
}
