//! The chain of invertible and stochastic layers, and its paths.

use burn::{module::Module, prelude::*, tensor::DType};
use gibbs_backend::Noise;
use gibbs_core::{
    Bijection, ConditionalLogProb, ConfigError, Slope,
    math::{row_zeros, to_host},
    params::placement,
    variational::Draws,
};

use super::{Interpolated, Kernel};
use crate::{Flow, base};

/// A stochastic layer at its place in the chain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StochasticLayer {
    /// The Markov chain.
    pub kernel: Kernel,
    /// `λ` of the density that it samples, in \[0, 1\].
    pub lambda: f64,
    /// Number of invertible layers before it, counted from the base.
    pub after: usize,
}

/// A flow with stochastic layers between its invertible ones. The base is standard normal.
#[derive(Module, Debug)]
pub struct StochasticFlow {
    /// The invertible layers, from data to the base.
    pub flow: Flow,
    #[module(skip)]
    stochastic: Vec<StochasticLayer>,
}

/// Paths between base and target.
#[derive(Clone, Debug)]
pub struct Paths {
    /// Where they end: points of the target for paths from the base, else of the base. `[n, D]`.
    pub end: Tensor<2>,
    /// `ln N(y_0; 0, 1) - Σ ΔS`, nats: `[n]`. It takes the place of `ln q(x)` of a flow.
    pub log_q: Tensor<1>,
    /// `E(x)` at the end of the path that belongs to the target: `[n]`.
    pub energy: Tensor<1>,
}

impl Paths {
    /// `ln w = -E(x) - log_q`, nats: `[n]`.
    pub fn log_weights(&self) -> Tensor<1> {
        self.energy.clone().neg() - self.log_q.clone()
    }
}

/// Moves points by one stochastic layer at `λ`: the new points and `ΔS`.
type Step<'a> = &'a mut dyn FnMut(&StochasticLayer, Tensor<2>) -> (Tensor<2>, Tensor<1>);

impl StochasticFlow {
    /// `flow` with stochastic layers, in the order of the path from the base.
    ///
    /// # Errors
    /// If the flow has a context or a base that is not standard normal, or a layer is out of place or order.
    pub fn new(flow: Flow, stochastic: Vec<StochasticLayer>) -> Result<Self, ConfigError> {
        let n_context = flow.n_context();
        ConfigError::require(n_context == 0, "n_context", n_context, "a target density has no context")?;
        ConfigError::require(
            flow.has_normal_base(),
            "base",
            "given",
            "stochastic layers need the normal base",
        )?;
        let depth = flow.layers.len();
        for layer in &stochastic {
            let holds = (0.0..=1.0).contains(&layer.lambda);
            ConfigError::require(holds, "lambda", layer.lambda, "must lie in [0, 1]")?;
            let reason = format!("there are {depth} invertible layers");
            ConfigError::require(layer.after <= depth, "after", layer.after, reason)?;
        }
        let is_sorted = stochastic.is_sorted_by_key(|layer| layer.after);
        ConfigError::require(is_sorted, "layers", "out of order", "must follow the path from the base")?;
        Ok(Self { flow, stochastic })
    }

    /// The stochastic layers, in the order of the path from the base.
    pub fn stochastic(&self) -> &[StochasticLayer] {
        &self.stochastic
    }

    /// `n` paths from draws of the base to the target.
    pub fn paths(&self, n: usize, energy: &(impl Slope + ?Sized), noise: &mut Noise) -> Paths {
        let (device, dtype) = placement(self).unwrap_or_else(|| (Device::default(), DType::F32));
        let z = base::sample(None, [n, self.flow.n_variables()], 1.0, (&device, dtype), noise);
        self.paths_from(z, energy, noise)
    }

    /// Paths from points `z [n, D]` of the base to the target. Differentiable in `z` and in the parameters.
    ///
    /// # Panics
    /// If `z` has another width.
    pub fn paths_from(&self, z: Tensor<2>, energy: &(impl Slope + ?Sized), noise: &mut Noise) -> Paths {
        let (x, entropy) = self.forth(z.clone(), &mut |layer, x| {
            layer.kernel.run(&Interpolated::new(energy, layer.lambda), x, noise)
        });
        Paths { log_q: base::log_prob(None, z) - entropy, energy: energy.energy(x.clone()), end: x }
    }

    /// Paths from points `x [n, D]` of the target back to the base: the layers in reverse order, each in the other direction. Their
    /// weights are those of the same paths taken from the base.
    ///
    /// # Panics
    /// If `x` has another width.
    pub fn paths_back(&self, x: Tensor<2>, energy: &(impl Slope + ?Sized), noise: &mut Noise) -> Paths {
        let (z, entropy) = self.back(x.clone(), &mut |layer, x| {
            layer.kernel.run(&Interpolated::new(energy, layer.lambda), x, noise)
        });
        Paths { log_q: base::log_prob(None, z.clone()) + entropy, energy: energy.energy(x), end: z }
    }

    /// Draws `n` paths from the base, `at_once` at a time: `log_q` takes the place of `ln q(x)`, so that weights, `ln Z` and averages
    /// are those of [`Draws`]. `see` receives each batch of ends `[batch, D]`.
    ///
    /// # Panics
    /// If `n` or `at_once` is 0.
    pub fn draws(
        &self,
        energy: &(impl Slope + ?Sized),
        [n, at_once]: [usize; 2],
        noise: &mut Noise,
        mut see: impl FnMut(&Tensor<2>),
    ) -> Draws {
        assert!(at_once > 0, "paths at a time");
        let (mut log_q, mut energies) = (Vec::with_capacity(n), Vec::with_capacity(n));
        while log_q.len() < n {
            let paths = self.paths(at_once.min(n - log_q.len()), energy, noise);
            see(&paths.end);
            log_q.extend(to_host(paths.log_q));
            energies.extend(to_host(paths.energy));
        }
        Draws::new(log_q, energies)
    }

    /// The path from the base: its end and `Σ ΔS`.
    fn forth(&self, z: Tensor<2>, step: Step<'_>) -> (Tensor<2>, Tensor<1>) {
        let mut at = (z.clone(), row_zeros(&z));
        let mut stochastic = self.stochastic.iter().peekable();
        for depth in 0..=self.flow.layers.len() {
            while let Some(layer) = stochastic.next_if(|layer| layer.after == depth) {
                let (x, entropy) = step(layer, at.0);
                at = (x, at.1 + entropy);
            }
            if let Some(layer) = self.flow.layers.iter().rev().nth(depth) {
                let (x, ladj) = layer.inverse(at.0, None);
                at = (x, at.1 + ladj);
            }
        }
        at
    }

    /// The path to the base: its end, and the sum of `ΔS` of its own steps.
    fn back(&self, x: Tensor<2>, step: Step<'_>) -> (Tensor<2>, Tensor<1>) {
        let mut at = (x.clone(), row_zeros(&x));
        let mut stochastic = self.stochastic.iter().rev().peekable();
        for depth in (0..=self.flow.layers.len()).rev() {
            while let Some(layer) = stochastic.next_if(|layer| layer.after == depth) {
                let (z, entropy) = step(layer, at.0);
                at = (z, at.1 + entropy);
            }
            if let Some(layer) =
                depth.checked_sub(1).and_then(|below| self.flow.layers.iter().rev().nth(below))
            {
                let (z, ladj) = layer.forward(at.0, None);
                at = (z, at.1 + ladj);
            }
        }
        at
    }
}
