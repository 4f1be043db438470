//! The conditionals of a MADE one after the other, each weight used once.
//!
//! ```text
//! a_l  inputs of the hidden units of layer l so far,  θ  outputs so far;  they begin as biases and context
//! x_t known:   a_1 += x_t·W_1[t, m ≥ t+1]
//!              layer by layer, for units k of degree t+1, which are complete now:
//!              h_k = f(a_k),   a_{l+1}[m ≥ t+1] += h_k·W_{l+1}[k, ·],   at the top   θ[t' ≥ t+1] += h_k·W_L[k, ·]
//!              θ[t' ≥ t+1] += x_t·A[t, ·]
//! ```
//!
//! A unit of degree `m` depends on the first `m` variables alone, so its value is final when these are known, and it is
//! pushed to what lies above exactly once. With units sorted by degree, what a unit is pushed to is the end of a row.

use gibbs_core::nn::Activation;

use super::Made;
use crate::{
    Conditional, Wiring,
    sampling::{Recursion, Walk, function, host},
};

/// A matrix whose rows are sources and whose columns are targets, both in the order of their degrees.
struct Sorted {
    weights: Vec<f32>,
    n_columns: usize,
}

impl Sorted {
    /// The rows and columns of `[in, out]` weights that are named, in that order.
    fn new(weights: &[f32], n_out: usize, rows: &[usize], columns: &[usize]) -> Self {
        let all_in_place = columns.iter().copied().eq(0..n_out);
        let mut sorted = Vec::with_capacity(rows.len() * columns.len());
        for row in rows.iter().map(|row| &weights[row * n_out..(row + 1) * n_out]) {
            match all_in_place {
                true => sorted.extend_from_slice(row),
                false => sorted.extend(columns.iter().map(|&column| row[column])),
            }
        }
        Self { weights: sorted, n_columns: columns.len() }
    }

    /// Adds `value` times the end of a row to the end of `target`.
    fn push(&self, row: usize, first: usize, value: f32, target: &mut [f32]) {
        let weights = &self.weights[row * self.n_columns + first..(row + 1) * self.n_columns];
        target[first..].iter_mut().zip(weights).for_each(|(sum, weight)| *sum += value * weight);
    }
}

/// Hidden units of a layer, sorted by degree.
struct Layer {
    /// From the layer below: inputs or hidden units.
    weights: Sorted,
    /// Context to these units.
    context: Sorted,
    bias: Vec<f32>,
    /// `first[m]` is the first unit whose degree is at least `m`, for `m = 0 … D+1`.
    first: Vec<usize>,
}

/// The recursion of one wiring.
pub(super) struct Masked {
    conditional: Conditional,
    activation: Activation,
    n_variables: usize,
    n_context: usize,
    /// The hidden layers, and the outputs in the order of the variables as the last.
    layers: Vec<Layer>,
    /// From inputs to outputs, and from the context to outputs.
    direct: Option<(Sorted, Sorted)>,
}

impl Masked {
    pub(super) fn new(made: &Made, wiring: &Wiring) -> Self {
        let config = &made.config;
        let (n, n_inputs, n_outputs) =
            (config.n_variables, config.conditional.n_inputs(), config.conditional.n_parameters());
        let variables = wiring.order().variables();
        let grouped = |per: usize| -> Vec<usize> {
            variables.iter().flat_map(|&variable| variable * per..(variable + 1) * per).collect()
        };
        let context: Vec<usize> = (n * n_inputs..n * n_inputs + config.n_context).collect();
        let outputs = grouped(n_outputs);
        let output_degrees: Vec<usize> = (0..n).flat_map(|t| std::iter::repeat_n(t, n_outputs)).collect();

        let mut below = grouped(n_inputs);
        let mut layers = Vec::with_capacity(made.layers.len());
        for (l, layer) in made.layers.iter().enumerate() {
            let [_, n_out] = layer.weight.dims();
            let weights = host(layer.weight.val());
            let bias = host(layer.bias.val());
            let (own, degrees) = match wiring.degrees().get(l) {
                Some(degrees) => sorted(degrees),
                None => (outputs.clone(), output_degrees.clone()),
            };
            let from_context: &[usize] = if l == 0 { &context } else { &[] };
            layers.push(Layer {
                weights: Sorted::new(&weights, n_out, &below, &own),
                context: Sorted::new(&weights, n_out, from_context, &own),
                bias: own.iter().map(|&unit| bias[unit]).collect(),
                first: (0..n + 2).map(|m| degrees.partition_point(|&degree| degree < m)).collect(),
            });
            below = own;
        }
        let direct = made.direct.as_ref().map(|direct| {
            let weights = host(direct.val());
            let of = |rows: &[usize]| Sorted::new(&weights, n * n_outputs, rows, &outputs);
            (of(&grouped(n_inputs)), of(&context))
        });
        Self {
            conditional: config.conditional,
            activation: config.activation,
            n_variables: n,
            n_context: config.n_context,
            layers,
            direct,
        }
    }
}

