//! MADE, the masked autoencoder for distribution estimation: one pass gives all conditional distributions.
//!
//! ```text
//! h_0 = (x, c),   h_l = f(h_{l-1}·(M_l ⊙ W_l) + b_l),   θ = h_{L-1}·(M_L ⊙ W_L) + b_L + h_0·(M_A ⊙ A)
//! ln p(x | c) = Σ_d ln p(x_d; θ_d),    θ_d a function of c and of the variables before d in the order
//! ```
//!
//! The masks `M` follow from an order and degrees: see [`MadeMasks`]. A model can have several [`MadeMasks`] that share the
//! weights. The model is then their mixture.
//!
//! References: Germain, Gregor, Murray & Larochelle, "MADE: masked autoencoder for distribution estimation", ICML 2015,
//! arXiv:1502.03509, equations 7 to 13, section 4.2 for several orders and connectivities; Uria, Murray & Larochelle, "A
//! deep and tractable density estimator", ICML 2014, arXiv:1310.1757, for the mixture over orders.
//!
//! Differences from the paper: degrees are evenly spaced by default. Initial weights of a unit are larger if it sees fewer
//! inputs; initial weights into the outputs are zero. The model can have a class or any other context. Outputs can be
//! categorical or mixtures of Gaussians.
//!
//! Cost: one pass of the network, of which the masks leave about half. A draw costs as much as a pass.

mod masks;
mod sampler;

use std::sync::Arc;

use burn::{
    config::Config,
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::{Init, Noise, Pattern, masked_affine};
use gibbs_core::{
    ConfigError,
    nn::{Activation, Affine, Mask, MaskedMlpConfig, Network, Widths, append_context},
};

pub use masks::{Degrees, MadeMasks};

use crate::{
    Autoregressive, Order, OrderConfig, OutputDistribution,
    autoregressive::{distribution, require_shapes},
};

/// Widths, masks and outputs of a MADE.
#[derive(Config, Debug, PartialEq)]
pub struct MadeConfig {
    /// Number of variables `D`, at least 1.
    pub n_visible: usize,
    /// Widths of the hidden layers, each at least 1 (one or two of 500 to 8000 in the paper). An empty list leaves the direct
    /// connections only.
    pub n_hidden: Widths,
    /// Activation function of the hidden units (relu in the paper).
    #[config(default = "Activation::Relu")]
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
    /// How hidden units get their degrees.
    #[config(default = "Degrees::Uniform")]
    pub degrees: Degrees,
    /// Number of masks, at least 1 (1 and 32 in the paper). Each has its own random order and random degrees.
    #[config(default = 1)]
    pub n_masks: usize,
    /// Whether outputs also see earlier inputs directly.
    #[config(default = true)]
    pub direct: bool,
    /// Fraction of hidden units dropped in training, in [0, 1) (0 in the paper).
    #[config(default = 0.0)]
    pub dropout: f64,
}

impl MadeConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range, or an order that is no permutation.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("n_visible", self.n_visible, 1)?;
        self.n_hidden.validate("n_hidden")?;
        ConfigError::at_least("n_masks", self.n_masks, 1)?;
        self.output.validate(self.n_visible)?;
        let n = self.n_visible;
        self.order.order(n, &mut Noise::new(0, "order"))?;
        self.network().validate(n * self.output.n_inputs(), n * self.output.n_parameters())
    }

    /// Number of weights of direct connections.
    pub fn n_direct(&self) -> usize {
        let n = self.n_visible;
        n * self.output.n_inputs() * n * self.output.n_parameters()
    }

    fn network(&self) -> MaskedMlpConfig {
        MaskedMlpConfig::new(self.n_hidden.list().to_vec())
            .with_activation(self.activation)
            .with_dropout(self.dropout)
            .with_output_gain(0.0)
    }

    /// A model with random weights into hidden units and all other weights zero: its variables are independent at first.
    ///
    /// Masks depend only on the config and the streams `wiring/0`, `wiring/1`, … of the seed of `noise`. A model made to load
    /// weights has the masks of the training if the seed is the same.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<Made, ConfigError> {
        self.validate()?;
        let masks = |k: usize| -> Result<MadeMasks, ConfigError> {
            let noise = &mut Noise::new(noise.seed(), format!("wiring/{k}"));
            let order = self.order.order(self.n_visible, noise)?;
            Ok(self.masks(order, noise))
        };
        let masks = (0..self.n_masks).map(masks).collect::<Result<Vec<_>, _>>()?;
        let sizes = [self.output.n_inputs(), self.n_context, self.output.n_parameters()];
        let own = masks[0].layers(sizes[0], sizes[1], sizes[2]);
        let layers = self.network().init_from_masks(&own, device, noise)?.layers;
        let direct = [self.n_visible * sizes[0] + sizes[1], self.n_visible * sizes[2]];
        let made = Made {
            layers,
            direct: self.direct.then(|| Init::Zeros.param(direct, device, noise)),
            config: self.clone(),
            masks: Vec::new(),
        };
        Ok(made.with_masks(masks))
    }

    fn masks(&self, order: Order, noise: &mut Noise) -> MadeMasks {
        MadeMasks::new(order, self.n_hidden.list(), self.degrees, self.n_context > 0, noise)
    }
}

