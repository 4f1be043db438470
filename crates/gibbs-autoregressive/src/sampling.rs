//! Ancestral sampling: one variable after the other, in the order of the model.
//!
//! ```text
//! x_{o(t)} ~ p(· | x_{o(0)}, …, x_{o(t-1)}, c),   t = 0 … D-1
//! ```
//!
//! An [`AncestralSampler`] returns the parameters of these conditional distributions in order and receives each value. It
//! caches what it has computed: all D conditional distributions cost about as much as one pass of the network. The
//! [`NaiveSampler`](crate::NaiveSampler) runs the whole network for each variable: it is slow, works for every model, and is the
//! reference for the cached samplers. All samplers make the same draws from the same noise, up to rounding of the parameters: a
//! draw can differ if its uniform number is within rounding of a boundary, about once in a million.
//!
//! Draws are made on the host, whatever the device of the model, because each step is far too small for a device.

use burn::prelude::*;
use gibbs_backend::parallel::*;
use gibbs_core::nn::Activation;

use crate::OutputDistribution;

/// A model that has an efficient sampler.
pub trait Ancestral {
    /// The sampler of a mask.
    fn sampler(&self, mask: usize) -> Box<dyn AncestralSampler + '_>;
}

/// The conditional distributions of a model one after the other. Holds what all examples share.
pub trait AncestralSampler: Sync {
    /// The state before the first variable, for `n` examples with contexts `[n, C]`, row by row.
    fn start(&self, n: usize, context: &[f32]) -> Box<dyn SamplerState + '_>;

    /// Number of examples in a block, if there are `n` examples. Blocks run in parallel.
    fn rows_at_once(&self, n: usize) -> usize {
        n.div_ceil(current_num_threads()).clamp(1, 64)
    }
}

/// The state of some examples during sampling.
pub trait SamplerState {
    /// Writes the parameters `[n, P]` of the conditional distribution of the variable at `position` in the order, the next
    /// one, row by row.
    fn parameters(&mut self, position: usize, parameters: &mut [f32]);

    /// Continues with the values of that variable.
    fn observe(&mut self, observed: &Observed);
}

/// The values of one variable in some examples.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// Position of the variable in the order.
    pub position: usize,
    /// Values `[n]`.
    pub values: &'a [f32],
    /// Network inputs of the values, `[n, inputs]` row by row.
    pub inputs: &'a [f32],
}

impl Observed<'_> {
    /// Network inputs of a variable.
    pub fn n_inputs(&self) -> usize {
        self.inputs.len() / self.values.len().max(1)
    }

    /// The network inputs that are not zero: example, index among the inputs of the variable, input.
    pub fn nonzero(&self) -> impl Iterator<Item = (usize, usize, f32)> {
        let n_inputs = self.n_inputs();
        let all = self.inputs.iter().enumerate();
        all.filter(|(_, input)| **input != 0.0).map(move |(at, &input)| (at / n_inputs, at % n_inputs, input))
    }
}

/// Draws of all but the first variables of some examples. Everything is row by row, one row for each example.
pub(crate) struct Completion<'a> {
    pub(crate) output: &'a OutputDistribution,
    /// The order.
    pub(crate) variables: &'a [usize],
    /// Number of variables that stay.
    pub(crate) prefix: usize,
    pub(crate) context: Vec<f32>,
    /// In the order of the variables.
    pub(crate) uniforms: Vec<f32>,
    /// In the order of the variables, or none.
    pub(crate) normals: Vec<f32>,
}

