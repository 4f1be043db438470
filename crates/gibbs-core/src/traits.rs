//! One trait for each capability of a model. `x` is data and `z` is latent, both `[batch, width]`. `c` is a context.

use burn::{
    module::{Module, ModuleDisplay},
    prelude::*,
};
use gibbs_backend::Noise;

/// A normalized distribution with an exact log-density.
pub trait LogProb {
    /// Exact log-density or log-probability of each row of `x [batch, width]`, in nats: `[batch]`.
    ///
    /// # Panics
    /// If `x` does not have the width of the model.
    fn log_prob(&self, x: Tensor<2>) -> Tensor<1>;
}

/// A normalized distribution that depends on a context. All models with a density use this signature.
///
/// A model without a context returns `n_context() = 0`, and receives `None`.
pub trait ConditionalLogProb {
    /// Width of the context; 0 for a model without a context.
    fn n_context(&self) -> usize;

    /// `ln p(x | c)` of each row of `x [batch, width]` for contexts `[batch, n_context]`, in nats: `[batch]`.
    ///
    /// # Panics
    /// If the shapes do not fit, if the model needs a context and receives none, or if it has none and receives one.
    fn log_prob_given(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> Tensor<1>;
}

/// # Panics
/// If the model needs a context.
impl<M: ConditionalLogProb> LogProb for M {
    fn log_prob(&self, x: Tensor<2>) -> Tensor<1> {
        self.log_prob_given(x, None)
    }
}

/// A distribution with exact sampling. A Markov chain does not implement this trait.
pub trait Sample {
    /// `n` independent exact draws, `[n, width]`.
    fn sample(&self, n: usize, noise: &mut Noise) -> Tensor<2>;
}

/// A Hamiltonian, or another energy function.
pub trait Energy {
    /// Dimensionless energy of each row of `x [batch, width]`: `[batch]`, with `log p(x) = -E(x) - log Z`.
    ///
    /// # Panics
    /// If `x` does not have the width of the energy.
    fn energy(&self, x: Tensor<2>) -> Tensor<1>;
}

/// An energy whose gradient is known in closed form.
pub trait Slope: Energy {
    /// `∇E` of each row of `x [batch, width]`: `[batch, width]`. It is itself differentiable in `x`, so that autodiff of first
    /// order trains through steps along the gradient.
    ///
    /// # Panics
    /// If `x` does not have the width of the energy.
    fn slope(&self, x: Tensor<2>) -> Tensor<2>;
}

/// A function from `x [batch, width]` to `[batch]` is an energy.
impl<F: Fn(Tensor<2>) -> Tensor<1>> Energy for F {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        self(x)
    }
}

/// An invertible map from data `x` to latent `z` with its log-determinant. It may depend on a context `c`.
pub trait Bijection: Module + ModuleDisplay {
    /// `x [batch, width] -> (z [batch, width], ladj [batch])` with `ladj = log |det ∂z/∂x|`, nats.
    ///
    /// The map is conditioned on `context [batch, n_context]`. A map without a context ignores it.
    ///
    /// # Panics
    /// If the widths do not fit, or if the map needs a context and receives none.
    fn forward(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>);

    /// `z [batch, width] -> (x [batch, width], log |det ∂x/∂z| [batch])`, nats: the inverse of [`forward`](Self::forward) for
    /// the same context.
    ///
    /// # Panics
    /// In the cases of [`forward`](Self::forward).
    fn inverse(&self, z: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>);
}
