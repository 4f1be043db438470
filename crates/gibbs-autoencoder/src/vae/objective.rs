//! Training of a VAE: the bound `L_k` and its gradients.
//!
//! ```text
//! L_k = ln 1/k Σ_i w_i,    ln w_i = ln p(x | z_i) + β (ln p(z_i) - ln q(z_i | x)),    w̃_i = w_i / Σ_j w_j
//! reparametrized          ∇ L_k = Σ_i w̃_i ∇ ln w_i                        through z_i = g_x(u_i) in every place
//! doubly reparametrized   ∇_θ L_k = Σ_i w̃_i ∇_θ ln w_i                     decoder and prior
//!                         ∇_φ L_k = Σ_i w̃_i² ∂ ln w_i/∂z_i · ∂z_i/∂φ       encoder
//! ```
//!
//! Both have the same expectation. The second one has less variance, and none in the encoder if `q(z | x)` is the exact posterior. With
//! `k = 1` it is the path gradient of Roeder, Wu & Duvenaud (2017). A single code (`k = 1`) of a Gaussian posterior with a standard normal
//! prior takes the divergence in closed form instead, with free bits `λ`:
//!
//! ```text
//! L = ln p(x | z) - β Σ_j max(λ, KL_j),    KL_j the mean over the batch
//! ```
//!
//! The backward pass is the greater part of the cost. With resampling it goes through `m` of the `k` codes alone, drawn by their weights.
//! A code `i` is drawn with probability `w̃_i`, so the expectation of both gradients stays the same:
//!
//! ```text
//! ∇ L_k ≈ 1/m Σ_i ∇ ln w_i,    ∇_φ L_k ≈ 1/m Σ_i w̃_i ∂ ln w_i/∂z_i · ∂z_i/∂φ        over the drawn i
//! ```
//!
//! References: Burda, Grosse & Salakhutdinov, ICLR 2016, arXiv:1509.00519, equation 14; Tucker, Lawson, Gu & Maddison, "Doubly
//! reparameterized gradient estimators for Monte Carlo objectives", ICLR 2019, arXiv:1810.04152, equation 8; Higgins et al., "β-VAE", ICLR
//! 2017, for `β`; Bowman et al., CoNLL 2016, arXiv:1511.06349, for its rise; Kingma et al., NeurIPS 2016, arXiv:1606.04934, section
//! C.8, for free bits.

use burn::{optim::GradientsParams, prelude::*, tensor::activation::softmax};
use gibbs_backend::Noise;
use gibbs_core::{
    Batch, BoxError, ConfigError, Objective, Position, StepOutput,
    math::{log_normal, log_sum_exp_rows, repeat_rows, row_sums},
    nn::append_context,
    params, weighted_mean,
};
use serde::{Deserialize, Serialize};

use super::{Vae, VaeConfig};

/// How gradients of the encoder are estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GradientEstimator {
    /// The gradient of the bound.
    #[default]
    Reparametrized,
    /// The gradient with less variance, for Gaussian posteriors.
    DoublyReparametrized,
}

/// Raises `L_k`, the mean over the batch by the weights of its examples. Metric: `loss`, `-L_k` with `β` and free bits, nats.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Elbo {
    /// Codes `k` of each example, at least 1; above 1 the importance-weighted bound (IWAE).
    pub n_samples: usize,
    /// Codes `m` of each example through which gradients flow, drawn from the `k` by their weights, below `k`; 0: all codes.
    pub n_resampled: usize,
    /// How gradients of the encoder are estimated.
    pub estimator: GradientEstimator,
    /// Weight `β` of the rate, at least 0; 1 for the bound of the likelihood.
    pub beta: f64,
    /// Fraction of the run during which `β` rises from 0 to its value, from 0 to 1.
    pub beta_rise: f64,
    /// Nats `λ` of each latent variable that cost nothing, at least 0.
    pub free_bits: f64,
}

impl Default for Elbo {
    /// The plain ELBO.
    fn default() -> Self {
        Self {
            n_samples: 1,
            n_resampled: 0,
            estimator: GradientEstimator::default(),
            beta: 1.0,
            beta_rise: 0.0,
            free_bits: 0.0,
        }
    }
}

