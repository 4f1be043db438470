//! Ancestral sampling: one variable after the other, in the order of the model.
//!
//! ```text
//! x_{o(t)} ~ p(· | x_{o(0)}, …, x_{o(t-1)}, c),   t = 0 … D-1
//! ```
//!
//! A [`Recursion`] hands out the parameters of these conditionals in turn and is told each value; what it has computed
//! it keeps, so that all D conditionals cost about as much as one pass of the network. [`Plain`] is the recursion that runs
//! the whole network for each variable: slow, for any model, and the yardstick for the others. Both make the
//! same draws from the same noise, up to the rounding of parameters: a draw can differ where its uniform number lies that
//! close to a boundary, about once in a million.
//!
//! Draws are made on the host, whatever the device of the model, since each step is far too small for a device.

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::nn::Activation;
use rayon::prelude::*;

use crate::{Autoregressive, Conditional};

/// The conditionals of a model one after the other. Holds what is the same for all examples.
pub trait Recursion: Sync {
    /// The state before the first variable, for `n` examples with contexts `[n, C]`, row by row.
    fn start(&self, n: usize, context: &[f32]) -> Box<dyn Walk + '_>;

    /// Into how many rows at a time to divide `n` examples.
    fn rows_at_once(&self, n: usize) -> usize {
        n.div_ceil(rayon::current_num_threads()).clamp(1, 64)
    }
}

/// Some examples on their way through the variables.
pub trait Walk {
    /// The parameters of the next conditional, `[n, P]` row by row.
    fn parameters(&mut self, parameters: &mut [f32]);

    /// Goes on with these values `[n]` of that variable.
    fn observe(&mut self, values: &[f32]);
}

/// Examples of which only the first variables of the order are known.
#[derive(Clone, Debug)]
pub struct Given {
    /// The examples `[n, D]`; what is not known may be anything.
    pub x: Tensor<2>,
    /// How many variables of the order are known.
    pub prefix: usize,
    /// Their contexts `[n, C]`.
    pub context: Option<Tensor<2>>,
}

/// The recursion of a model that runs the whole network for each variable.
pub struct Plain<'a, M: ?Sized> {
    model: &'a M,
    ordering: usize,
}

impl<'a, M: Autoregressive + ?Sized> Plain<'a, M> {
    /// For one of the model's orderings.
    pub fn new(model: &'a M, ordering: usize) -> Self {
        Self { model, ordering }
    }
}

struct PlainWalk<'a, M: ?Sized> {
    model: &'a M,
    ordering: usize,
    x: Vec<f32>,
    n: usize,
    context: Option<Tensor<2>>,
    position: usize,
}

impl<M: Autoregressive + Sync + ?Sized> Recursion for Plain<'_, M> {
    fn start(&self, n: usize, context: &[f32]) -> Box<dyn Walk + '_> {
        let width = self.model.n_context();
        let context = TensorData::new(context.to_vec(), [n, width]);
        Box::new(PlainWalk {
            model: self.model,
            ordering: self.ordering,
            x: vec![0.0; n * self.model.n_variables()],
            n,
            context: (width > 0).then(|| Tensor::from_data(context, &self.model.device())),
            position: 0,
        })
    }

    fn rows_at_once(&self, n: usize) -> usize {
        n.max(1)
    }
}

impl<M: Autoregressive + ?Sized> Walk for PlainWalk<'_, M> {
    fn parameters(&mut self, parameters: &mut [f32]) {
        let x = TensorData::new(self.x.clone(), [self.n, self.model.n_variables()]);
        let x = Tensor::from_data(x, &self.model.device());
        let per = self.model.conditional().n_parameters();
        let variable = self.model.order(self.ordering).variables()[self.position];
        let all = self.model.parameters(self.ordering, x, self.context.clone());
        let own = all.narrow(1, variable * per, per).into_data();
        parameters.iter_mut().zip(own.iter::<f32>()).for_each(|(to, from)| *to = from);
    }

    fn observe(&mut self, values: &[f32]) {
        let variable = self.model.order(self.ordering).variables()[self.position];
        let rows = self.x.chunks_exact_mut(self.model.n_variables());
        rows.zip(values).for_each(|(row, &value)| row[variable] = value);
        self.position += 1;
    }
}

/// Draws of some examples in one ordering.
struct Task<'a> {
    conditional: Conditional,
    variables: &'a [usize],
    n_context: usize,
    /// How many variables are known beforehand.
    prefix: usize,
}

/// What some examples bring along, row by row: where the draws go, with known values; uniform and normal numbers in the
/// order of the variables; contexts.
struct Rows<'a> {
    x: &'a mut [f32],
    uniforms: &'a [f32],
    normals: &'a [f32],
    context: &'a [f32],
}

