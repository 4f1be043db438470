//! The conditionals of a transformer one after the other, each token passing the blocks once.
//!
//! ```text
//! before the first variable of token t:   u_t from x_{t-1} and the kept keys and values; those of t join them
//! within the token:                       the recursion of the MADE with the context u_t
//! ```

use burn::{prelude::*, tensor::DType};

use super::{Cache, Transformer};
use crate::{
    Autoregressive,
    autoregressive::told,
    sampling::{Recursion, Walk, host},
};

/// How many numbers the kept keys and values of the rows that go together may have: 64 MiB.
const KEPT: usize = 1 << 24;

/// The recursion.
pub(super) struct Tokens<'a> {
    model: &'a Transformer,
    head: Box<dyn Recursion + 'a>,
    /// Biases in the order of the variables.
    bias: Vec<f32>,
    dtype: DType,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(model: &'a Transformer) -> Self {
        let per = model.config.conditional.n_parameters();
        let bias = host(model.output_bias.val());
        let variables = model.order.variables().iter();
        Self {
            head: model.head.recursion(0),
            bias: variables.flat_map(|&v| bias[v * per..(v + 1) * per].to_vec()).collect(),
            dtype: model.positions.val().dtype(),
            model,
        }
    }

    fn tensor<const D: usize>(&self, values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values, shape), (&Autoregressive::device(self.model), self.dtype))
    }

    /// The way through the variables of a token, from the network inputs of the token before it.
    fn token(
        &self,
        token: usize,
        n: usize,
        before: &[f32],
        told: Option<Tensor<2>>,
        caches: &mut [Cache],
    ) -> Box<dyn Walk + '_> {
        let before = self.tensor(before.to_vec(), [n, 1, before.len() / n.max(1)]);
        self.head.start(n, &host(self.model.states(token, before, told, caches)))
    }
}

impl Recursion for Tokens<'_> {
    fn start(&self, n: usize, context: &[f32]) -> Box<dyn Walk + '_> {
        let config = &self.model.config;
        let context = (config.n_context > 0).then(|| self.tensor(context.to_vec(), [n, config.n_context]));
        let told = told(n, context, &self.model.context);
        let mut caches = vec![Cache::default(); config.n_layers];
        let inputs = vec![0.0; n * config.patch * config.conditional.n_inputs()];
        let within = self.token(0, n, &inputs, told.clone(), &mut caches);
        Box::new(TokenWalk { tokens: self, n, told, caches, inputs, within, position: 0 })
    }

    fn rows_at_once(&self, n: usize) -> usize {
        let config = &self.model.config;
        let kept = 2 * config.n_layers * config.n_tokens() * config.d_model;
        n.div_ceil(rayon::current_num_threads()).clamp(1, (KEPT / kept).max(1))
    }
}

/// Some examples on their way through the variables.
struct TokenWalk<'a> {
    tokens: &'a Tokens<'a>,
    n: usize,
    told: Option<Tensor<2>>,
    caches: Vec<Cache>,
    /// Network inputs `[n, k·inputs]` of the token so far, row by row.
    inputs: Vec<f32>,
    /// The way through the variables of the token.
    within: Box<dyn Walk + 'a>,
    position: usize,
}

impl Walk for TokenWalk<'_> {
    fn parameters(&mut self, parameters: &mut [f32]) {
        let per = self.tokens.model.config.conditional.n_parameters();
        let bias = &self.tokens.bias[self.position * per..(self.position + 1) * per];
        self.within.parameters(parameters);
        for row in parameters.chunks_exact_mut(per) {
            row.iter_mut().zip(bias).for_each(|(parameter, bias)| *parameter += bias);
        }
    }

    fn observe(&mut self, values: &[f32]) {
        let config = &self.tokens.model.config;
        let (n_inputs, at) = (config.conditional.n_inputs(), self.position % config.patch);
        let rows = self.inputs.chunks_exact_mut(config.patch * n_inputs);
        for (row, &value) in rows.zip(values) {
            config.conditional.encode_value(value, &mut row[at * n_inputs..(at + 1) * n_inputs]);
        }
        self.within.observe(values);
        self.position += 1;
        if self.position.is_multiple_of(config.patch) && self.position < config.n_variables {
            let (token, told) = (self.position / config.patch, self.told.clone());
            self.within = self.tokens.token(token, self.n, &self.inputs, told, &mut self.caches);
        }
    }
}
