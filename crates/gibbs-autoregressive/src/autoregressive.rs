//! The trait of all models here: a distribution that is a product of conditional distributions.
//!
//! ```text
//! p(x | c) = 1/K Σ_k Π_t p_k(x_{o_k(t)} | x_{o_k(0)}, …, x_{o_k(t-1)}, c)
//! ```
//!
//! A model has K masks (K = 1 for most). Mask `k` has its own order `o_k` of the variables. `c` is a context, if the model has
//! one. The mixture averages probabilities: its logarithm is a log-sum-exp of log-probabilities. An average of logits or of
//! log-probabilities is not a likelihood.

use burn::{module::Param, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{ConditionalLogProb, check, columns, math::log_sum_exp_rows};

use crate::{
    EvidenceError, Order, OutputDistribution,
    sampling::{Ancestral, AncestralSampler, Completion, host},
};

/// Examples whose first variables in the order are known.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The examples `[n, D]`. Values of unknown variables are ignored.
    pub x: Tensor<2>,
    /// Number of known variables: the first ones in the order.
    pub prefix: usize,
    /// Their contexts `[n, C]`.
    pub context: Option<Tensor<2>>,
}

/// A product of conditional distributions, or a mixture of such products.
pub trait Autoregressive: ConditionalLogProb + Ancestral {
    /// What panics call the model, such as "the MADE".
    fn name(&self) -> &'static str;

    /// The conditional distribution of each variable.
    fn output(&self) -> &OutputDistribution;

    /// Number of variables, `D`.
    fn n_visible(&self) -> usize;

    /// Number of masks in the mixture, `K`.
    fn n_masks(&self) -> usize {
        1
    }

    /// The order of the variables under a mask.
    fn order(&self, mask: usize) -> &Order;

    /// The parameters of all conditional distributions `[n, D·P]`, those of a variable adjacent, for examples `x [n, D]` with
    /// contexts `[n, C]`. The parameters of a variable depend on earlier variables only.
    ///
    /// # Panics
    /// If the shapes do not fit, or there is a context and the model has none, or the reverse.
    fn parameters(&self, mask: usize, x: Tensor<2>, context: Option<&Tensor<2>>) -> Tensor<2>;

    /// [`parameters`](Self::parameters) with dropout, if the config of the model has it. For training.
    ///
    /// # Panics
    /// As [`parameters`](Self::parameters).
    fn parameters_with_dropout(
        &self,
        mask: usize,
        x: Tensor<2>,
        context: Option<&Tensor<2>>,
        _noise: &mut Noise,
    ) -> Tensor<2> {
        self.parameters(mask, x, context)
    }

    /// Biases of the parameters of all variables, `[D·P]`.
    fn output_bias(&mut self) -> &mut Param<Tensor<1>>;

    /// The device of the model.
    fn device(&self) -> Device;

    /// A copy of the model with one mask, whose order begins with the `known` variables. `None` if the model was not trained
    /// in many orders.
    ///
    /// # Panics
    /// If `known` does not have one entry for each variable.
    fn starting_with(&self, _known: &[bool]) -> Option<Box<dyn Autoregressive>> {
        None
    }

    /// The model with output biases set to the marginals of the data `x [n, D]`; see [`OutputDistribution::marginals`].
    #[must_use]
    fn with_marginals(mut self, x: Tensor<2>) -> Self
    where
        Self: Sized,
    {
        let marginals = self.output().marginals(x);
        *self.output_bias() = Param::from_tensor(marginals);
        self
    }

    /// `ln p_k(x | c)` under one mask, nats: `[n, D]`, `[n, C]` to `[n]`.
    ///
    /// Invalid values are not detected here, so that a step of training need not wait for the device: check the data once with
    /// [`OutputDistribution::check`].
    ///
    /// # Panics
    /// As [`parameters`](Self::parameters).
    fn log_prob_in(&self, mask: usize, x: Tensor<2>, context: Option<&Tensor<2>>) -> Tensor<1> {
        self.output().log_prob(self.parameters(mask, x.clone(), context), x)
    }

    /// `n` independent exact draws `[n, D]` for contexts `[n, C]`.
    ///
    /// Each draw uses a mask chosen with probability `1/K`. The noise first gives all masks, then a uniform number for each
    /// variable in the order, example by example, then as many normal numbers if the output distribution needs them.
    ///
    /// # Panics
    /// If the context does not fit.
    fn sample_given(&self, n: usize, context: Option<&Tensor<2>>, noise: &mut Noise) -> Tensor<2> {
        let (device, n_masks) = (self.device(), self.n_masks());
        let blank = |n| Tensor::<2>::zeros([n, self.n_visible()], &device);
        if n_masks == 1 || n == 0 {
            return self.complete(0, Evidence { x: blank(n), prefix: 0, context: context.cloned() }, noise);
        }
        let chosen: Vec<usize> = (0..n).map(|_| noise.below(n_masks)).collect();
        let mut blocks = Vec::new();
        let mut places: Vec<usize> = Vec::with_capacity(n);
        for mask in 0..n_masks {
            let own: Vec<usize> = (0..n).filter(|&i| chosen[i] == mask).collect();
            if own.is_empty() {
                continue;
            }
            let context = context.map(|context| context.clone().select(0, indices(&own, &device)));
            blocks.push(self.complete(mask, Evidence { x: blank(own.len()), prefix: 0, context }, noise));
            places.extend(own);
        }
        Tensor::cat(blocks, 0).select(0, indices(&columns::inverse(&places), &device))
    }

