//! Masked autoregressive layer: each variable is changed as those before it say.
//!
//! ```text
//! z_d = g(x_d; θ_d),   θ = masked network(x, c),   θ_d a function of x_0 … x_{d-1} and c
//! ladj = Σ_d ln ∂z_d/∂x_d
//! ```
//!
//! with `g` a map of one variable ([`Univariate`]). Variables are taken in the order of the data; a
//! [`Permutation`](crate::Permutation) between layers makes another.
//!
//! References: Papamakarios, Pavlakou & Murray, "Masked autoregressive flow for density estimation", NeurIPS 2017,
//! arXiv:1705.07057 (MAF); Kingma et al., "Improved variational inference with inverse autoregressive flow", NeurIPS 2016,
//! arXiv:1606.04934: the [`Inverse`](crate::Inverse) of this layer (IAF); Durkan et al., "Neural spline flows", NeurIPS 2019.
//!
//! Differences from the papers: the affine map has a bounded log-scale; degrees are shared out evenly.
//!
//! Cost: forward one pass of the network, of which the masks leave about half. The inverse finds one variable after the other, D
//! steps, and computes each hidden unit once, as soon as the variables that it sees are known: one pass in all, in D small
//! pieces.

mod recursion;

use burn::{config::Config, module::Module, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{
    Bijection,
    nn::{Activation, Mask, MaskedMlp, MaskedMlpConfig},
};

use crate::{ConfigError, Univariate, context::inputs};
use recursion::Recursion;

/// Network and map of an autoregressive layer.
#[derive(Config, Debug, PartialEq)]
pub struct AutoregressiveConfig {
    /// Widths of the hidden layers, each at least 1; at least D - 1 (D with a context) to keep every dependency.
    pub hidden: Vec<usize>,
    /// Function of the hidden units.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
    /// How variables are changed.
    #[config(default = "Univariate::affine()")]
    pub map: Univariate,
}

impl AutoregressiveConfig {
    fn network(&self) -> MaskedMlpConfig {
        MaskedMlpConfig::new(self.hidden.clone()).with_activation(self.activation).with_output_gain(0.0)
    }

    /// Checks every field, for this many variables and a context of this width, 0 for none.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self, n_variables: usize, n_context: usize) -> Result<(), ConfigError> {
        self.map.validate()?;
        let n_out = n_variables * self.map.n_parameters();
        Ok(self.network().validate(n_variables + n_context, n_out)?)
    }

    /// A layer that begins as the identity: the last weights of its network are zero, the others random.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(
        &self,
        n_variables: usize,
        n_context: usize,
        device: &Device,
        noise: &mut Noise,
    ) -> Result<Autoregressive, ConfigError> {
        self.validate(n_variables, n_context)?;
        let n_out = n_variables * self.map.n_parameters();
        let adjacency = Mask::from_fn(n_out, n_variables + n_context, |output, input| {
            input >= n_variables || input < output % n_variables
        });
        let network = self.network().init(&adjacency, device, noise)?;
        Ok(Autoregressive { network, n_variables, n_context, map: self.map })
    }
}

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
        let parameters = self.network.forward(inputs(Some(x.clone()), context, self.n_context));
        self.map.forward(x, parameters)
    }

    fn inverse(&self, z: Tensor<2>, context: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        let context = (self.n_context > 0).then(|| inputs(None, context, self.n_context));
        let mut recursion = Recursion::new(&self.network.network(), self.n_variables, context);
        let mut ladj = Tensor::zeros([z.dims()[0]], (&z.device(), z.dtype()));
        for d in 0..self.n_variables {
            let parameters = recursion.parameters(z.dims()[0], self.map.n_parameters());
            let (x, step) = self.map.inverse(z.clone().narrow(1, d, 1), parameters);
            ladj = ladj + step;
            recursion.push(x);
        }
        (recursion.into_variables(), ladj)
    }
}
