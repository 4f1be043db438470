//! MADE, the masked autoencoder for distribution estimation: one pass gives all conditionals.
//!
//! ```text
//! h_0 = (x, c),   h_l = f(h_{l-1}·(M_l ⊙ W_l) + b_l),   θ = h_{L-1}·(M_L ⊙ W_L) + b_L + h_0·(M_A ⊙ A)
//! ln p(x | c) = Σ_d ln p(x_d; θ_d),    θ_d a function of the variables before d in the order, and of c
//! ```
//!
//! with the masks of a [`Wiring`]: an order and degrees. A model of several wirings shares its weights among them and is
//! the mixture of all of them.
//!
//! References: Germain, Gregor, Murray & Larochelle, "MADE: masked autoencoder for distribution estimation", ICML 2015,
//! arXiv:1502.03509, equations 7 to 13, section 4.2 for several orders and connectivities; Uria, Murray & Larochelle, "A
//! deep and tractable density estimator", ICML 2014, arXiv:1310.1757, for orderings as a mixture.
//!
//! Differences from the paper: degrees may be shared out evenly; the initial weights of a unit are the larger the fewer
//! inputs it sees, and those of the outputs zero; a class or any other context may be given; outputs may be categorical or mixtures of Gaussians.
//!
//! Cost: a pass of the network, of which the masks leave about half; drawing an example costs the same once more.

mod recursion;

use std::sync::Arc;

use burn::{
    config::Config,
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::{Init, Noise, Pattern, masked_affine};
use gibbs_core::nn::{Activation, Affine, Mask, MaskedMlpConfig, Network};

use crate::{
    Autoregressive, Conditional, ConfigError, Degrees, Order, OrderConfig, Wiring,
    autoregressive::{law, with_context},
    sampling::Recursion,
};

/// Widths, wirings and outputs of a MADE.
#[derive(Config, Debug, PartialEq)]
pub struct MadeConfig {
    /// Number of variables `D`, at least 1.
    pub n_variables: usize,
    /// Widths of the hidden layers, each at least 1 (one or two of 500 to 8000 in the paper); none leaves the direct connections.
    pub hidden: Vec<usize>,
    /// Function of the hidden units (relu in the paper).
    #[config(default = "Activation::Relu")]
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
    /// How degrees are given to hidden units.
    #[config(default = "Degrees::Uniform")]
    pub degrees: Degrees,
    /// Number of wirings, at least 1 (1 and 32 in the paper). Each draws what is random about it anew.
    #[config(default = 1)]
    pub n_wirings: usize,
    /// Whether outputs see earlier inputs also directly.
    #[config(default = true)]
    pub direct: bool,
    /// Part of the hidden units dropped in training, in [0, 1) (0 in the paper).
    #[config(default = 0.0)]
    pub dropout: f64,
}

impl MadeConfig {
    /// Checks every field that does not depend on a noise.
    ///
    /// # Errors
    /// Names the first field that is out of range, or an order that is no permutation.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("n_variables", self.n_variables, 1)?;
        ConfigError::at_least("n_wirings", self.n_wirings, 1)?;
        self.conditional.validate()?;
        let n = self.n_variables;
        self.order.order(n, &mut Noise::new(0, "order"))?;
        self.network().validate(n * self.conditional.n_inputs(), n * self.conditional.n_parameters())?;
        Ok(())
    }

    fn network(&self) -> MaskedMlpConfig {
        MaskedMlpConfig::new(self.hidden.clone())
            .with_activation(self.activation)
            .with_dropout(self.dropout)
            .with_output_gain(0.0)
    }

    /// A model with random weights into hidden units and all others zero, so that it begins as independent variables.
    ///
    /// The wirings come from the streams `wiring/0`, `wiring/1`, … of the seed of `noise` and from nothing else, so that a
    /// model made to load weights into has those it was trained with.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<Made, ConfigError> {
        self.validate()?;
        let wiring = |k: usize| -> Result<Wiring, ConfigError> {
            let noise = &mut Noise::new(noise.seed(), format!("wiring/{k}"));
            let order = self.order.order(self.n_variables, noise)?;
            Ok(Wiring::new(order, &self.hidden, self.degrees, self.n_context > 0, noise))
        };
        let wirings = (0..self.n_wirings).map(wiring).collect::<Result<Vec<_>, _>>()?;
        let sizes = [self.conditional.n_inputs(), self.n_context, self.conditional.n_parameters()];
        let masks = wirings[0].masks(sizes[0], sizes[1], sizes[2]);
        let layers = self.network().init_from_masks(&masks, device, noise)?.layers;
        let direct = [self.n_variables * sizes[0] + sizes[1], self.n_variables * sizes[2]];
        let made = Made {
            layers,
            direct: self.direct.then(|| Init::Zeros.param(direct, device, noise)),
            config: self.clone(),
            wirings: Wirings::default(),
        };
        Ok(made.with_wirings(wirings))
    }
}

/// A wiring with its masks, those of the layers first and that of the direct connections last.
#[derive(Debug)]
struct Wired {
    wiring: Wiring,
    masks: Vec<Pattern>,
}

/// The wirings of a model, which are no parameters.
#[derive(Clone, Debug, Default)]
struct Wirings(Vec<Arc<Wired>>);

