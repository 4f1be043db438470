//! Positions as data: their likelihood, with momenta that are not seen.
//!
//! ```text
//! ln w = ln ρ(q, p) - ln N(p; 0, 1),   p ~ N(0, 1)
//! E[w] = ∫ ρ(q, p) dp = ρ(q),   E[ln w] ≤ E[ln (w₁ + … + w_k)/k] ≤ ln ρ(q)
//! ```
//!
//! The bound is tight where `ρ` has the momenta of particles of mass 1 at `kT = 1`. Training by it makes them so.
//!
//! References: Li, Dong, Zhang & Wang (2020), arXiv:1910.00024, for momenta drawn next to data; Burda, Grosse &
//! Salakhutdinov (2016), arXiv:1509.00519, for the bound by `k` weights.

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{
    Batch, BoxError, LogProb, Objective, Position, StepOutput, math::log_normal, weighted_mean,
};

use super::{CanonicalFlow, joined};

impl CanonicalFlow {
    /// `ln w [batch]` of positions `q [batch, n]`, with new momenta for each row.
    ///
    /// # Panics
    /// If there are not `n` positions.
    pub fn log_weights(&self, q: Tensor<2>, noise: &mut Noise) -> Tensor<1> {
        let p = noise.normal(q.dims(), (&q.device(), q.dtype()));
        let log_normal = log_normal(p.clone());
        self.log_prob(joined(q, p)) - log_normal
    }
}

/// Maximum likelihood of positions: minimizes the mean of `-ln w` over a batch `[batch, n]`, nats, by the weights of the examples.
/// Metric: `loss`.
#[derive(Clone, Copy, Debug, Default)]
pub struct PositionLikelihood;

impl Objective<CanonicalFlow> for PositionLikelihood {
    fn step(
        &mut self,
        flow: &CanonicalFlow,
        batch: Batch,
        _: &Position,
        noise: &mut Noise,
    ) -> Result<StepOutput, BoxError> {
        let weights = batch.weights.map(Tensor::autodiff);
        let log_weights = flow.log_weights(batch.x.autodiff(), noise);
        Ok(StepOutput::backward(flow, "loss", weighted_mean(log_weights, weights.as_ref()).neg()))
    }
}
