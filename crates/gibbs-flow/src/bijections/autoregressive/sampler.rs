//! The outputs of an autoregressive network one variable after the other, each hidden unit computed once.
//!
//! A hidden unit of degree `m` sees the first `m` variables (and the context). [`Mask::layers`] sorts the units of each layer
//! by degree and shares the degrees out evenly, so those that can be computed when `t` variables are known are the
//! first ones, and all of these together may be seen by what has the degree `t`: no mask is needed.
//!
//! [`Mask::layers`]: gibbs_core::nn::Mask::layers

use burn::prelude::*;
use gibbs_backend::{Function, affine};
use gibbs_core::nn::Network;

/// A layer whose rows and columns are in the order in which they are needed.
struct Layer {
    weight: Tensor<2>,
    bias: Tensor<1>,
    /// Its values so far, `[n, units]`.
    values: Option<Tensor<2>>,
}

impl Layer {
    /// Units `from..to`, from what is known of the layer below.
    fn units(
        &self,
        below: Option<&Tensor<2>>,
        n: usize,
        from: usize,
        to: usize,
        function: Option<Function>,
    ) -> Tensor<2> {
        let bias = self.bias.clone().narrow(0, from, to - from);
        let rows = below.map_or(0, |below| below.dims()[1]);
        // Nothing is known yet: a single row of zeros adds nothing to the bias.
        let below = below
            .cloned()
            .unwrap_or_else(|| Tensor::zeros([n, 1], (&self.weight.device(), self.weight.dtype())));
        let weight = self.weight.clone().slice([0..rows.max(1), from..to]);
        affine(below, weight, bias, function)
    }
}

/// The state of the inverse after some variables.
pub(super) struct SamplerState {
    hidden: Vec<Layer>,
    output: Layer,
    function: Function,
    /// Least degree of a hidden unit and number of degrees.
    degrees: [usize; 2],
    /// The context and the features of the variables so far.
    known: Option<Tensor<2>>,
    n_known: usize,
}

impl SamplerState {
    /// For a network of the features of variables and of a context.
    pub(super) fn new(
        network: &Network,
        [n_variables, n_features]: [usize; 2],
        context: Option<Tensor<2>>,
    ) -> Self {
        let mut layers: Vec<Layer> = network
            .layers()
            .iter()
            .map(|layer| Layer { weight: layer.weight.clone(), bias: layer.bias.clone(), values: None })
            .collect();
        // Context first: it is known first.
        if let (Some(first), Some(context)) = (layers.first_mut(), &context) {
            let (features, rest) = (0..n_features, n_features..n_features + context.dims()[1]);
            let rows =
                |range: std::ops::Range<usize>| first.weight.clone().narrow(0, range.start, range.len());
            first.weight = Tensor::cat(vec![rows(rest), rows(features)], 0);
        }
        let Some(mut output) = layers.pop() else { unreachable!("a network has at least one layer") };
        // Parameters of a variable side by side: they are needed together.
        let [n_in, n_out] = output.weight.dims();
        let per = n_out / n_variables;
        output.weight =
            output.weight.reshape([n_in, per, n_variables]).swap_dims(1, 2).reshape([n_in, n_out]);
        output.bias = output.bias.reshape([per, n_variables]).swap_dims(0, 1).reshape([n_out]);
        // The only variable of one sees nothing, and neither do the hidden units.
        let least = usize::from(context.is_none() && n_variables > 1);
        Self {
            hidden: layers,
            output,
            function: network.activation().function(),
            degrees: [least, n_variables - least],
            known: context,
            n_known: 0,
        }
    }

    /// Number of units of a layer of this width whose degree is at most that of what is known.
    fn n_ready(&self, width: usize) -> usize {
        let [least, n] = self.degrees;
        (0..width).take_while(|unit| least + unit * n / width <= self.n_known).count()
    }

    /// The parameters `[n, P]` of the next variable.
    pub(super) fn parameters(&mut self, n: usize, per: usize) -> Tensor<2> {
        let mut below = self.known.clone();
        for l in 0..self.hidden.len() {
            let ready = self.n_ready(self.hidden[l].bias.dims()[0]);
            let layer = &mut self.hidden[l];
            let done = layer.values.as_ref().map_or(0, |values| values.dims()[1]);
            if ready > done {
                let more = layer.units(below.as_ref(), n, done, ready, Some(self.function));
                layer.values = Some(match layer.values.take() {
                    Some(values) => Tensor::cat(vec![values, more], 1),
                    None => more,
                });
            }
            below = layer.values.clone();
        }
        self.output.units(below.as_ref(), n, self.n_known * per, (self.n_known + 1) * per, None)
    }

    /// The features of the next variable are known.
    pub(super) fn push(&mut self, features: Tensor<2>) {
        self.known = Some(match self.known.take() {
            Some(known) => Tensor::cat(vec![known, features], 1),
            None => features,
        });
        self.n_known += 1;
    }
}