impl Completion<'_> {
    /// Completes the examples `x [n, D]`.
    pub(crate) fn run(&self, sampler: &dyn AncestralSampler, x: &mut [f32]) {
        let width = self.variables.len();
        let n = x.len() / width.max(1);
        let at_once = sampler.rows_at_once(n);
        let n_context = self.context.len() / n.max(1);
        x.par_chunks_mut(at_once * width).with_max_len(1).enumerate().for_each(|(block, x)| {
            let (first, count) = (block * at_once, x.len() / width);
            let context = &self.context[first * n_context..(first + count) * n_context];
            self.run_block(&mut *sampler.start(count, context), first, x);
        });
    }

    /// Completes a block of examples, of which `first` is the first.
    fn run_block(&self, state: &mut dyn SamplerState, first: usize, x: &mut [f32]) {
        let (width, per, n_inputs) =
            (self.variables.len(), self.output.n_parameters(), self.output.n_inputs());
        let n = x.len() / width;
        let (mut parameters, mut values) = (vec![0.0; n * per], vec![0.0; n]);
        let mut inputs = vec![0.0; n * n_inputs];
        for (position, &variable) in self.variables.iter().enumerate() {
            let is_known = position < self.prefix;
            if !is_known {
                state.parameters(position, &mut parameters);
            }
            for (i, row) in x.chunks_exact_mut(width).enumerate() {
                if !is_known {
                    let at = (first + i) * width + position;
                    let normal = self.normals.get(at).copied().unwrap_or_default();
                    let own = &parameters[i * per..(i + 1) * per];
                    row[variable] = self.output.draw(variable, own, self.uniforms[at], normal);
                }
                values[i] = row[variable];
                self.output.encode_value(variable, values[i], &mut inputs[i * n_inputs..(i + 1) * n_inputs]);
            }
            state.observe(&Observed { position, values: &values, inputs: &inputs });
        }
    }
}

/// The values of a tensor on the host.
pub(crate) fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// Values of the host as a tensor with the device and the precision of another one.
pub(crate) fn placed<const D: usize, const E: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    like: &Tensor<E>,
) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), (&like.device(), like.dtype()))
}

/// The context of `n` examples as a tensor, if there is one.
pub(crate) fn placed_context<const E: usize>(
    n: usize,
    context: &[f32],
    like: &Tensor<E>,
) -> Option<Tensor<2>> {
    let width = context.len() / n.max(1);
    (width > 0).then(|| placed(context.to_vec(), [n, width], like))
}

/// A matrix on the host whose rows are added to sums.
pub(crate) struct Rows {
    weights: Vec<f32>,
    n_columns: usize,
}

impl Rows {
    /// All rows and columns.
    pub(crate) fn new(weights: Tensor<2>) -> Self {
        Self { n_columns: weights.dims()[1], weights: host(weights) }
    }

    /// The listed rows and columns, in the order of the lists.
    pub(crate) fn selected(weights: Tensor<2>, rows: &[usize], columns: &[usize]) -> Self {
        let all = Self::new(weights);
        let mut weights = Vec::with_capacity(rows.len() * columns.len());
        for &row in rows {
            let row = &all.weights[row * all.n_columns..(row + 1) * all.n_columns];
            weights.extend(columns.iter().map(|&column| row[column]));
        }
        Self { weights, n_columns: columns.len() }
    }

    /// Number of rows.
    pub(crate) fn n_rows(&self) -> usize {
        self.weights.len() / self.n_columns.max(1)
    }

    /// Adds `value` times the end of a row, from column `first` on, to the sums `[n, columns]` of example `i`.
    pub(crate) fn add(&self, row: usize, first: usize, value: f32, sums: &mut [f32], i: usize) {
        let weights = &self.weights[row * self.n_columns + first..(row + 1) * self.n_columns];
        let sums = &mut sums[i * self.n_columns + first..(i + 1) * self.n_columns];
        sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += value * weight);
    }

    /// Adds the product of contexts `[n, C]` with the last C rows.
    pub(crate) fn add_context(&self, n: usize, context: &[f32], sums: &mut [f32]) {
        let n_context = context.len() / n.max(1);
        let first = self.n_rows() - n_context;
        for (at, &value) in context.iter().enumerate() {
            self.add(first + at % n_context, 0, value, sums, at / n_context);
        }
    }
}

/// The activation of one unit.
pub(crate) fn function(activation: Activation, x: f32) -> f32 {
    let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
    match activation {
        Activation::Relu => x.max(0.0),
        Activation::Tanh => x.tanh(),
        Activation::Sigmoid => sigmoid(x),
        Activation::Silu => x * sigmoid(x),
        Activation::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
    }
}

/// The product of two vectors, in eight sums that the processor computes in parallel.
pub(crate) fn dot(x: &[f32], y: &[f32]) -> f32 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let (x_whole, x_rest) = x.as_chunks::<LANES>();
    let (y_whole, y_rest) = y.as_chunks::<LANES>();
    for (x, y) in x_whole.iter().zip(y_whole) {
        (0..LANES).for_each(|lane| sums[lane] += x[lane] * y[lane]);
    }
    sums.iter().sum::<f32>() + x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum::<f32>()
}