impl Elbo {
    /// Checks every field, and that a model has the bound.
    ///
    /// # Errors
    /// Names the first field that is out of range or does not suit the model.
    pub fn validate(&self, model: &VaeConfig) -> Result<(), ConfigError> {
        ConfigError::at_least("n_samples", self.n_samples, 1)?;
        let (m, reason) =
            (self.n_resampled, "must be below n_samples; take 0 for gradients through all codes");
        ConfigError::require(m < self.n_samples, "n_resampled", m, reason)?;
        let reason = "needs the same network in two passes; take dropout=0, or n_resampled=0";
        ConfigError::require(m == 0 || model.dropout == 0.0, "n_resampled", m, reason)?;
        ConfigError::not_negative("beta", self.beta)?;
        ConfigError::not_negative("free_bits", self.free_bits)?;
        let is_fraction = (0.0..=1.0).contains(&self.beta_rise);
        ConfigError::require(is_fraction, "beta_rise", self.beta_rise, "must be from 0 to 1")?;
        let is_double = self.estimator == GradientEstimator::DoublyReparametrized;
        let reason = "needs a Gaussian posterior; leave out model.posterior, or take reparametrized";
        ConfigError::require(
            !is_double || model.posterior.is_none(),
            "estimator",
            "doubly_reparametrized",
            reason,
        )?;
        let is_closed =
            self.n_samples == 1 && !is_double && model.prior.is_none() && model.posterior.is_none();
        let reason = "needs n_samples=1, estimator=reparametrized, a Gaussian posterior and a standard normal prior; take 0";
        ConfigError::require(self.free_bits == 0.0 || is_closed, "free_bits", self.free_bits, reason)
    }

    /// `β` at a step.
    fn beta_at(&self, at: &Position) -> f64 {
        self.beta * gibbs_core::variational::annealed(self.beta_rise, at)
    }

    /// `ln w` with `β` from `ln p(x | z)` and `ln p(z) - ln q(z | x)` of `m` codes of each example, both `[n · m]`: `[n, m]`, nats.
    fn log_weights(log_likelihood: Tensor<1>, log_ratio: Tensor<1>, beta: f64, m: usize) -> Tensor<2> {
        let n = log_likelihood.dims()[0] / m;
        (log_likelihood + log_ratio * beta).reshape([n, m])
    }

    /// `-L_k` of each example from `ln w [n, k]`, nats: `[n]`.
    fn losses(log_weights: Tensor<2>) -> Tensor<1> {
        let k = log_weights.dims()[1];
        (k as f64).ln() - log_sum_exp_rows(log_weights)
    }

    /// Draws the codes through which gradients flow; `None` if these are all.
    fn resample(&self, vae: &Vae, batch: &Batch, beta: f64, noise: &mut Noise) -> Option<Resampled> {
        let (k, m) = (self.n_samples, self.n_resampled);
        if m == 0 {
            return None;
        }
        let codes = vae.valid().draw_codes(batch.x.clone(), batch.context.as_ref(), k, noise);
        let log_weights = Self::log_weights(codes.log_likelihood, codes.log_ratio, beta, k);
        let [n, _] = log_weights.dims();
        let chosen = noise.categorical(repeat_rows(log_weights.clone(), m)).reshape([n, m]);
        let firsts = Tensor::arange(0..n as i64, &chosen.device()).reshape([n, 1]) * k as i64;
        let rows = (chosen + firsts).reshape([n * m]);
        Some(Resampled {
            u: codes.u.select(0, rows.clone()),
            shares: softmax(log_weights.clone(), 1).reshape([n * k]).select(0, rows).reshape([n, m]),
            losses: Self::losses(log_weights),
        })
    }

    /// The rate with free bits from divergences `[n, latent]`, for each example: `[n]`, nats.
    fn rates(&self, divergences: Tensor<2>) -> Tensor<1> {
        let n = divergences.dims()[0];
        match self.free_bits {
            0.0 => row_sums(divergences),
            free => row_sums(divergences.mean_dim(0).clamp_min(free)).expand([n]),
        }
    }
}

/// Codes of each example through which gradients flow.
struct Resampled {
    /// `u [n · m, latent]`.
    u: Tensor<2>,
    /// Their weights `w̃` among all codes: `[n, m]`.
    shares: Tensor<2>,
    /// `-L_k` of each example by all codes, nats: `[n]`.
    losses: Tensor<1>,
}