    /// Completes examples: the first `evidence.prefix` variables of the order stay, the others are exact draws under one mask.
    ///
    /// # Panics
    /// If the shapes do not fit, or the prefix is longer than the order.
    fn complete(&self, mask: usize, evidence: Evidence, noise: &mut Noise) -> Tensor<2> {
        self.complete_with(mask, &*self.sampler(mask), evidence, noise)
    }

    /// [`complete`](Self::complete) with any sampler of the mask. The draws do not depend on the sampler.
    ///
    /// # Panics
    /// As [`complete`](Self::complete).
    fn complete_with(
        &self,
        mask: usize,
        sampler: &dyn AncestralSampler,
        evidence: Evidence,
        noise: &mut Noise,
    ) -> Tensor<2> {
        let Evidence { x, prefix, context } = evidence;
        let [n, width] = x.dims();
        require_shapes(self, &x, context.as_ref());
        assert!(prefix <= width, "{}: a prefix of {prefix} of {width} variables", self.name());
        let output = self.output();
        let mut x = host(x);
        let completion = Completion {
            output,
            variables: self.order(mask).variables(),
            prefix,
            context: context.map(host).unwrap_or_default(),
            uniforms: noise.uniform_vec(n * width),
            normals: if output.draws_normal() { noise.normal_vec(n * width) } else { Vec::new() },
        };
        completion.run(sampler, &mut x);
        Tensor::from_data(TensorData::new(x, [n, width]), &self.device())
    }

    /// Completes examples `x [n, D]` with contexts `[n, C]`: the `known` variables stay, the others are exact draws.
    ///
    /// The order must begin with the known variables. A model that was trained in many orders takes such an order.
    ///
    /// # Errors
    /// If no order of the model begins with the known variables.
    ///
    /// # Panics
    /// If the shapes do not fit.
    fn complete_known(
        &self,
        known: &[bool],
        x: Tensor<2>,
        context: Option<&Tensor<2>>,
        noise: &mut Noise,
    ) -> Result<Tensor<2>, EvidenceError> {
        let prefix = known.iter().filter(|known| **known).count();
        let evidence = Evidence { x, prefix, context: context.cloned() };
        if self.order(0).begins_with(known) {
            return Ok(self.complete(0, evidence, noise));
        }
        let other = self.starting_with(known).ok_or(EvidenceError)?;
        Ok(other.complete(0, evidence, noise))
    }
}

/// Checks the shapes of examples `x [n, D]` and of their contexts.
///
/// # Panics
/// If they do not fit the model. The message names the model and the shapes that it needs.
pub(crate) fn require_shapes(
    model: &(impl Autoregressive + ?Sized),
    x: &Tensor<2>,
    context: Option<&Tensor<2>>,
) {
    check::require_width(model.name(), x, model.n_visible());
    check::require_context(model.name(), x.dims()[0], context, model.n_context());
}

/// `ln p(x | c)` of the mixture over masks: [`ConditionalLogProb::log_prob_given`] of all models.
///
/// # Panics
/// If shapes or values do not fit the model.
pub(crate) fn log_prob_given(
    model: &(impl Autoregressive + ?Sized),
    x: Tensor<2>,
    context: Option<&Tensor<2>>,
) -> Tensor<1> {
    require_shapes(model, &x, context);
    model.output().require_values(model.name(), &x);
    log_prob_of_values(model, x, context)
}

/// [`log_prob_given`] of valid values. Does not wait for the device.
pub(crate) fn log_prob_of_values(
    model: &(impl Autoregressive + ?Sized),
    x: Tensor<2>,
    context: Option<&Tensor<2>>,
) -> Tensor<1> {
    match model.n_masks() {
        1 => model.log_prob_in(0, x, context),
        n => {
            let in_each = |k| model.log_prob_in(k, x.clone(), context).unsqueeze_dim(1);
            log_sum_exp_rows(Tensor::cat((0..n).map(in_each).collect(), 1)) - (n as f64).ln()
        }
    }
}

fn indices(rows: &[usize], device: &Device) -> Tensor<1, Int> {
    let rows: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
    Tensor::from_data(rows.as_slice(), device)
}

/// Implements `ConditionalLogProb` and `Sample` for a model, given the width of its context.
macro_rules! distribution {
    ($type:ty, |$model:ident| $n_context:expr) => {
        impl gibbs_core::ConditionalLogProb for $type {
            fn n_context(&self) -> usize {
                let $model = self;
                $n_context
            }

            /// Waits for the device once, to check the values.
            ///
            /// # Panics
            /// If the shapes do not fit, or a value of `x` has no probability, such as 7 or NaN for a bit.
            fn log_prob_given(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> Tensor<1> {
                $crate::autoregressive::log_prob_given(self, x, context)
            }
        }

        impl gibbs_core::Sample for $type {
            /// # Panics
            /// If the model has a context: see [`Autoregressive::sample_given`].
            fn sample(&self, n: usize, noise: &mut gibbs_backend::Noise) -> Tensor<2> {
                self.sample_given(n, None, noise)
            }
        }
    };
}
pub(crate) use distribution;
