//! Mixture of Student t distributions: a base that is close to the data before the flow learns anything.
//!
//! ```text
//! p(z) = Σ_k w_k t_ν(z; m_k, C_k),   C_k = L_k L_kᵀ,   q_k = |L_k⁻¹(z - m_k)|²
//! t_ν(z; m, C) = Γ((ν+D)/2) / (Γ(ν/2) (πν)^(D/2) |C|^(1/2)) · (1 + q/ν)^(-(ν+D)/2)
//! ν = ∞:  normal,  (2π)^(-D/2) |C|^(-1/2) e^(-q/2)
//! ```
//!
//! With this base a flow of identities is the mixture itself. A flow that is selected on validation examples, its start included, is
//! then about as good as the mixture or better. For finite ν the log-density of a distant point falls as the logarithm of its distance,
//! so no point has a vanishing density.
//!
//! A mixture is fitted to data ([`MixtureConfig::fit`]) and not trained afterward.
//!
//! References: Peel & McLachlan, Statistics and Computing 10:339 (2000), doi:10.1023/A:1008981510081, for the mixture; Jaini et al.,
//! "Tails of Lipschitz triangular flows", ICML 2020, arXiv:1907.04481, and Alexanderson & Henter, "Robust model training and
//! generalisation with studentising flows", 2020, arXiv:2006.06599, for Student bases of flows.
//!
//! Cost: `K·D²` for each point.

mod choice;
mod fit;
#[cfg(test)]
mod tests;

use burn::{
    config::Config,
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::Noise;
use gibbs_core::{
    ConfigError,
    math::{LN_SQRT_TAU, log_sum_exp_rows, to_host},
    params::placement,
};

pub use choice::{MixtureChoice, choose_mixture, gain_less_error};
pub use fit::MixtureFit;

/// Number of components, and their tails.
#[derive(Config, Copy, Debug, PartialEq)]
pub struct MixtureConfig {
    /// Number of components `K`, at least 1.
    pub components: usize,
    /// Degrees of freedom `ν` of all components, at least 1; `None` for normal components. Small values make heavy tails: the density
    /// falls as `r^-(ν+D)`.
    #[config(default = "None")]
    pub degrees_of_freedom: Option<usize>,
    /// Weight of the prior of each covariance when a mixture is fitted, in examples, above 0. Large values make smooth components.
    #[config(default = 0.02)]
    pub prior: f64,
}

impl MixtureConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("components", self.components, 1)?;
        ConfigError::at_least("degrees_of_freedom", self.degrees_of_freedom.unwrap_or(1), 1)?;
        let holds = self.prior.is_finite() && self.prior > 0.0;
        ConfigError::require(holds, "prior", self.prior, "must be finite and above 0")
    }

    /// The mixture with all parameters zero, to load weights into.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn zeros(&self, n_variables: usize, device: &Device) -> Result<Mixture, ConfigError> {
        self.validate()?;
        let (k, d) = (self.components, n_variables);
        Ok(Mixture {
            log_weights: fixed(Tensor::zeros([k], device)),
            means: fixed(Tensor::zeros([k, d], device)),
            roots: fixed(Tensor::zeros([k * d, d], device)),
            inverses: fixed(Tensor::zeros([k * d, d], device)),
            degrees_of_freedom: self.degrees_of_freedom,
        })
    }
}

/// A mixture of Student t or normal distributions. Its tensors are saved with a flow and not trained.
#[derive(Module, Debug)]
pub struct Mixture {
    /// `ln w_k`, `[K]`.
    pub log_weights: Param<Tensor<1>>,
    /// `m_k`, `[K, D]`.
    pub means: Param<Tensor<2>>,
    /// `L_k`, one below the other, `[K·D, D]`.
    pub roots: Param<Tensor<2>>,
    /// `L_k⁻¹`, one below the other, `[K·D, D]`.
    pub inverses: Param<Tensor<2>>,
    #[module(skip)]
    degrees_of_freedom: Option<usize>,
}

impl Mixture {
    /// Number of components `K`, and of variables `D`.
    pub fn dims(&self) -> [usize; 2] {
        self.means.dims()
    }

