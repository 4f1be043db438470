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
        self.map.validate()?;
        let n_out = sizes.n_variables * self.map.n_parameters();
        self.network().validate(sizes.n_variables + sizes.n_context, n_out)
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
        let n_out = n_variables * self.map.n_parameters();
        let adjacency = Mask::from_fn(n_out, n_variables + n_context, |output, input| {
            input >= n_variables || input < output % n_variables
        });
        let network = self.network().init(&adjacency, device, noise)?;
        Ok(Autoregressive { network, n_variables, n_context, map: self.map })
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
    /// From variables and context `[n, D + C]` to parameters `[n, P·D]`.
    pub network: MaskedMlp,
    n_variables: usize,
    n_context: usize,
    #[module(skip)]
    map: Univariate,
}

impl Bijection for Autoregressive {
    fn forward(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let context = context.filter(|_| self.n_context > 0);
        let parameters = self.network.forward(append_context(x.clone(), context, self.n_context));
        self.map.forward(x, parameters)
    }

    fn inverse(&self, z: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let context = context.filter(|_| self.n_context > 0).cloned();
        let width = context.as_ref().map_or(0, |context| context.dims()[1]);
        assert_eq!(width, self.n_context, "the layer has a context of width {}", self.n_context);
        let mut state = SamplerState::new(&self.network.network(), self.n_variables, context);
        let mut ladj = Tensor::zeros([z.dims()[0]], (&z.device(), z.dtype()));
        for d in 0..self.n_variables {
            let parameters = state.parameters(z.dims()[0], self.map.n_parameters());
            let (x, step) = self.map.inverse(z.clone().narrow(1, d, 1), parameters);
            ladj = ladj + step;
            state.push(x);
        }
        (state.into_variables(), ladj)
    }
}