/// Units sorted by degree, and their degrees.
fn sorted(degrees: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut units: Vec<usize> = (0..degrees.len()).collect();
    units.sort_by_key(|&unit| degrees[unit]);
    let degrees = units.iter().map(|&unit| degrees[unit]).collect();
    (units, degrees)
}

/// Some examples on their way through the variables.
struct MaskedWalk<'a> {
    model: &'a Masked,
    n: usize,
    /// Inputs of each layer so far, the outputs last, row by row.
    sums: Vec<Vec<f32>>,
    position: usize,
}

impl Recursion for Masked {
    fn start(&self, n: usize, context: &[f32]) -> Box<dyn Walk + '_> {
        let mut sums: Vec<Vec<f32>> = self.layers.iter().map(|layer| layer.bias.repeat(n)).collect();
        let last = self.layers.len() - 1;
        let direct = self.direct.as_ref().map(|(_, context)| (context, last));
        for (weights, l) in [(&self.layers[0].context, 0)].into_iter().chain(direct) {
            if self.n_context == 0 {
                break;
            }
            for (row, values) in
                sums[l].chunks_exact_mut(weights.n_columns).zip(context.chunks_exact(self.n_context))
            {
                values.iter().enumerate().for_each(|(j, &value)| weights.push(j, 0, value, row));
            }
        }
        let mut walk = MaskedWalk { model: self, n, sums, position: 0 };
        walk.finish(0);
        Box::new(walk)
    }
}

impl MaskedWalk<'_> {
    /// Pushes the hidden units of a degree, which are complete, to what lies above.
    fn finish(&mut self, degree: usize) {
        for l in 0..self.model.layers.len() - 1 {
            let (layer, above) = (&self.model.layers[l], &self.model.layers[l + 1]);
            let units = layer.first[degree]..layer.first[degree + 1];
            let (below, higher) = self.sums.split_at_mut(l + 1);
            let (width, width_above) = (layer.bias.len(), above.bias.len());
            let first = above.first[degree];
            for unit in units {
                for i in 0..self.n {
                    let value = function(self.model.activation, below[l][i * width + unit]);
                    if value != 0.0 {
                        let target = &mut higher[0][i * width_above..(i + 1) * width_above];
                        above.weights.push(unit, first, value, target);
                    }
                }
            }
        }
    }
}

impl Walk for MaskedWalk<'_> {
    fn parameters(&mut self, parameters: &mut [f32]) {
        let per = self.model.conditional.n_parameters();
        let width = self.model.n_variables * per;
        let (outputs, at) = (&self.sums[self.sums.len() - 1], self.position * per);
        for (parameters, row) in parameters.chunks_exact_mut(per).zip(outputs.chunks_exact(width)) {
            parameters.copy_from_slice(&row[at..at + per]);
        }
    }

    fn observe(&mut self, values: &[f32]) {
        let (model, degree) = (self.model, self.position + 1);
        let n_inputs = model.conditional.n_inputs();
        let mut inputs = vec![0.0; n_inputs];
        let last = self.sums.len() - 1;
        let direct = model.direct.as_ref().map(|(weights, _)| (weights, last));
        let mut targets = vec![(&model.layers[0].weights, 0)];
        targets.extend(direct);
        for (i, &value) in values.iter().enumerate() {
            model.conditional.encode_value(value, &mut inputs);
            for &(weights, l) in &targets {
                let width = weights.n_columns;
                let target = &mut self.sums[l][i * width..(i + 1) * width];
                for (j, &input) in inputs.iter().enumerate().filter(|(_, input)| **input != 0.0) {
                    weights.push(self.position * n_inputs + j, model.layers[l].first[degree], input, target);
                }
            }
        }
        self.finish(degree);
        self.position += 1;
    }
}
