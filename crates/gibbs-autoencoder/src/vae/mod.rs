//! Variational autoencoder (VAE): a decoder that makes data from normally distributed codes, and an encoder that infers them.
//!
//! ```text
//! p(x, z) = p(z) p(x | z),    p(z) = N(0, 1) or a flow,    p(x | z) independent variables with parameters decoder(z)
//! encoder(x) = (μ, s, h),     z = g_x(u),    u ~ N(0, 1)
//!     Gaussian    z = μ + σ ⊙ u,  σ = exp(s)
//!     flow        z = flow⁻¹(μ + σ ⊙ u; h)
//! ln q(z | x) = ln N(u; 0, 1) - ln |det ∂g_x/∂u|
//! w   = p(x, z) / q(z | x),   E_q[w] = p(x)
//! L_k = E_q[ln 1/k Σ_i w_i] ≤ ln p(x),   rises with k;   L_1 is the evidence lower bound (ELBO)
//!     = E_q[ln p(x | z)] - KL(q(z | x) ‖ p(z))           -distortion - rate
//! KL(N(μ, σ²) ‖ N(0, 1)) = ½ Σ_j μ_j² + σ_j² - 1 - ln σ_j²
//! ```
//!
//! References: Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014, arXiv:1312.6114; Burda, Grosse & Salakhutdinov,
//! "Importance weighted autoencoders", ICLR 2016, arXiv:1509.00519, for `L_k` and the network of 200 and 200 tanh units; Kingma et al.,
//! "Improved variational inference with inverse autoregressive flow", NeurIPS 2016, arXiv:1606.04934, for flows as posteriors; Chen et al.,
//! "Variational lossy autoencoder", ICLR 2017, arXiv:1611.02731, for flows as priors.
//!
//! Differences from the papers: `s` is bounded. Any kind of flow can be prior or posterior.
//!
//! Cost: a pass of the encoder for each example, and a pass of the decoder for each code.

mod convolutions;
mod evidence;
mod objective;
mod posterior;
#[cfg(test)]
mod tests;

