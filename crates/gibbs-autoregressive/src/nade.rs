//! NADE, the neural autoregressive distribution estimator: one hidden layer for each variable, all sharing their weights.
//!
//! ```text
//! a_0 = b + c·U,    h_t = f(a_t),    θ_t = e_t + h_t·V_t,    a_{t+1} = a_t + x_{o(t)}·W_t
//! ln p(x | c) = Σ_t ln p(x_{o(t)}; θ_t)
//! ```
//!
//! for the variables in their order `o`. The next inputs of the hidden units follow from the last by one row of `W`.
//!
//! References: Larochelle & Murray, "The neural autoregressive distribution estimator", AISTATS 2011 (PMLR 15:29), equations
//! 10 to 13 and algorithm 1; Uria, Côté, Gregor, Murray & Larochelle, JMLR 17:205 (2016), arXiv:1605.02226, sections 2
//! and 3.
//!
//! Differences from the paper: `V` begins as zero; a class or any other context may be given; outputs may be categorical, as there, or
//! mixtures of Gaussians whose parameters are all of a variable's own.
//!
//! Cost: `O(D·H)` for an example, all conditionals together; drawing one costs the same once more.

use burn::{
    config::Config,
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::{Init, Noise, affine, prefix_networks};
use gibbs_core::nn::{Activation, Affine, MlpConfig};

use crate::{
    Autoregressive, Conditional, ConfigError, Order, OrderConfig,
    autoregressive::{arranged, law},
    sampling::{Recursion, Walk, dot, function, host},
};

/// Widths and outputs of a NADE.
#[derive(Config, Debug, PartialEq)]
pub struct NadeConfig {
    /// Number of variables `D`, at least 1.
    pub n_variables: usize,
    /// Number of hidden units `H`, at least 1 (500 in the paper).
    pub n_hidden: usize,
    /// Function of the hidden units (sigmoid in the paper).
    #[config(default = "Activation::Sigmoid")]
    pub activation: Activation,
    /// The law of each variable.
    #[config(default = "Conditional::Bernoulli")]
    pub conditional: Conditional,
    /// Width of the context, 0 for none.
    #[config(default = 0)]
    pub n_context: usize,
    /// Order of the variables.
    #[config(default = "OrderConfig::Natural")]
    pub order: OrderConfig,
}

impl NadeConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range, or an order that is no permutation.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("n_variables", self.n_variables, 1)?;
        ConfigError::at_least("n_hidden", self.n_hidden, 1)?;
        self.conditional.validate()?;
        self.order.order(self.n_variables, &mut Noise::new(0, "order"))?;
        MlpConfig::new(vec![self.n_variables, self.n_hidden]).validate()?;
        Ok(())
    }

    /// A model with random weights into hidden units and all others zero, so that it begins as independent variables. A random
    /// order comes from the stream `order` of the seed of `noise`.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<Nade, ConfigError> {
        self.validate()?;
        let order = self.order.order(self.n_variables, &mut Noise::new(noise.seed(), "order"))?;
        let n_inputs = self.n_variables * self.conditional.n_inputs() + self.n_context;
        let n_outputs = self.n_variables * self.conditional.n_parameters();
        let mut layer = |[n_in, n_out]: [usize; 2], init: Init| Affine {
            weight: init.param([n_in, n_out], device, noise),
            bias: Init::Zeros.param([n_out], device, noise),
        };
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
    /// `W` with `U` below it, and `b`; then `V` and `e`. Inputs and outputs are in the order of the variables' numbers, those of
    /// a variable side by side.
    pub layers: Vec<Affine>,
    #[module(skip)]
    config: NadeConfig,
    #[module(skip)]
    order: Order,
}

impl Nade {
    /// Columns or rows that belong to the variables in their order, `per` for each.
    fn in_order(&self, per: usize) -> Vec<usize> {
        let of = |&variable: &usize| variable * per..(variable + 1) * per;
        self.order.variables().iter().flat_map(of).collect()
    }
}

impl Autoregressive for Nade {
    fn conditional(&self) -> Conditional {
        self.config.conditional
    }

    fn n_variables(&self) -> usize {
        self.config.n_variables
    }

    fn n_context(&self) -> usize {
        self.config.n_context
    }

    fn order(&self, _ordering: usize) -> &Order {
        &self.order
    }

