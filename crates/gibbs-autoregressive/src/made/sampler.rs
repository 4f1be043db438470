//! The cached sampler of a MADE: it uses each weight once.
//!
//! ```text
//! a_l  inputs of the hidden units of layer l so far,  θ  outputs so far;  they begin as biases and context
//! x_t known:   a_1 += x_t·W_1[t, m ≥ t+1]
//!              layer by layer, for units k of degree t+1, which are complete now:
//!              h_k = f(a_k),   a_{l+1}[m ≥ t+1] += h_k·W_{l+1}[k, ·],   at the top   θ[t' ≥ t+1] += h_k·W_L[k, ·]
//!              θ[t' ≥ t+1] += x_t·A[t, ·]
//! ```
//!
//! A unit of degree `m` depends on the first `m` variables only. Its value is final when they are known, and is then added to
//! the layer above exactly once. Units are sorted by degree, so that the units above form the end of a row.

use gibbs_core::nn::Activation;

use super::Made;
use crate::sampling::{Ancestral, AncestralSampler, Observed, Rows, SamplerState, function, host};

/// Hidden units of a layer, sorted by degree.
struct Layer {
    /// From the layer below: inputs (then the context) or hidden units.
    weights: Rows,
    bias: Vec<f32>,
    /// `first[m]` is the first unit whose degree is at least `m`, for `m = 0 … D+1`.
    first: Vec<usize>,
}

/// The sampler of one mask.
struct MadeSampler {
    activation: Activation,
    n_outputs: usize,
    /// The hidden layers. The last entry are the outputs in the order of the variables.
    layers: Vec<Layer>,
    /// From inputs, then the context, to outputs.
    direct: Option<Rows>,
}

impl Ancestral for Made {
    fn sampler(&self, mask: usize) -> Box<dyn AncestralSampler + '_> {
        let (config, masks) = (&self.config, &self.masks[mask].masks);
        let (n, n_inputs, n_outputs) =
            (config.n_visible, config.output.n_inputs(), config.output.n_parameters());
        let context = n * n_inputs..n * n_inputs + config.n_context;
        let inputs: Vec<usize> = masks.order().columns(n_inputs).into_iter().chain(context).collect();
        let outputs = masks.order().columns(n_outputs);
        let output_degrees: Vec<usize> = (0..n).flat_map(|t| std::iter::repeat_n(t, n_outputs)).collect();

        let mut below = inputs.clone();
        let mut layers = Vec::with_capacity(self.layers.len());
        for (l, layer) in self.layers.iter().enumerate() {
            let bias = host(layer.bias.val());
            let (own, degrees) = match masks.degrees().get(l) {
                Some(degrees) => sorted(degrees),
                None => (outputs.clone(), output_degrees.clone()),
            };
            layers.push(Layer {
                weights: Rows::selected(layer.weight.val(), &below, &own),
                bias: own.iter().map(|&unit| bias[unit]).collect(),
                first: (0..n + 2).map(|m| degrees.partition_point(|&degree| degree < m)).collect(),
            });
            below = own;
        }
        let direct = self.direct.as_ref().map(|direct| Rows::selected(direct.val(), &inputs, &outputs));
        Box::new(MadeSampler { activation: config.activation, n_outputs, layers, direct })
    }
}

/// Units sorted by degree, and their degrees.
fn sorted(degrees: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut units: Vec<usize> = (0..degrees.len()).collect();
    units.sort_by_key(|&unit| degrees[unit]);
    let degrees = units.iter().map(|&unit| degrees[unit]).collect();
    (units, degrees)
}

impl MadeSampler {
    /// Where network inputs go: weights, and the layer with its index.
    fn targets(&self) -> impl Iterator<Item = (&Rows, usize)> {
        let direct = self.direct.as_ref().map(|weights| (weights, self.layers.len() - 1));
        [(&self.layers[0].weights, 0)].into_iter().chain(direct)
    }
}

impl AncestralSampler for MadeSampler {
    fn start(&self, n: usize, context: &[f32]) -> Box<dyn SamplerState + '_> {
        let mut sums: Vec<Vec<f32>> = self.layers.iter().map(|layer| layer.bias.repeat(n)).collect();
        for (weights, l) in self.targets() {
            weights.add_context(n, context, &mut sums[l]);
        }
        let mut state = MadeState { sampler: self, n, sums };
        state.finish(0);
        Box::new(state)
    }
}

struct MadeState<'a> {
    sampler: &'a MadeSampler,
    n: usize,
    /// Inputs of each layer so far, the outputs last, row by row.
    sums: Vec<Vec<f32>>,
}

impl MadeState<'_> {
    /// Adds the hidden units of a degree, which are complete, to the layers above.
    fn finish(&mut self, degree: usize) {
        for (l, pair) in self.sampler.layers.windows(2).enumerate() {
            let [layer, above] = [&pair[0], &pair[1]];
            let (below, higher) = self.sums.split_at_mut(l + 1);
            let (width, first) = (layer.bias.len(), above.first[degree]);
            for unit in layer.first[degree]..layer.first[degree + 1] {
                for i in 0..self.n {
                    let value = function(self.sampler.activation, below[l][i * width + unit]);
                    if value != 0.0 {
                        above.weights.add(unit, first, value, &mut higher[0], i);
                    }
                }
            }
        }
    }
}

impl SamplerState for MadeState<'_> {
    fn parameters(&mut self, position: usize, parameters: &mut [f32]) {
        let per = self.sampler.n_outputs;
        let outputs = &self.sums[self.sums.len() - 1];
        for (parameters, row) in
            parameters.chunks_exact_mut(per).zip(outputs.chunks_exact(outputs.len() / self.n))
        {
            parameters.copy_from_slice(&row[position * per..(position + 1) * per]);
        }
    }

    fn observe(&mut self, observed: &Observed) {
        let degree = observed.position + 1;
        let row = observed.position * observed.n_inputs();
        for (weights, l) in self.sampler.targets() {
            let first = self.sampler.layers[l].first[degree];
            for (i, j, input) in observed.nonzero() {
                weights.add(row + j, first, input, &mut self.sums[l], i);
            }
        }
        self.finish(degree);
    }
}