use burn::{config::Config, module::Module, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{
    ConfigError, LogProb, Sample, check,
    math::{log_normal, repeat_rows},
    nn::{Activation, Mlp, MlpConfig, append_context},
    output::OutputDistribution,
};
use gibbs_flow::{Flow, FlowFamilyConfig};

pub use convolutions::{ConvolutionConfig, Convolutions};
pub use evidence::{Evidence, PosteriorAnnealing};
pub use objective::{Elbo, GradientEstimator};
pub use posterior::Posterior;

/// Networks and distributions of a VAE.
#[derive(Config, Debug, PartialEq)]
pub struct VaeConfig {
    /// Number of variables, at least 1.
    pub n_visible: usize,
    /// Hidden units of each layer of the encoder (200, 200 in Burda et al.). The decoder has them in reverse order.
    pub n_hidden: Vec<usize>,
    /// Number of latent variables, at least 1 (50 in Burda et al.).
    pub n_latent: usize,
    /// Width of the context of encoder and decoder, such as the number of classes; 0 for none.
    #[config(default = 0)]
    pub n_context: usize,
    /// Function of the hidden units (tanh in Burda et al.).
    #[config(default = "Activation::Tanh")]
    pub activation: Activation,
    /// The distribution of each variable given the code.
    #[config(default = "OutputDistribution::Bernoulli")]
    pub output: OutputDistribution,
    /// Convolutions between pictures and the hidden layers of both networks; `null`: none.
    #[config(default = "None")]
    pub convolutions: Option<ConvolutionConfig>,
    /// Fraction of hidden units of the encoder and the decoder dropped in training, in [0, 1).
    #[config(default = 0.0)]
    pub dropout: f64,
    /// Flow of the prior; `null`: standard normal.
    #[config(default = "None")]
    pub prior: Option<FlowFamilyConfig>,
    /// Flow after the Gaussian posterior, whose context is a part of the encoder's outputs; `null`: none.
    #[config(default = "None")]
    pub posterior: Option<FlowFamilyConfig>,
}

impl VaeConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("n_visible", self.n_visible, 1)?;
        for (k, &n_hidden) in self.n_hidden.iter().enumerate() {
            ConfigError::at_least(format!("n_hidden[{k}]"), n_hidden, 1)?;
        }
        ConfigError::at_least("n_latent", self.n_latent, 1)?;
        ConfigError::fraction("dropout", self.dropout)?;
        self.output.validate(self.n_visible)?;
        self.convolutions.iter().try_for_each(|config| config.validate(self.n_visible))?;
        for (name, flow) in [("prior", &self.prior), ("posterior", &self.posterior)] {
            let Some(flow) = flow else { continue };
            let (n, reason) = (flow.n_visible(), format!("must be n_latent, {}", self.n_latent));
            ConfigError::require(n == self.n_latent, format!("{name}.n_visible"), n, reason)?;
            flow.flow()?;
        }
        let n_context = self.prior.as_ref().map_or(0, FlowFamilyConfig::n_context);
        ConfigError::require(n_context == 0, "prior.n_context", n_context, "a prior has no context")
    }

    /// Numbers between the data and the hidden layers of a network, `per` of each variable without convolutions.
    fn width(&self, per: usize) -> usize {
        self.convolutions.as_ref().map_or(self.n_visible * per, ConvolutionConfig::width)
    }

    /// Widths of the encoder: the inputs of all variables and the context, to `μ`, `s` and `h`.
    fn encoder(&self) -> Vec<usize> {
        let inputs = self.width(self.output.n_inputs()) + self.n_context;
        let context = self.posterior.as_ref().map_or(0, FlowFamilyConfig::n_context);
        let hidden = self.n_hidden.iter().copied();
        [inputs].into_iter().chain(hidden).chain([2 * self.n_latent + context]).collect()
    }

    /// Widths of the decoder: the code and the context, to the parameters of all variables.
    fn decoder(&self) -> Vec<usize> {
        let hidden = self.n_hidden.iter().rev().copied();
        let parameters = self.width(self.output.n_parameters());
        [self.n_latent + self.n_context].into_iter().chain(hidden).chain([parameters]).collect()
    }

    /// A VAE with random weights by [`Activation::weight_init`] and zero biases: the encoder, the decoder, the prior, the posterior.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<Vae, ConfigError> {
        self.validate()?;
        let mut network = |widths: Vec<usize>| {
            let config = MlpConfig::new(widths).with_activation(self.activation).with_dropout(self.dropout);
            config.init(device, noise)
        };
        let (encoder, decoder) = (network(self.encoder())?, network(self.decoder())?);
        let (reader, drawer) = match &self.convolutions {
            Some(config) => (
                Some(config.reader(self.output.n_inputs(), self.activation, device, noise)),
                Some(config.drawer(self.output.n_parameters(), self.activation, device, noise)),
            ),
            None => (None, None),
        };
        let mut flow = |config: &Option<FlowFamilyConfig>| {
            config.as_ref().map(|config| config.flow()?.init(device, noise)).transpose()
        };
        Ok(Vae {
            encoder,
            decoder,
            reader,
            drawer,
            prior: flow(&self.prior)?,
            posterior: flow(&self.posterior)?,
            output: self.output.clone(),
            n_visible: self.n_visible,
            n_latent: self.n_latent,
            n_context: self.n_context,
        })
    }
}

/// A variational autoencoder; see the [module documentation](self).
#[derive(Module, Debug)]
pub struct Vae {
    /// From network inputs `[n, D·inputs + C]` to `μ`, `s` and `h`, `[n, 2·latent + context]`.
    pub encoder: Mlp,
    /// From codes `[n, latent + C]` to parameters `[n, D·P]`.
    pub decoder: Mlp,
    /// Convolutions before the encoder.
    pub reader: Option<Convolutions>,
    /// Convolutions after the decoder.
    pub drawer: Option<Convolutions>,
    /// The prior of the codes; `None`: standard normal.
    pub prior: Option<Flow>,
    /// The flow after the Gaussian posterior.
    pub posterior: Option<Flow>,
    #[module(skip)]
    output: OutputDistribution,
    n_visible: usize,
    n_latent: usize,
    n_context: usize,
}

/// Codes and their log-probabilities, row by row.
#[derive(Clone, Debug)]
pub struct Codes {
    /// `u [n, latent]`, the standard normal noise that they come from.
    pub u: Tensor<2>,
    /// `z [n, latent]`.
    pub z: Tensor<2>,
    /// `ln p(x | z)`, nats: `[n]`.
    pub log_likelihood: Tensor<1>,
    /// `ln p(z) - ln q(z | x)`, nats: `[n]`.
    pub log_ratio: Tensor<1>,
}

impl Codes {
    /// `ln w = ln p(x, z) - ln q(z | x)`, nats: `[n]`.
    pub fn log_weights(&self) -> Tensor<1> {
        self.log_likelihood.clone() + self.log_ratio.clone()
    }
}

impl Vae {
    /// Number of variables `D`.
    pub fn n_visible(&self) -> usize {
        self.n_visible
    }

