//! The cached sampler of a transformer: each token passes the blocks once.
//!
//! ```text
//! before the first variable of token t:   u_t from x_{t-1} and the cached keys and values; those of t join them
//! within the token:                       the sampler of the MADE with the context u_t
//! ```

use burn::prelude::*;
use gibbs_backend::parallel::current_num_threads;
use gibbs_core::nn::project_context;

use super::{Cache, Transformer};
use crate::sampling::{Ancestral, AncestralSampler, Observed, SamplerState, host, placed, placed_context};

/// The most numbers in the caches of a block of examples: 64 MiB.
const CACHED: usize = 1 << 24;

struct TransformerSampler<'a> {
    model: &'a Transformer,
    head: Box<dyn AncestralSampler + 'a>,
    /// Biases in the order of the variables.
    bias: Vec<f32>,
}

impl Ancestral for Transformer {
    fn sampler(&self, _: usize) -> Box<dyn AncestralSampler + '_> {
        let bias = host(self.output_bias.val());
        let columns = self.order.columns(self.config.output.n_parameters());
        Box::new(TransformerSampler {
            head: self.head.sampler(0),
            bias: columns.into_iter().map(|column| bias[column]).collect(),
            model: self,
        })
    }
}

impl TransformerSampler<'_> {
    /// The state at the first variable of a token, from the network inputs of the token before it.
    fn token(
        &self,
        token: usize,
        n: usize,
        before: &[f32],
        projected: Option<&Tensor<2>>,
        caches: &mut [Cache],
    ) -> Box<dyn SamplerState + '_> {
        let shape = [n, 1, before.len() / n.max(1)];
        let before = placed(before.to_vec(), shape, &self.model.positions.val());
        self.head.start(n, &host(self.model.states(token, before, projected, caches)))
    }
}

impl AncestralSampler for TransformerSampler<'_> {
    fn start(&self, n: usize, context: &[f32]) -> Box<dyn SamplerState + '_> {
        let config = &self.model.config;
        let context = placed_context(n, context, &self.model.positions.val());
        let projected = project_context(n, context.as_ref(), &self.model.context);
        let mut caches = vec![Cache::default(); config.n_layers];
        let inputs = vec![0.0; n * config.patch * config.output.n_inputs()];
        let within = self.token(0, n, &inputs, projected.as_ref(), &mut caches);
        Box::new(TransformerState { sampler: self, n, projected, caches, inputs, within })
    }

    fn rows_at_once(&self, n: usize) -> usize {
        let config = &self.model.config;
        let cached = 2 * config.n_layers * config.n_tokens() * config.d_model;
        n.div_ceil(current_num_threads()).clamp(1, (CACHED / cached).max(1))
    }
}

struct TransformerState<'a> {
    sampler: &'a TransformerSampler<'a>,
    n: usize,
    projected: Option<Tensor<2>>,
    caches: Vec<Cache>,
    /// Network inputs `[n, k·inputs]` of the token so far, row by row.
    inputs: Vec<f32>,
    /// The state within the token.
    within: Box<dyn SamplerState + 'a>,
}

impl SamplerState for TransformerState<'_> {
    fn parameters(&mut self, position: usize, parameters: &mut [f32]) {
        let config = &self.sampler.model.config;
        let per = config.output.n_parameters();
        let bias = &self.sampler.bias[position * per..(position + 1) * per];
        self.within.parameters(position % config.patch, parameters);
        for row in parameters.chunks_exact_mut(per) {
            row.iter_mut().zip(bias).for_each(|(parameter, bias)| *parameter += bias);
        }
    }

    fn observe(&mut self, observed: &Observed) {
        let config = &self.sampler.model.config;
        let (n_inputs, position) = (observed.n_inputs(), observed.position % config.patch);
        let rows = self.inputs.chunks_exact_mut(config.patch * n_inputs);
        for (row, inputs) in rows.zip(observed.inputs.chunks_exact(n_inputs)) {
            row[position * n_inputs..(position + 1) * n_inputs].copy_from_slice(inputs);
        }
        self.within.observe(&Observed { position, ..*observed });
        let next = observed.position + 1;
        if next.is_multiple_of(config.patch) && next < config.n_visible {
            let (sampler, projected) = (self.sampler, self.projected.as_ref());
            self.within =
                sampler.token(next / config.patch, self.n, &self.inputs, projected, &mut self.caches);
        }
    }
}