impl Objective<Vae> for Elbo {
    fn step(
        &mut self,
        vae: &Vae,
        batch: Batch,
        at: &Position,
        noise: &mut Noise,
    ) -> Result<StepOutput, BoxError> {
        let beta = self.beta_at(at);
        let resampled = self.resample(vae, &batch, beta, noise);
        let m = if resampled.is_some() { self.n_resampled } else { self.n_samples };
        let (x, context) = (batch.x.autodiff(), batch.context.map(Tensor::autodiff));
        let inputs = vae.inputs(x.clone(), context.as_ref());
        let posterior = vae.posterior(vae.encoder.network().forward_with_dropout(inputs, noise));
        let codes = posterior.repeated(m);
        let u = match &resampled {
            Some(resampled) => resampled.u.clone().autodiff(),
            None => codes.draw(noise),
        };
        let (z, ladj) = codes.transform(u.clone());
        let x = repeat_rows(x, m);
        let context = context.map(|context| repeat_rows(context, m));
        let mut log_likelihood = |z: Tensor<2>| {
            let inputs = append_context(z, context.as_ref(), vae.n_context);
            let outputs = vae.decoder.network().forward_with_dropout(inputs, noise);
            vae.output.log_prob(vae.parameters(outputs), x.clone())
        };
        // The mean over the batch of losses [n] whose gradient is minus that of the bound.
        let mean =
            |losses: Tensor<1>| weighted_mean(losses, batch.weights.clone().map(Tensor::autodiff).as_ref());
        let loss = |log_weights: Tensor<2>| match &resampled {
            Some(_) => mean(log_weights.mean_dim(1).squeeze_dim(1).neg()),
            None => mean(Self::losses(log_weights)),
        };
        let output = if self.estimator == GradientEstimator::DoublyReparametrized {
            let leaf = z.clone().detach().require_grad();
            let log_ratio = vae.log_prior(leaf.clone()) - codes.detached().log_prob(leaf.clone());
            let log_weights = Self::log_weights(log_likelihood(leaf.clone()), log_ratio, beta, m);
            let shares = match &resampled {
                Some(resampled) => resampled.shares.clone(),
                None => softmax(log_weights.clone().without_autodiff(), 1),
            };
            doubly_reparametrized(vae, loss(log_weights), shares, leaf, z)
        } else {
            let loss = match posterior.divergences() {
                Some(divergences) if self.n_samples == 1 && vae.prior.is_none() => {
                    mean(self.rates(divergences) * beta - log_likelihood(z))
                }
                _ => {
                    let log_ratio = vae.log_prior(z.clone()) - log_normal(u) + ladj;
                    loss(Self::log_weights(log_likelihood(z), log_ratio, beta, m))
                }
            };
            StepOutput::backward(vae, "loss", loss)
        };
        Ok(match &resampled {
            Some(resampled) => {
                let loss = weighted_mean(resampled.losses.clone(), batch.weights.as_ref());
                StepOutput { metrics: vec![("loss", loss.clone().into())], loss: Some(loss), ..output }
            }
            None => output,
        })
    }
}

/// Gradients of a `loss` of the codes `leaf [n · m, latent]`: of the decoder through the loss, of the encoder through the same codes `z`,
/// with their shares `w̃ [n, m]` as a further factor.
fn doubly_reparametrized(
    vae: &Vae,
    loss: Tensor<1>,
    shares: Tensor<2>,
    leaf: Tensor<2>,
    z: Tensor<2>,
) -> StepOutput {
    let backward = loss.clone().backward();
    let Some(slopes) = leaf.grad(&backward) else { panic!("a decoder that depends on its code") };
    // The slopes have one factor w̃ already: that of the loss, or the probability to be drawn.
    let surrogate = (z * Tensor::from_inner(slopes * shares.reshape([-1, 1]))).sum();
    let of_decoder = GradientsParams::from_grads(backward, vae);
    let of_encoder = GradientsParams::from_grads(surrogate.backward(), vae);
    StepOutput {
        gradients: params::join(vae, of_decoder, of_encoder),
        metrics: vec![("loss", loss.clone().into())],
        loss: Some(loss),
    }
}
