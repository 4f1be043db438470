//! One trait for each capability of a model. `x` is data, `z` latent, both `[batch, width]`.

use burn::{
    module::{Module, ModuleDisplay},
    optim::GradientsParams,
    prelude::*,
};
use gibbs_backend::Noise;

/// A normalized law whose log-density can be computed exactly.
pub trait LogProb {
    /// Exact log density or log probability of each row of `x [batch, width]`, in nats: `[batch]`.
    ///
    /// # Panics
    /// If the width of `x` is not the model's.
    fn log_prob(&self, x: Tensor<2>) -> Tensor<1>;
}

/// A law that can be sampled exactly. A Markov chain does not implement this trait.
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

/// What a model is trained on. Everything that outlives a step (Markov chains, counters) lives in
/// the implementor; the model itself is only read.
pub trait Objective<M> {
    /// Descent direction of the objective at `model` for `batch [batch, width]`.
    fn step(&mut self, model: &M, batch: Tensor<2>, noise: &mut Noise) -> StepOutput;
}

/// Result of one [`Objective::step`]: gradients for any Burn optimizer, and figures still on the device.
pub struct StepOutput {
    /// Gradient of the loss (to be descended) for each parameter of the model.
    pub gradients: GradientsParams,
    /// Named scalars `[1]` left on the device, so that a step needs no synchronization.
    pub figures: Vec<(&'static str, Tensor<1>)>,
}
