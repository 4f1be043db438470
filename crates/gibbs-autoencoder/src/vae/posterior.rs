//! What the encoder infers: a normal distribution of the code, or this through a flow.

use burn::prelude::*;
use gibbs_backend::{Noise, tanh};
use gibbs_core::{
    Bijection,
    math::{log_normal, repeat_rows, row_sums, row_zeros},
};
use gibbs_flow::Flow;

/// Bound on `s`, the logarithm of the standard deviations of a posterior: they lie between 0.0009 and 1097.
pub(super) const LOG_SCALE: f64 = 7.0;

/// The distributions `q(z | x)` of `n` examples.
#[derive(Clone, Debug)]
pub struct Posterior<'a> {
    /// `μ [n, latent]`.
    pub mean: Tensor<2>,
    /// `s = ln σ [n, latent]`.
    pub log_scale: Tensor<2>,
    pub(super) context: Option<Tensor<2>>,
    pub(super) flow: Option<&'a Flow>,
}

impl<'a> Posterior<'a> {
    /// From the outputs of an encoder `[n, 2·latent + context]`: `μ`, `s` before its bound, and the context of `flow`.
    pub(super) fn new(outputs: Tensor<2>, n_latent: usize, flow: Option<&'a Flow>) -> Self {
        let rest = outputs.dims()[1] - 2 * n_latent;
        Self {
            mean: outputs.clone().narrow(1, 0, n_latent),
            log_scale: tanh(outputs.clone().narrow(1, n_latent, n_latent) / LOG_SCALE) * LOG_SCALE,
            context: (rest > 0).then(|| outputs.narrow(1, 2 * n_latent, rest)),
            flow,
        }
    }

    /// `copies` of each distribution next to each other: `n · copies` distributions.
    #[must_use]
    pub fn repeated(&self, copies: usize) -> Self {
        let repeat = |x: &Tensor<2>| repeat_rows(x.clone(), copies);
        Self {
            mean: repeat(&self.mean),
            log_scale: repeat(&self.log_scale),
            context: self.context.as_ref().map(repeat),
            flow: self.flow,
        }
    }

    /// `z = g_x(u)` and `ln |det ∂g_x/∂u|` for `u [n, latent]`: `([n, latent], [n])`.
    pub fn transform(&self, u: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        let z = self.mean.clone() + self.log_scale.clone().exp() * u;
        let ladj = row_sums(self.log_scale.clone());
        match self.flow {
            None => (z, ladj),
            Some(flow) => {
                let (z, flow_ladj) = flow.inverse(z, self.context.as_ref());
                (z, ladj + flow_ladj)
            }
        }
    }

    /// The image of `u = 0`: `μ` of a Gaussian posterior, `[n, latent]`.
    pub fn center(&self) -> Tensor<2> {
        self.transform(self.mean.zeros_like()).0
    }

    /// `KL(q(z | x) ‖ N(0, 1))` of each latent variable, nats: `[n, latent]`; `None` for a flow, which has no closed form.
    pub fn divergences(&self) -> Option<Tensor<2>> {
        let variance = (self.log_scale.clone() * 2.0).exp();
        let twice = self.mean.clone().square() + variance - self.log_scale.clone() * 2.0 - 1.0;
        self.flow.is_none().then(|| twice * 0.5)
    }

    /// `ln q(z | x)` of `z [n, latent]`, nats: `[n]`.
    pub fn log_prob(&self, z: Tensor<2>) -> Tensor<1> {
        let (u, ladj) = self.inverse(z);
        log_normal(u) + ladj
    }

    /// `u` of `z = g_x(u) [n, latent]`, and `ln |det ∂u/∂z|`: `([n, latent], [n])`.
    pub fn inverse(&self, z: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        let (z, ladj) = match self.flow {
            None => (z.clone(), row_zeros(&z)),
            Some(flow) => flow.forward(z, self.context.as_ref()),
        };
        let u = (z - self.mean.clone()) * self.log_scale.clone().neg().exp();
        (u, ladj - row_sums(self.log_scale.clone()))
    }

    /// The same distributions, held fixed in a backward pass.
    pub(super) fn detached(&self) -> Self {
        Self {
            mean: self.mean.clone().detach(),
            log_scale: self.log_scale.clone().detach(),
            context: self.context.clone().map(Tensor::detach),
            flow: self.flow,
        }
    }

    /// Standard normal `u [n, latent]`.
    pub(super) fn draw(&self, noise: &mut Noise) -> Tensor<2> {
        noise.normal(self.mean.dims(), (&self.mean.device(), self.mean.dtype()))
    }
}