    /// Number of latent variables.
    pub fn n_latent(&self) -> usize {
        self.n_latent
    }

    /// Width of the context, 0 for none.
    pub fn n_context(&self) -> usize {
        self.n_context
    }

    /// The distribution of each variable given the code.
    pub fn output(&self) -> &OutputDistribution {
        &self.output
    }

    /// The VAE whose decoder begins with parameters of independent variables that fit `x [n, D]`, as its last biases.
    #[must_use]
    pub fn with_marginals(mut self, x: Tensor<2>) -> Self {
        let marginals = self.output.marginals(x);
        let last = match &mut self.drawer {
            Some(drawer) => drawer.bias.as_mut(),
            None => self.decoder.layers.last_mut().map(|layer| &mut layer.bias),
        };
        if let Some(bias) = last {
            *bias = bias.clone().map(|_| marginals);
        }
        self
    }

    /// `q(z | x)` of `x [n, D]` with contexts `[n, C]`, without dropout.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn encode(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> Posterior<'_> {
        self.posterior(self.encoder.forward(self.inputs(x, context)))
    }

    /// What the encoder receives.
    fn inputs(&self, x: Tensor<2>, context: Option<&Tensor<2>>) -> Tensor<2> {
        check::require_width("the VAE", &x, self.n_visible);
        let inputs = self.output.encode(x);
        let inputs = match &self.reader {
            Some(reader) => reader.read(inputs),
            None => inputs,
        };
        append_context(inputs, context, self.n_context)
    }

    /// Parameters of the variables from the outputs of the decoder.
    fn parameters(&self, outputs: Tensor<2>) -> Tensor<2> {
        match &self.drawer {
            Some(drawer) => drawer.draw(outputs),
            None => outputs,
        }
    }

    /// `q(z | x)` from the outputs of the encoder.
    fn posterior(&self, outputs: Tensor<2>) -> Posterior<'_> {
        Posterior::new(outputs, self.n_latent, self.posterior.as_ref())
    }

    /// Parameters of the variables given codes `z [n, latent]`: `[n, D·P]`, without dropout.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn decode(&self, z: Tensor<2>, context: Option<&Tensor<2>>) -> Tensor<2> {
        check::require_width("the decoder of the VAE", &z, self.n_latent);
        self.parameters(self.decoder.forward(append_context(z, context, self.n_context)))
    }

    /// `ln p(z)` of `z [n, latent]`, nats: `[n]`.
    pub fn log_prior(&self, z: Tensor<2>) -> Tensor<1> {
        match &self.prior {
            Some(flow) => flow.log_prob(z),
            None => log_normal(z),
        }
    }

    /// `n` codes of the prior: `[n, latent]`.
    pub fn sample_prior(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        match &self.prior {
            Some(flow) => flow.sample(n, noise),
            None => {
                let bias = self.decoder.layers[0].bias.val();
                noise.normal([n, self.n_latent], (&bias.device(), bias.dtype()))
            }
        }
    }

    /// `n` independent draws `[n, D]` with contexts `[n, C]`, and the codes that they come from.
    ///
    /// # Panics
    /// If the contexts do not fit.
    pub fn sample_given(
        &self,
        n: usize,
        context: Option<&Tensor<2>>,
        noise: &mut Noise,
    ) -> (Tensor<2>, Tensor<2>) {
        let z = self.sample_prior(n, noise);
        (self.output.sample(self.decode(z.clone(), context), noise), z)
    }

    /// `k` codes for each example `x [n, D]` by `q(z | x)`, those of an example next to each other: `n · k` rows.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn draw_codes(
        &self,
        x: Tensor<2>,
        context: Option<&Tensor<2>>,
        k: usize,
        noise: &mut Noise,
    ) -> Codes {
        let posterior = self.encode(x.clone(), context).repeated(k);
        let u = posterior.draw(noise);
        self.codes_at(&posterior, u, repeat_rows(x, k), context.map(|c| repeat_rows(c.clone(), k)).as_ref())
    }

    /// The codes `g_x(u)` of examples with these posteriors.
    fn codes_at(
        &self,
        posterior: &Posterior,
        u: Tensor<2>,
        x: Tensor<2>,
        context: Option<&Tensor<2>>,
    ) -> Codes {
        let (z, ladj) = posterior.transform(u.clone());
        Codes {
            log_likelihood: self.output.log_prob(self.decode(z.clone(), context), x),
            log_ratio: self.log_prior(z.clone()) - log_normal(u.clone()) + ladj,
            u,
            z,
        }
    }
}
