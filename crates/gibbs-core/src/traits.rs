//! One trait for each capability of a model. `x` is data, `z` latent, both `[batch, width]`; `c` is a context.

use burn::{
    module::{Module, ModuleDisplay},
    prelude::*,
};
use gibbs_backend::Noise;

/// A normalized distribution whose log-density can be computed exactly.
pub trait LogProb {
    /// Exact log density or log probability of each row of `x [batch, width]`, in nats: `[batch]`.
    ///
    /// # Panics
    /// If the width of `x` is not the model's.
    fn log_prob(&self, x: Tensor<2>) -> Tensor<1>;
}

/// A normalized distribution given a context: the one signature of conditional densities.
///
/// A model without a context is one whose context has the width 0.
pub trait ConditionalLogProb {
    /// Width of the context, 0 for a model without one.
    fn n_context(&self) -> usize;

    /// `ln p(x | c)` of each row of `x [batch, width]` for contexts `[batch, n_context]`, in nats: `[batch]`.
    ///
    /// # Panics
    /// If the shapes do not fit, or there is a context and the model has none, or the reverse.
    fn log_prob_given(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> Tensor<1>;
}

/// # Panics
/// Also if the model has a context: see [`ConditionalLogProb::log_prob_given`].
impl<M: ConditionalLogProb> LogProb for M {
    fn log_prob(&self, x: Tensor<2>) -> Tensor<1> {
        self.log_prob_given(x, None)
    }
}

/// A distribution that can be sampled exactly. A Markov chain does not implement this trait.
pub trait Sample {
    /// `n` independent exact draws, `[n, width]`.
    fn sample(&self, n: usize, noise: &mut Noise) -> Tensor<2>;
}

/// A Hamiltonian.
pub trait Energy {
    /// Energy of each row of `x [batch, width]`: `[batch]`, dimensionless (`log p(x) = -E(x) - log Z`).
    ///
    /// # Panics
    /// If the width of `x` is not that of the Hamiltonian.
    fn energy(&self, x: Tensor<2>) -> Tensor<1>;
}

/// A function is the energy that it computes.
impl<F: Fn(Tensor<2>) -> Tensor<1>> Energy for F {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        self(x)
    }
}

/// An invertible map from data `x` to latent `z` with its log-determinant, for each context `c` where it depends on one.
pub trait Bijection: Module + ModuleDisplay {
    /// `x [batch, width] -> (z [batch, width], ladj [batch])` with `ladj = log |det ∂z/∂x|`, nats.
    ///
    /// `context [batch, width of the context]` is what the map is conditioned on; one that depends on none ignores it.
    ///
    /// # Panics
    /// If the widths are not those of the map, or it needs a context and there is none.
    fn forward(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>);

    /// `z [batch, width] -> (x [batch, width], log |det ∂x/∂z| [batch])`, the inverse of [`forward`](Self::forward) in the
    /// same context.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    fn inverse(&self, z: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>);
}
