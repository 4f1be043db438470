//! What all models here have in common: a law that is a product of conditionals.
//!
//! ```text
//! p(x | c) = 1/K Σ_k Π_t p_k(x_{o_k(t)} | x_{o_k(0)}, …, x_{o_k(t-1)}, c)
//! ```
//!
//! for K orderings (mostly one), each with its order `o_k` of the variables, and a context `c` where the model has one. The
//! mixture is one of probabilities: its logarithm is a log-sum-exp of log-probabilities. An average of logits or of
//! log-probabilities would be no likelihood.

use burn::{module::Param, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::math::log_sum_exp_rows;

use crate::{
    Conditional, Order,
    sampling::{self, Given, Recursion},
};

/// A product of conditionals, or a mixture of several such products.
pub trait Autoregressive {
    /// The law of each variable given those before it.
    fn conditional(&self) -> Conditional;

    /// Number of variables, `D`.
    fn n_variables(&self) -> usize;

    /// Width of the context, 0 for a model without.
    fn n_context(&self) -> usize {
        0
    }

    /// Number of orderings in the mixture, `K`.
    fn n_orderings(&self) -> usize {
        1
    }

    /// The order of the variables in one of the orderings.
    fn order(&self, ordering: usize) -> &Order;

    /// The parameters of all conditionals `[n, D·P]`, those of a variable side by side, for examples `x [n, D]` with
    /// contexts `[n, C]`. Those of a variable depend on variables before it alone.
    ///
    /// # Panics
    /// If the shapes do not fit, or there is a context and the model has none, or the reverse.
    fn parameters(&self, ordering: usize, x: Tensor<2>, context: Option<Tensor<2>>) -> Tensor<2>;

    /// [`parameters`](Self::parameters) with hidden units dropped at random, for training a model whose configuration asks for
    /// it; for all others the same.
    ///
    /// # Panics
    /// As [`parameters`](Self::parameters).
    fn parameters_with_dropout(
        &self,
        ordering: usize,
        x: Tensor<2>,
        context: Option<Tensor<2>>,
        _noise: &mut Noise,
    ) -> Tensor<2> {
        self.parameters(ordering, x, context)
    }

    /// The same conditionals one after the other, without computing anything twice.
    fn recursion(&self, ordering: usize) -> Box<dyn Recursion + '_>;

    /// Where the parameters of the model are.
    fn device(&self) -> Device;

    /// The model with outputs that begin as the marginals of the data `x [n, D]`; see [`Conditional::marginals`].
    #[must_use]
    fn with_marginals(self, x: Tensor<2>) -> Self
    where
        Self: Sized;

    /// `ln p_k(x | c)` of one ordering, nats: `[n, D]`, `[n, C]` to `[n]`.
    ///
    /// # Panics
    /// As [`parameters`](Self::parameters).
    fn log_prob_in(&self, ordering: usize, x: Tensor<2>, context: Option<Tensor<2>>) -> Tensor<1> {
        self.conditional().log_prob(self.parameters(ordering, x.clone(), context), x)
    }

    /// `ln p(x | c)` of the mixture, nats: `[n, D]`, `[n, C]` to `[n]`.
    ///
    /// # Panics
    /// As [`parameters`](Self::parameters).
    fn log_prob_given(&self, x: Tensor<2>, context: Option<Tensor<2>>) -> Tensor<1> {
        let in_each = |k| self.log_prob_in(k, x.clone(), context.clone());
        match self.n_orderings() {
            1 => in_each(0),
            n => {
                let each = (0..n).map(|k| in_each(k).unsqueeze_dim(1)).collect();
                log_sum_exp_rows(Tensor::cat(each, 1)) - (n as f64).ln()
            }
        }
    }

    /// `n` independent exact draws `[n, D]` for contexts `[n, C]`.
    ///
    /// Each takes its ordering with probability `1/K`. All orderings come first out of the noise, then a uniform number
    /// for each variable in the order, example by example, then as many normal numbers if the conditionals need them.
    ///
    /// # Panics
    /// If the context does not fit.
    fn sample_given(&self, n: usize, context: Option<Tensor<2>>, noise: &mut Noise) -> Tensor<2> {
        sampling::sample(self, n, context, noise)
    }

    /// Examples `x [n, D]` of which the first `given.prefix` variables of the order stay and the others are drawn, exactly, in
    /// one of the orderings.
    ///
    /// # Panics
    /// If the shapes do not fit, or the prefix is longer than the order.
    fn complete(&self, ordering: usize, given: Given, noise: &mut Noise) -> Tensor<2> {
        sampling::complete(self, ordering, given, noise)
    }
}

/// Network inputs `[n, I]` with a context `[n, C]` behind them.
///
/// # Panics
/// If the context is there and has no place, or is missing, or has another shape.
pub(crate) fn with_context(x: Tensor<2>, context: Option<Tensor<2>>, n_context: usize) -> Tensor<2> {
    let n = x.dims()[0];
    match context {
        None => {
            assert_eq!(n_context, 0, "the model has a context of width {n_context}: give it");
            x
        }
        Some(context) => {
            assert_eq!(context.dims(), [n, n_context], "a context for {n} examples");
            Tensor::cat(vec![x, context], 1)
        }
    }
}

/// What a context `[n, C]` says to units of which each has weights `[C, units]` for it: `[n, units]`.
///
/// # Panics
/// If the context is there and has no place, or is missing, or has another shape.
pub(crate) fn told(
    n: usize,
    context: Option<Tensor<2>>,
    weights: &Option<Param<Tensor<2>>>,
) -> Option<Tensor<2>> {
    let width = weights.as_ref().map_or(0, |weights| weights.dims()[0]);
    match (context, weights) {
        (None, None) => None,
        (Some(context), Some(weights)) => {
            assert_eq!(context.dims(), [n, width], "a context for {n} examples");
            Some(context.matmul(weights.val()))
        }
        (None, Some(_)) => panic!("the model has a context of width {width}: give it"),
        (Some(_), None) => panic!("the model has no context"),
    }
}

/// Columns in another order: column `i` of the result is column `from[i]`. Costs nothing where all stay.
pub(crate) fn arranged<const D: usize>(x: Tensor<D>, from: &[usize]) -> Tensor<D> {
    if from.len() == x.dims()[1] && from.iter().enumerate().all(|(i, &j)| i == j) {
        return x;
    }
    let from: Vec<i64> = from.iter().map(|&j| j as i64).collect();
    let from = Tensor::<1, Int>::from_data(from.as_slice(), &x.device());
    x.select(1, from)
}

/// `LogProb` and `Sample` of a model without a context.
macro_rules! law {
    ($($model:ty),*) => {$(
        impl gibbs_core::LogProb for $model {
            /// # Panics
            /// Also if the model has a context: see [`Autoregressive::log_prob_given`].
            fn log_prob(&self, x: Tensor<2>) -> Tensor<1> {
                self.log_prob_given(x, None)
            }
        }

        impl gibbs_core::Sample for $model {
            /// # Panics
            /// If the model has a context: see [`Autoregressive::sample_given`].
            fn sample(&self, n: usize, noise: &mut gibbs_backend::Noise) -> Tensor<2> {
                self.sample_given(n, None, noise)
            }
        }
    )*};
}
pub(crate) use law;