/// A masked autoencoder.
///
/// ```
/// use burn::prelude::*;
/// use gibbs_autoregressive::MadeConfig;
/// use gibbs_backend::Noise;
/// use gibbs_core::{LogProb, Sample};
///
/// let noise = &mut Noise::new(0, "example");
/// let made = MadeConfig::new(16, vec![32]).init(&Device::flex(), noise)?;
/// let x = made.sample(5, noise);
/// assert_eq!(made.log_prob(x).dims(), [5]);
/// # Ok::<(), gibbs_autoregressive::ConfigError>(())
/// ```
#[derive(Module, Debug)]
pub struct Made {
    /// The layers, in the order of the pass: inputs are those of each variable side by side and then the context, outputs
    /// the parameters of each variable side by side. Weights before masking.
    pub layers: Vec<Affine>,
    /// Weights `[inputs, outputs]` of the direct connections, before masking.
    pub direct: Option<Param<Tensor<2>>>,
    #[module(skip)]
    config: MadeConfig,
    #[module(skip)]
    wirings: Wirings,
}

impl Made {
    /// The same weights under other wirings, of which the model becomes the mixture.
    ///
    /// # Panics
    /// If there is no wiring, or one of other widths.
    pub fn with_wirings(mut self, wirings: Vec<Wiring>) -> Self {
        assert!(!wirings.is_empty(), "a model has at least one wiring");
        let config = &self.config;
        let (n_inputs, n_outputs) = (config.conditional.n_inputs(), config.conditional.n_parameters());
        let wired = |wiring: Wiring| {
            let widths: Vec<usize> = wiring.degrees().iter().map(Vec::len).collect();
            assert_eq!(
                (wiring.order().len(), &widths),
                (config.n_variables, &config.hidden),
                "a wiring of other widths"
            );
            let mut masks = wiring.masks(n_inputs, config.n_context, n_outputs);
            masks.extend(config.direct.then(|| wiring.direct_mask(n_inputs, config.n_context, n_outputs)));
            let masks = masks.iter().map(Mask::pattern).collect();
            Arc::new(Wired { wiring, masks })
        };
        self.wirings = Wirings(wirings.into_iter().map(wired).collect());
        self
    }

    /// The model in one ordering whose order begins with the variables that are `known`: for completing
    /// examples of which any variables are given, where the model was trained in many orders.
    ///
    /// # Panics
    /// If `known` has not one entry for each variable.
    pub fn starting_with(&self, known: &[bool]) -> Self {
        let wiring = &self.wirings.0[0].wiring;
        let order = wiring.order().starting_with(known);
        let noise = &mut Noise::new(0, "wiring");
        let (config, has_context) = (&self.config, self.config.n_context > 0);
        let wiring = Wiring::new(order, &config.hidden, config.degrees, has_context, noise);
        self.clone().with_wirings(vec![wiring])
    }

    /// The wirings, as many as orderings.
    pub fn wirings(&self) -> impl Iterator<Item = &Wiring> {
        self.wirings.0.iter().map(|wired| &wired.wiring)
    }

    /// What the first layer takes: variables, then the context.
    fn inputs(&self, x: Tensor<2>, context: Option<Tensor<2>>) -> Tensor<2> {
        with_context(self.config.conditional.encode(x), context, self.config.n_context)
    }

    /// The network of an ordering and the direct connections beside it.
    fn pass(
        &self,
        ordering: usize,
        input: Tensor<2>,
        forward: impl FnOnce(&Network, Tensor<2>) -> Tensor<2>,
    ) -> Tensor<2> {
        let masks = &self.wirings.0[ordering].masks;
        let (own, direct_mask) = masks.split_at(self.layers.len());
        let outputs = forward(&self.config.network().network(&self.layers, own), input.clone());
        match (&self.direct, direct_mask) {
            (Some(direct), [mask]) => {
                let weight = direct.val();
                let none = Tensor::zeros([weight.dims()[1]], (&weight.device(), weight.dtype()));
                outputs + masked_affine(input, weight, none, mask, None)
            }
            _ => outputs,
        }
    }
}

impl Autoregressive for Made {
    fn conditional(&self) -> Conditional {
        self.config.conditional
    }

    fn n_variables(&self) -> usize {
        self.config.n_variables
    }

    fn n_context(&self) -> usize {
        self.config.n_context
    }

    fn n_orderings(&self) -> usize {
        self.wirings.0.len()
    }

    fn order(&self, ordering: usize) -> &Order {
        self.wirings.0[ordering].wiring.order()
    }

    fn parameters(&self, ordering: usize, x: Tensor<2>, context: Option<Tensor<2>>) -> Tensor<2> {
        self.pass(ordering, self.inputs(x, context), Network::forward)
    }

    fn parameters_with_dropout(
        &self,
        ordering: usize,
        x: Tensor<2>,
        context: Option<Tensor<2>>,
        noise: &mut Noise,
    ) -> Tensor<2> {
        self.pass(ordering, self.inputs(x, context), |network, x| network.forward_with_dropout(x, noise))
    }

    fn recursion(&self, ordering: usize) -> Box<dyn Recursion + '_> {
        Box::new(recursion::Masked::new(self, &self.wirings.0[ordering].wiring))
    }

    fn device(&self) -> Device {
        self.layers[0].bias.device()
    }

    fn with_marginals(mut self, x: Tensor<2>) -> Self {
        let marginals = self.config.conditional.marginals(x);
        if let Some(last) = self.layers.last_mut() {
            last.bias = Param::from_tensor(marginals);
        }
        self
    }
}

law!(Made);
