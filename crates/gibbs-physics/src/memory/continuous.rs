//! The modern Hopfield network with continuous states.

use burn::{prelude::*, tensor::activation::softmax};
use gibbs_core::{
    Energy,
    math::{log_sum_exp_rows, to_host},
};

use crate::error::{PhysicsError, positive};

/// Continuous states that are attracted by `p` patterns `x_μ` of `d` real numbers, the columns of `X`:
///
/// ```text
/// E(ξ) = - β⁻¹ ln Σ_μ exp(β x_μ·ξ) + ξ·ξ / 2 + β⁻¹ ln p + M² / 2,   M = max_μ |x_μ|
/// ξ <- X softmax(β Xᵀ ξ)
/// ```
///
/// The energy is not negative, a step never raises it, and `∂E/∂ξ` is the state less its update: fixed points are
/// stationary points. A step is attention with state `ξ` as query and the patterns as keys and values. Patterns that
/// are far apart, for the given `β`, are recalled in one step; a small `β` has fixed points that are means of many patterns.
///
/// The log-sum-exp is the logarithm of the exponential [`DenseMemory`](super::DenseMemory), at `β = 1`.
///
/// Reference: Ramsauer and others, "Hopfield networks is all you need", ICLR 2021, arXiv:2008.02217.
///
/// Cost: two products of `[batch, d]` and `[d, p]` a step.
#[derive(Clone, Debug)]
pub struct ContinuousMemory {
    /// `Xᵀ [p, d]`.
    patterns: Tensor<2>,
    beta: f64,
    /// `β⁻¹ ln p + M² / 2`.
    constant: f64,
}

impl ContinuousMemory {
    /// Stores the rows of `patterns [p, d]` at the inverse temperature `beta`.
    ///
    /// # Errors
    /// If there are no patterns, or `beta` is not positive and finite.
    pub fn new(patterns: Tensor<2>, beta: f64) -> Result<Self, PhysicsError> {
        if patterns.dims()[0] == 0 {
            return Err(PhysicsError::NoPatterns);
        }
        let beta = positive("beta", beta)?;
        let squares = to_host(patterns.clone().powi_scalar(2).sum_dim(1));
        let largest = squares.iter().copied().fold(0.0, f64::max);
        let constant = (squares.len() as f64).ln() / beta + 0.5 * largest;
        Ok(Self { patterns, beta, constant })
    }

    /// `softmax(β Xᵀ ξ)`, the weight of each pattern in the next state: `[batch, d] -> [batch, p]`.
    ///
    /// # Panics
    /// If the states are not as wide as the patterns.
    pub fn attention(&self, state: Tensor<2>) -> Tensor<2> {
        softmax(self.logits(state), 1)
    }

    /// One update of each row of `state [batch, d]`.
    ///
    /// # Panics
    /// If the states are not as wide as the patterns.
    pub fn step(&self, state: Tensor<2>) -> Tensor<2> {
        self.attention(state).matmul(self.patterns.clone())
    }

    /// `β Xᵀ ξ`.
    fn logits(&self, state: Tensor<2>) -> Tensor<2> {
        state.matmul(self.patterns.clone().transpose()) * self.beta
    }
}

impl Energy for ContinuousMemory {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        // Not a division: the gradient of one by a number has f32 precision in Burn 0.22.1.
        let log_sum = log_sum_exp_rows(self.logits(x.clone())) * self.beta.recip();
        let half_square = x.powi_scalar(2).sum_dim(1).squeeze_dim::<1>(1) * 0.5;
        half_square - log_sum + self.constant
    }
}