/// Masks and their patterns: those of the layers, then that of the direct connections.
#[derive(Debug)]
struct Patterns {
    masks: MadeMasks,
    patterns: Vec<Pattern>,
}

/// A masked autoencoder.
///
/// ```
/// use burn::prelude::*;
/// use gibbs_autoregressive::MadeConfig;
/// use gibbs_backend::Noise;
/// use gibbs_core::{LogProb, Sample};
///
/// let noise = &mut Noise::new(0, "example");
/// let made = MadeConfig::new(16, 32.into()).init(&Device::flex(), noise)?;
/// let x = made.sample(5, noise);
/// assert_eq!(made.log_prob(x).dims(), [5]);
/// # Ok::<(), gibbs_autoregressive::ConfigError>(())
/// ```
#[derive(Module, Debug)]
pub struct Made {
    /// The layers, inputs first. Inputs are those of each variable, then the context; outputs are the parameters of each
    /// variable. Weights are stored before masking.
    pub layers: Vec<Affine>,
    /// Weights `[inputs, outputs]` of the direct connections, before masking.
    pub direct: Option<Param<Tensor<2>>>,
    #[module(skip)]
    config: MadeConfig,
    /// No parameters: they follow from the config and the seed.
    #[module(skip)]
    masks: Vec<Arc<Patterns>>,
}

impl Made {
    /// The same weights under other masks. The model is their mixture.
    ///
    /// # Panics
    /// If there are no masks, or masks of other widths.
    pub fn with_masks(mut self, masks: Vec<MadeMasks>) -> Self {
        assert!(!masks.is_empty(), "a model has at least one mask");
        let config = &self.config;
        let (n_inputs, n_outputs) = (config.output.n_inputs(), config.output.n_parameters());
        let patterns = |masks: MadeMasks| {
            let widths: Vec<usize> = masks.degrees().iter().map(Vec::len).collect();
            let expected = (config.n_visible, config.n_hidden.list());
            assert_eq!((masks.order().len(), &widths[..]), expected, "masks of other widths");
            let mut all = masks.layers(n_inputs, config.n_context, n_outputs);
            all.extend(config.direct.then(|| masks.direct(n_inputs, config.n_context, n_outputs)));
            Arc::new(Patterns { masks, patterns: all.iter().map(Mask::pattern).collect() })
        };
        self.masks = masks.into_iter().map(patterns).collect();
        self
    }

    /// The masks of the model.
    pub fn masks(&self) -> impl Iterator<Item = &MadeMasks> {
        self.masks.iter().map(|patterns| &patterns.masks)
    }

    /// The network under a mask plus the direct connections.
    fn pass(
        &self,
        mask: usize,
        x: Tensor<2>,
        context: Option<&Tensor<2>>,
        forward: impl FnOnce(&Network, Tensor<2>) -> Tensor<2>,
    ) -> Tensor<2> {
        require_shapes(self, &x, context);
        let input = append_context(self.config.output.encode(x), context, self.config.n_context);
        let (own, direct_mask) = self.masks[mask].patterns.split_at(self.layers.len());
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
    fn name(&self) -> &'static str {
        "the MADE"
    }

    fn output(&self) -> &OutputDistribution {
        &self.config.output
    }

    fn n_visible(&self) -> usize {
        self.config.n_visible
    }

    fn n_masks(&self) -> usize {
        self.masks.len()
    }

    fn order(&self, mask: usize) -> &Order {
        self.masks[mask].masks.order()
    }

    fn parameters(&self, mask: usize, x: Tensor<2>, context: Option<&Tensor<2>>) -> Tensor<2> {
        self.pass(mask, x, context, Network::forward)
    }

    fn parameters_with_dropout(
        &self,
        mask: usize,
        x: Tensor<2>,
        context: Option<&Tensor<2>>,
        noise: &mut Noise,
    ) -> Tensor<2> {
        self.pass(mask, x, context, |network, x| network.forward_with_dropout(x, noise))
    }

    fn output_bias(&mut self) -> &mut Param<Tensor<1>> {
        let last = self.layers.len() - 1;
        &mut self.layers[last].bias
    }

    fn device(&self) -> Device {
        self.layers[0].bias.device()
    }

    fn starting_with(&self, known: &[bool]) -> Option<Box<dyn Autoregressive>> {
        let order = self.order(0).starting_with(known);
        let masks = self.config.masks(order, &mut Noise::new(0, "wiring"));
        (self.n_masks() > 1)
            .then(|| Box::new(self.clone().with_masks(vec![masks])) as Box<dyn Autoregressive>)
    }
}

distribution!(Made, |made| made.config.n_context);