    /// `ln p(z)`, `[n, D]` to `[n]`, nats.
    pub fn log_prob(&self, z: Tensor<2>) -> Tensor<1> {
        let ([n, _], [k, d]) = (z.dims(), self.dims());
        let inverses = self.inverses.val();
        // The product with the means has the rounding of the product with the points, so that it cancels.
        let blocks = inverses.clone().reshape([k, d, d]);
        let centers: Tensor<3> = blocks.clone().matmul(self.means.val().reshape([k, d, 1]));
        let y = z.matmul(inverses.transpose()) - centers.reshape([1, k * d]);
        let q: Tensor<2> = y.powi_scalar(2).reshape([n, k, d]).sum_dim(2).squeeze_dim(2);
        let diagonal = (blocks * Tensor::<2>::eye(d, &q.device()).cast(q.dtype()).unsqueeze()).sum_dim(2);
        let log_volumes: Tensor<2> = diagonal.log().sum_dim(1).reshape([1, k]);
        let log_densities = match self.degrees_of_freedom {
            None => q * -0.5,
            Some(nu) => (q / nu as f64).log1p() * (-0.5 * (nu + d) as f64),
        };
        let constants = log_volumes + self.log_weights.val().unsqueeze() + self.log_normalizer();
        log_sum_exp_rows(log_densities + constants)
    }

    /// The constant of the density of each component without its volume, nats.
    fn log_normalizer(&self) -> f64 {
        log_normalizer(self.dims()[1], self.degrees_of_freedom)
    }

    /// `n` independent draws `[n, D]`, whose distance from the centers of their components is multiplied by `temperature`.
    pub fn sample(&self, n: usize, temperature: f64, noise: &mut Noise) -> Tensor<2> {
        let [k, d] = self.dims();
        let (device, dtype) =
            placement(self).unwrap_or_else(|| (Device::default(), burn::tensor::DType::F32));
        let options = (&device, dtype);
        let mut total = 0.0;
        let ends: Vec<f64> = to_host(self.log_weights.val())
            .iter()
            .map(|log_weight| {
                total += log_weight.exp();
                total
            })
            .collect();
        let chosen: Vec<f64> = (0..n)
            .flat_map(|_| {
                let u = noise.next_uniform() * total;
                let component = ends.iter().position(|end| u < *end).unwrap_or(k - 1);
                (0..k).map(move |other| f64::from(u8::from(other == component)))
            })
            .collect();
        let chosen: Tensor<3> = Tensor::from_data(TensorData::new(chosen, [n, k, 1]), options);
        let mut e: Tensor<2> = noise.normal([n, d], options) * temperature;
        if let Some(nu) = self.degrees_of_freedom {
            // Chi-squared with a whole number of degrees of freedom: a sum of squares.
            let chi_squared = noise.normal::<2>([n, nu], options).powi_scalar(2).sum_dim(1);
            e = e * (chi_squared / nu as f64).sqrt().recip();
        }
        let all = e.matmul(self.roots.val().transpose()).reshape([n, k, d]) + self.means.val().unsqueeze();
        (all * chosen).sum_dim(1).squeeze_dim(1)
    }
}

fn fixed<const N: usize>(values: Tensor<N>) -> Param<Tensor<N>> {
    Param::from_tensor(values).no_grad()
}

/// `ln [Γ((ν+D)/2) / (Γ(ν/2) (πν)^(D/2))]`, or `-D·ln √(2π)` of normal components.
fn log_normalizer(width: usize, degrees_of_freedom: Option<usize>) -> f64 {
    match degrees_of_freedom {
        None => -(width as f64) * LN_SQRT_TAU,
        Some(nu) => {
            let volume = 0.5 * width as f64 * (std::f64::consts::PI * nu as f64).ln();
            ln_gamma_of_half(nu + width) - ln_gamma_of_half(nu) - volume
        }
    }
}

/// `ln Γ(m/2)` for whole `m` of at least 1, by `Γ(x+1) = x·Γ(x)` from `Γ(1/2) = √π` and `Γ(1) = 1`.
fn ln_gamma_of_half(m: usize) -> f64 {
    let (start, first) = if m % 2 == 1 { (0.5 * std::f64::consts::PI.ln(), 1) } else { (0.0, 2) };
    start + (first..m).step_by(2).map(|twice| (0.5 * twice as f64).ln()).sum::<f64>()
}
