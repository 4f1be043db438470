//! NADE, the neural autoregressive distribution estimator: one hidden layer for each variable, with shared weights.
//!
//! ```text
//! a_0 = b + c·U,    h_t = f(a_t),    θ_t = e_t + h_t·V_t,    a_{t+1} = a_t + x_{o(t)}·W_t
//! ln p(x | c) = Σ_t ln p(x_{o(t)}; θ_t)
//! ```
//!
//! for the variables in their order `o`. One row of `W` updates the inputs of the hidden units from one variable to the next.
//!
//! References: Larochelle & Murray, "The neural autoregressive distribution estimator", AISTATS 2011 (PMLR 15:29), equations
//! 10 to 13 and algorithm 1; Uria, Côté, Gregor, Murray & Larochelle, JMLR 17:205 (2016), arXiv:1605.02226, sections 2
//! and 3.
//!
//! Differences from the paper: the initial `V` is zero. The model can have a class or any other context. Outputs can be
//! categorical, as in the paper, or mixtures of Gaussians whose parameters all belong to one variable.
//!
//! Cost: `O(D·H)` for all conditional distributions of an example. A draw costs the same.

use burn::{
    config::Config,
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::{Init, Noise, affine, prefix_networks};
use gibbs_core::{
    ConfigError, columns,
    nn::{Activation, Affine},
};

use crate::{
    Autoregressive, Order, OrderConfig, OutputDistribution,
    autoregressive::{distribution, require_shapes},
    sampling::{Ancestral, AncestralSampler, Observed, Rows, SamplerState, dot, function, host},
};

/// Widths and outputs of a NADE.
#[derive(Config, Debug, PartialEq)]
pub struct NadeConfig {
    /// Number of variables `D`, at least 1.
    pub n_visible: usize,
    /// Number of hidden units `H`, at least 1 (500 in the paper).
    pub n_hidden: usize,
    /// Activation function of the hidden units (sigmoid in the paper).
    #[config(default = "Activation::Sigmoid")]
    pub activation: Activation,
    /// The conditional distribution of each variable.
    #[config(default = "OutputDistribution::Bernoulli")]
    pub output: OutputDistribution,
    /// Width of the context, 0 for none.
    #[config(default = 0)]
    pub n_context: usize,
    /// Order of the variables: `natural`, `random`, or a list.
    #[config(default = "OrderConfig::Natural")]
    pub order: OrderConfig,
}

impl NadeConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range, or an order that is no permutation.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("n_visible", self.n_visible, 1)?;
        ConfigError::at_least("n_hidden", self.n_hidden, 1)?;
        self.output.validate(self.n_visible)?;
        self.order.order(self.n_visible, &mut Noise::new(0, "order")).map(|_| ())
    }

    /// A model with random weights into hidden units and all other weights zero: its variables are independent at first. A
    /// random order comes from the stream `order` of the seed of `noise`.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<Nade, ConfigError> {
        self.validate()?;
        let order = self.order.order(self.n_visible, &mut Noise::new(noise.seed(), "order"))?;
        let n_inputs = self.n_visible * self.output.n_inputs() + self.n_context;
        let n_outputs = self.n_visible * self.output.n_parameters();
        let mut layer = |size: [usize; 2], init: Init| Affine::new(size, init, device, noise);
        let layers = vec![
            layer([n_inputs, self.n_hidden], self.activation.weight_init()),
            layer([self.n_hidden, n_outputs], Init::Zeros),
        ];
        Ok(Nade { layers, config: self.clone(), order })
    }
}

/// A neural autoregressive distribution estimator.
///
/// ```
/// use burn::prelude::*;
/// use gibbs_autoregressive::NadeConfig;
/// use gibbs_backend::Noise;
/// use gibbs_core::{LogProb, Sample};
///
/// let noise = &mut Noise::new(0, "example");
/// let nade = NadeConfig::new(16, 32).init(&Device::flex(), noise)?;
/// let x = nade.sample(5, noise);
/// assert_eq!(nade.log_prob(x).dims(), [5]);
/// # Ok::<(), gibbs_autoregressive::ConfigError>(())
/// ```
#[derive(Module, Debug)]
pub struct Nade {
    /// First `W` with `U` below it, and `b`; then `V` and `e`. Inputs and outputs are in the order of the data, those of a
    /// variable adjacent.
    pub layers: Vec<Affine>,
    #[module(skip)]
    config: NadeConfig,
    #[module(skip)]
    order: Order,
}