impl Task<'_> {
    fn run(&self, recursion: &dyn Recursion, rows: Rows) {
        let width = self.variables.len();
        let n = rows.x.len() / width.max(1);
        let at_once = recursion.rows_at_once(n);
        rows.x.par_chunks_mut(at_once * width).with_max_len(1).enumerate().for_each(|(block, x)| {
            let (first, count) = (block * at_once, x.len() / width);
            let cut = |per: usize| first * per..(first + count) * per;
            self.walk(
                recursion,
                Rows {
                    uniforms: &rows.uniforms[cut(width)],
                    normals: rows.normals.get(cut(width)).unwrap_or_default(),
                    context: &rows.context[cut(self.n_context)],
                    x,
                },
            );
        });
    }

    fn walk(&self, recursion: &dyn Recursion, rows: Rows) {
        let (width, per) = (self.variables.len(), self.conditional.n_parameters());
        let n = rows.x.len() / width;
        let mut walk = recursion.start(n, rows.context);
        let (mut parameters, mut values) = (vec![0.0; n * per], vec![0.0; n]);
        for (t, &variable) in self.variables.iter().enumerate() {
            if t < self.prefix {
                values.iter_mut().enumerate().for_each(|(i, value)| *value = rows.x[i * width + variable]);
            } else {
                walk.parameters(&mut parameters);
                for (i, (value, parameters)) in
                    values.iter_mut().zip(parameters.chunks_exact(per)).enumerate()
                {
                    let at = i * width + t;
                    let normal = rows.normals.get(at).copied().unwrap_or_default();
                    *value = self.conditional.draw(parameters, rows.uniforms[at], normal);
                    rows.x[i * width + variable] = *value;
                }
            }
            walk.observe(&values);
        }
    }
}

fn rows(tensor: Option<Tensor<2>>, shape: [usize; 2], what: &str) -> Vec<f32> {
    match tensor {
        None if shape[1] == 0 => Vec::new(),
        None => panic!("the model has {what} of width {}: give it", shape[1]),
        Some(tensor) => {
            assert_eq!(tensor.dims(), shape, "{what}");
            host(tensor)
        }
    }
}

/// Draws by any recursion of an ordering; the numbers come out of the noise as [`Autoregressive::sample_given`] says.
///
/// # Panics
/// If the shapes do not fit, or the prefix is longer than the order.
pub fn complete_by<M: Autoregressive + ?Sized>(
    model: &M,
    ordering: usize,
    recursion: &dyn Recursion,
    given: Given,
    noise: &mut Noise,
) -> Tensor<2> {
    let [n, width] = given.x.dims();
    assert_eq!(width, model.n_variables(), "examples of another width than the model's");
    assert!(given.prefix <= width, "a prefix of {} of {width} variables", given.prefix);
    let mut x = rows(Some(given.x), [n, width], "examples");
    let context = rows(given.context, [n, model.n_context()], "a context");
    let uniforms = noise.uniform_vec(n * width);
    let normals = if model.conditional().draws_normal() { noise.normal_vec(n * width) } else { Vec::new() };
    let task = Task {
        conditional: model.conditional(),
        variables: model.order(ordering).variables(),
        n_context: model.n_context(),
        prefix: given.prefix,
    };
    task.run(recursion, Rows { x: &mut x, uniforms: &uniforms, normals: &normals, context: &context });
    Tensor::from_data(TensorData::new(x, [n, width]), &model.device())
}

pub(crate) fn complete<M: Autoregressive + ?Sized>(
    model: &M,
    ordering: usize,
    given: Given,
    noise: &mut Noise,
) -> Tensor<2> {
    complete_by(model, ordering, &*model.recursion(ordering), given, noise)
}

pub(crate) fn sample<M: Autoregressive + ?Sized>(
    model: &M,
    n: usize,
    context: Option<Tensor<2>>,
    noise: &mut Noise,
) -> Tensor<2> {
    let (device, width, orderings) = (model.device(), model.n_variables(), model.n_orderings());
    let blank = |n| Tensor::<2>::zeros([n, width], &device);
    if orderings == 1 {
        return complete(model, 0, Given { x: blank(n), prefix: 0, context }, noise);
    }
    let chosen: Vec<usize> = (0..n).map(|_| noise.below(orderings)).collect();
    let mut blocks = Vec::new();
    let mut places: Vec<usize> = Vec::with_capacity(n);
    for ordering in 0..orderings {
        let own: Vec<usize> = (0..n).filter(|&i| chosen[i] == ordering).collect();
        if own.is_empty() {
            continue;
        }
        let rows: Vec<i64> = own.iter().map(|&i| i as i64).collect();
        let rows = Tensor::<1, Int>::from_data(rows.as_slice(), &device);
        let context = context.clone().map(|context| context.select(0, rows));
        blocks.push(complete(model, ordering, Given { x: blank(own.len()), prefix: 0, context }, noise));
        places.extend(own);
    }
    if blocks.is_empty() {
        return blank(0);
    }
    let mut from = vec![0i64; n];
    places.iter().enumerate().for_each(|(row, &place)| from[place] = row as i64);
    Tensor::cat(blocks, 0).select(0, Tensor::<1, Int>::from_data(from.as_slice(), &device))
}

/// The values of a tensor on the host.
pub(crate) fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
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

/// The product of two vectors, in eight sums that the processor can keep side by side.
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
