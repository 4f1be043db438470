//! Masked autoregressive layer: a map of each variable, whose parameters depend on the variables before it.
//!
//! ```text
//! z_d = g(x_d; θ_d),   θ = masked network(x, c),   θ_d a function of x_0 … x_{d-1} and c
//! ladj = Σ_d ln ∂z_d/∂x_d
//! ```
//!
//! `g` is a map of one variable ([`Univariate`]). The order of the variables is that of the data. A
//! [`Permutation`](crate::Permutation) between layers changes it.
//!
//! References: Papamakarios, Pavlakou & Murray, "Masked autoregressive flow for density estimation", NeurIPS 2017,
//! arXiv:1705.07057 (MAF); Kingma et al., "Improved variational inference with inverse autoregressive flow", NeurIPS 2016,
//! arXiv:1606.04934: the [`Inverse`](crate::Inverse) of this layer (IAF); Durkan et al., "Neural spline flows", NeurIPS 2019.
//!
//! Differences from the papers: the affine map has a bounded log-scale. Degrees are distributed evenly.
//!
//! Cost: the forward direction takes one pass of the network, whose masks leave about half of the weights. The inverse takes D steps,
//! one for each variable. It computes each hidden unit once, as soon as the variables that it depends on are known. In total that is
//! one pass.

mod sampler;

use burn::{config::Config, module::Module, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{
    Bijection, ConfigError,
    nn::{Activation, Mask, MaskedMlp, MaskedMlpConfig, Widths, append_context},
};
use serde::{Deserialize, Serialize};

use super::{
    Univariate,
    angles::VariableMaps,
    inverse::Inverse,
    layer_config::{FlowLayer, InitLayer, Sizes},
};
use sampler::SamplerState;

/// Network and map of an autoregressive layer.
#[derive(Config, Debug, PartialEq)]
pub struct AutoregressiveConfig {
    /// Widths of the hidden layers, each at least 1; at least D - 1 (D with a context) to keep every dependency.
    pub n_hidden: Widths,
    /// Function of the hidden units.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
    /// How variables are changed.
    #[config(default = "Univariate::affine()")]
    pub map: Univariate,
    /// Variables that are angles, for splines: see [`FlowConfig::angles`](crate::FlowConfig::angles).
    #[config(default = "Vec::new()")]
    pub angles: Vec<usize>,
}

impl AutoregressiveConfig {
    fn network(&self) -> MaskedMlpConfig {
        MaskedMlpConfig::new(self.n_hidden.list().to_vec())
            .with_activation(self.activation)
            .with_output_gain(0.0)
    }
}

impl InitLayer for AutoregressiveConfig {
    type Layer = Autoregressive;

    fn validate(&self, sizes: Sizes) -> Result<(), ConfigError> {
        let maps = VariableMaps::new(self.map, sizes.n_variables, &self.angles)?;
        let n_features = maps.variables_of_features().len();
        self.network().validate(n_features + sizes.n_context, sizes.n_variables * maps.n_parameters())
    }

    /// The layer begins as the identity: the last weights of its network are zero, the others random.
    fn init(
        &self,
        sizes: Sizes,
        device: &Device,
        noise: &mut Noise,
        _: &mut Noise,
    ) -> Result<Autoregressive, ConfigError> {
        self.validate(sizes)?;
        let Sizes { n_variables, n_context } = sizes;
        let maps = VariableMaps::new(self.map, n_variables, &self.angles)?;
        let (inputs, n_out) = (maps.variables_of_features(), n_variables * maps.n_parameters());
        let adjacency = Mask::from_fn(n_out, inputs.len() + n_context, |output, input| {
            inputs.get(input).is_none_or(|&variable| variable < output % n_variables)
        });
        let network = self.network().init(&adjacency, device, noise)?;
        Ok(Autoregressive { network, n_variables, n_context, maps })
    }
}

/// The configuration of an autoregressive layer that is inverted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InverseAutoregressiveConfig(pub AutoregressiveConfig);

impl InitLayer for InverseAutoregressiveConfig {
    type Layer = Inverse<Autoregressive>;

    fn validate(&self, sizes: Sizes) -> Result<(), ConfigError> {
        self.0.validate(sizes)
    }

    fn init(
        &self,
        sizes: Sizes,
        device: &Device,
        noise: &mut Noise,
        order_noise: &mut Noise,
    ) -> Result<Inverse<Autoregressive>, ConfigError> {
        Ok(Inverse::of(self.0.init(sizes, device, noise, order_noise)?))
    }
}

impl FlowLayer for Autoregressive {}

impl FlowLayer for Inverse<Autoregressive> {}

/// A masked autoregressive layer.
#[derive(Module, Debug)]
pub struct Autoregressive {
    /// From variables and context `[n, D + C]` to parameters `[n, P·D]`. An angle has two inputs, its cosine and its sine.
    pub network: MaskedMlp,
    n_variables: usize,
    n_context: usize,
    #[module(skip)]
    maps: VariableMaps,
}

impl Bijection for Autoregressive {
    fn forward(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let context = context.filter(|_| self.n_context > 0);
        let features = self.maps.features(x.clone());
        let parameters = self.network.forward(append_context(features, context, self.n_context));
        self.maps.forward(x, parameters)
    }

    fn inverse(&self, z: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let context = context.filter(|_| self.n_context > 0).cloned();
        let width = context.as_ref().map_or(0, |context| context.dims()[1]);
        assert_eq!(width, self.n_context, "the layer has a context of width {}", self.n_context);
        let n_features = self.maps.variables_of_features().len();
        let mut state = SamplerState::new(&self.network.network(), [self.n_variables, n_features], context);
        let mut ladj = Tensor::zeros([z.dims()[0]], (&z.device(), z.dtype()));
        let mut variables = Vec::with_capacity(self.n_variables);
        for d in 0..self.n_variables {
            let parameters = state.parameters(z.dims()[0], self.maps.n_parameters());
            let maps = self.maps.of(&[d]);
            let (x, step) = maps.inverse(z.clone().narrow(1, d, 1), parameters);
            ladj = ladj + step;
            state.push(maps.features(x.clone()));
            variables.push(x);
        }
        (Tensor::cat(variables, 1), ladj)
    }
}