impl Autoregressive for Nade {
    fn name(&self) -> &'static str {
        "the NADE"
    }

    fn output(&self) -> &OutputDistribution {
        &self.config.output
    }

    fn n_visible(&self) -> usize {
        self.config.n_visible
    }

    fn order(&self, _: usize) -> &Order {
        &self.order
    }

    fn parameters(&self, _: usize, x: Tensor<2>, context: Option<&Tensor<2>>) -> Tensor<2> {
        require_shapes(self, &x, context);
        let (n, output, n_context) = (x.dims()[0], &self.config.output, self.config.n_context);
        let inputs = self.order.columns(output.n_inputs());
        let outputs = self.order.columns(output.n_parameters());
        let [first, last] = [&self.layers[0], &self.layers[1]];
        let start = match context {
            None => first.bias.val().unsqueeze::<2>().expand([n, self.config.n_hidden]),
            Some(context) => {
                let weight = first.weight.val().narrow(0, inputs.len(), n_context);
                affine(context.clone(), weight, first.bias.val(), None)
            }
        };
        let x = columns::select(output.encode(x), &inputs);
        let weight = first.weight.val().narrow(0, 0, inputs.len());
        let weight = columns::select(weight.transpose(), &inputs).transpose();
        let parameters = prefix_networks(
            start,
            x,
            weight,
            columns::select(last.weight.val(), &outputs),
            columns::select(last.bias.val().unsqueeze::<2>(), &outputs).squeeze_dim(0),
            self.config.n_visible,
            self.config.activation.function(),
        );
        columns::select(parameters, &columns::inverse(&outputs))
    }

    fn output_bias(&mut self) -> &mut Param<Tensor<1>> {
        &mut self.layers[1].bias
    }

    fn device(&self) -> Device {
        self.layers[0].bias.device()
    }
}

distribution!(Nade, |nade| nade.config.n_context);

/// The cached sampler: it keeps the inputs and values of the hidden units, which change with inputs that are not zero.
struct NadeSampler<'a> {
    nade: &'a Nade,
    /// `W` with `U` below it.
    rows: Rows,
    bias: Vec<f32>,
    /// `V`, one output after the other.
    outputs: Vec<f32>,
    output_bias: Vec<f32>,
}

impl Ancestral for Nade {
    fn sampler(&self, _: usize) -> Box<dyn AncestralSampler + '_> {
        let [first, last] = [&self.layers[0], &self.layers[1]];
        Box::new(NadeSampler {
            nade: self,
            rows: Rows::new(first.weight.val()),
            bias: host(first.bias.val()),
            outputs: host(last.weight.val().transpose()),
            output_bias: host(last.bias.val()),
        })
    }
}

impl AncestralSampler for NadeSampler<'_> {
    fn start(&self, n: usize, context: &[f32]) -> Box<dyn SamplerState + '_> {
        let mut inputs = self.bias.repeat(n);
        self.rows.add_context(n, context, &mut inputs);
        let mut state = NadeState { sampler: self, hidden: vec![0.0; inputs.len()], inputs };
        (0..n).for_each(|i| state.update(i));
        Box::new(state)
    }
}

struct NadeState<'a> {
    sampler: &'a NadeSampler<'a>,
    /// `a_t [n, H]`.
    inputs: Vec<f32>,
    /// `h_t [n, H]`.
    hidden: Vec<f32>,
}

impl NadeState<'_> {
    /// The hidden units of an example.
    fn update(&mut self, example: usize) {
        let width = self.sampler.bias.len();
        let units = example * width..(example + 1) * width;
        let (hidden, inputs) = (&mut self.hidden[units.clone()], &self.inputs[units]);
        let activation = self.sampler.nade.config.activation;
        hidden.iter_mut().zip(inputs).for_each(|(h, &a)| *h = function(activation, a));
    }
}

impl SamplerState for NadeState<'_> {
    fn parameters(&mut self, position: usize, parameters: &mut [f32]) {
        let NadeSampler { nade, outputs, output_bias, bias, .. } = self.sampler;
        let (per, width) = (nade.config.output.n_parameters(), bias.len());
        let first = nade.order.variables()[position] * per;
        for (parameters, hidden) in parameters.chunks_exact_mut(per).zip(self.hidden.chunks_exact(width)) {
            for (k, parameter) in (first..).zip(parameters) {
                *parameter = output_bias[k] + dot(&outputs[k * width..(k + 1) * width], hidden);
            }
        }
    }

    fn observe(&mut self, observed: &Observed) {
        let NadeSampler { nade, rows, .. } = self.sampler;
        let first = nade.order.variables()[observed.position] * observed.n_inputs();
        for (i, j, input) in observed.nonzero() {
            rows.add(first + j, 0, input, &mut self.inputs, i);
            self.update(i);
        }
    }
}