    fn parameters(&self, _ordering: usize, x: Tensor<2>, context: Option<Tensor<2>>) -> Tensor<2> {
        let (n, conditional) = (x.dims()[0], self.config.conditional);
        let (inputs, outputs) =
            (self.in_order(conditional.n_inputs()), self.in_order(conditional.n_parameters()));
        let [first, last] = [&self.layers[0], &self.layers[1]];
        let n_context = self.config.n_context;
        let start = match context {
            None => {
                assert_eq!(n_context, 0, "the model has a context of width {n_context}: give it");
                first.bias.val().unsqueeze::<2>().expand([n, self.config.n_hidden])
            }
            Some(context) => {
                assert_eq!(context.dims(), [n, n_context], "a context for {n} examples");
                let weight = first.weight.val().narrow(0, inputs.len(), n_context);
                affine(context, weight, first.bias.val(), None)
            }
        };
        let x = arranged(conditional.encode(x), &inputs);
        let weight = first.weight.val().narrow(0, 0, inputs.len());
        let weight = arranged(weight.transpose(), &inputs).transpose();
        let parameters = prefix_networks(
            start,
            x,
            weight,
            arranged(last.weight.val(), &outputs),
            arranged(last.bias.val().unsqueeze::<2>(), &outputs).squeeze_dim(0),
            self.config.n_variables,
            self.config.activation.function(),
        );
        let mut back = vec![0; outputs.len()];
        outputs.iter().enumerate().for_each(|(at, &column)| back[column] = at);
        arranged(parameters, &back)
    }

    fn recursion(&self, _ordering: usize) -> Box<dyn Recursion + '_> {
        let rows: Vec<Vec<f32>> = {
            let weight = host(self.layers[0].weight.val());
            weight.chunks_exact(self.config.n_hidden).map(<[f32]>::to_vec).collect()
        };
        let columns = host(self.layers[1].weight.val().transpose());
        Box::new(Kept {
            nade: self,
            rows,
            bias: host(self.layers[0].bias.val()),
            columns: columns.chunks_exact(self.config.n_hidden).map(<[f32]>::to_vec).collect(),
            output_bias: host(self.layers[1].bias.val()),
        })
    }

    fn device(&self) -> Device {
        self.layers[0].bias.device()
    }

    fn with_marginals(mut self, x: Tensor<2>) -> Self {
        self.layers[1].bias = Param::from_tensor(self.config.conditional.marginals(x));
        self
    }
}

law!(Nade);

/// The recursion: hidden inputs and hidden units of each example are kept, and change with inputs that are not zero.
struct Kept<'a> {
    nade: &'a Nade,
    /// Rows of `W` and `U`.
    rows: Vec<Vec<f32>>,
    bias: Vec<f32>,
    /// Columns of `V`.
    columns: Vec<Vec<f32>>,
    output_bias: Vec<f32>,
}

struct KeptWalk<'a> {
    kept: &'a Kept<'a>,
    inputs: Vec<Vec<f32>>,
    hidden: Vec<Vec<f32>>,
    position: usize,
}

impl Kept<'_> {
    fn add(&self, row: usize, value: f32, inputs: &mut [f32]) {
        inputs.iter_mut().zip(&self.rows[row]).for_each(|(sum, weight)| *sum += value * weight);
    }

    fn hidden(&self, inputs: &[f32]) -> Vec<f32> {
        inputs.iter().map(|&a| function(self.nade.config.activation, a)).collect()
    }
}

impl Recursion for Kept<'_> {
    fn start(&self, n: usize, context: &[f32]) -> Box<dyn Walk + '_> {
        let first = self.rows.len() - self.nade.config.n_context;
        let mut inputs = vec![self.bias.clone(); n];
        for (inputs, context) in
            inputs.iter_mut().zip(context.chunks_exact(self.nade.config.n_context.max(1)))
        {
            context.iter().enumerate().for_each(|(j, &value)| self.add(first + j, value, inputs));
        }
        let hidden = inputs.iter().map(|inputs| self.hidden(inputs)).collect();
        Box::new(KeptWalk { kept: self, inputs, hidden, position: 0 })
    }
}

impl KeptWalk<'_> {
    fn variable(&self) -> usize {
        self.kept.nade.order.variables()[self.position]
    }
}

impl Walk for KeptWalk<'_> {
    fn parameters(&mut self, parameters: &mut [f32]) {
        let per = self.kept.nade.config.conditional.n_parameters();
        let first = self.variable() * per;
        for (parameters, hidden) in parameters.chunks_exact_mut(per).zip(&self.hidden) {
            for (k, parameter) in parameters.iter_mut().enumerate() {
                *parameter = self.kept.output_bias[first + k] + dot(&self.kept.columns[first + k], hidden);
            }
        }
    }

    fn observe(&mut self, values: &[f32]) {
        let conditional = self.kept.nade.config.conditional;
        let first = self.variable() * conditional.n_inputs();
        let mut one = vec![0.0; conditional.n_inputs()];
        for (i, &value) in values.iter().enumerate() {
            conditional.encode_value(value, &mut one);
            for (j, &input) in one.iter().enumerate().filter(|(_, input)| **input != 0.0) {
                self.kept.add(first + j, input, &mut self.inputs[i]);
            }
            if one.iter().any(|input| *input != 0.0) {
                self.hidden[i] = self.kept.hidden(&self.inputs[i]);
            }
        }
        self.position += 1;
    }
}
