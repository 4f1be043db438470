//! A causal transformer over patches of variables, with a MADE for the variables of a patch.
//!
//! ```text
//! the variables in their order form tokens x_1 … x_T of k variables, the last one padded with zeros;  x_0 = 0
//! h_t = x_{t-1}·E + p_t + c·C                                  position vectors p_t; a context c if there is one
//! for each of L blocks:
//!   q, k, v = the parts of a head of N(h)·W_Q, N(h)·W_K, N(h)·W_V        N(h) = h / √(mean h² + ε)
//!   a_t = Σ_{s≤t} softmax_s(q_t·k_s / √d_head)·v_s
//!   h ← h + (a of all heads)·W_O
//!   h ← h + f(N(h)·W_1)·W_2
//! u_t = N(h_t),   θ_t = MADE(x_t, u_t) + b_t,   ln p(x | c) = Σ_t Σ_j ln p(x_tj; θ_tj)
//! ```
//!
//! `u_t` depends on the tokens before `t` only. It is the context of a [`Made`] over the variables of the token. All tokens
//! share the weights of the [`Made`]; each variable has its own biases `b`. With patches of one variable, the [`Made`] is a
//! network from `u_t` to the parameters of one conditional distribution.
//!
//! References: Vaswani et al., "Attention is all you need", NIPS 2017, arXiv:1706.03762, equation 1 and section 3; Child, Gray,
//! Radford & Sutskever, "Generating long sequences with sparse transformers", 2019, arXiv:1904.10509, for images as sequences
//! and section 5.2 for the initial weights; Xiong et al., "On layer normalization in the transformer architecture", ICML
//! 2020, arXiv:2002.04745, for the place of the normalization; Zhang & Sennrich, "Root mean square layer normalization",
//! NeurIPS 2019, arXiv:1910.07467, equation 4; Germain et al., "MADE", ICML 2015, arXiv:1502.03509.
//!
//! Differences from the papers: attention is dense. A token is a patch, not a variable. The normalization has no gain, because
//! the weights of the linear map after it can absorb a gain. The input of the first token is zero: only its position vector
//! represents it.
//!
//! Cost: an example takes about `T·(4·d² + 2·d·n_hidden)·L` multiplications for the blocks, `T²·d·L` for attention and
//! `T·(d + k)·(head_hidden + k)` for the outputs. A draw takes the same, because keys and values are cached: `2·L·T·d`
//! numbers for each example.

mod block;
mod sampler;
#[cfg(test)]
mod tests;

use burn::{
    config::Config,
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::{Init, Noise};
use gibbs_core::{
    ConfigError, columns,
    nn::{Activation, project_context},
};

pub use block::Block;
use block::{Cache, normalized};

use crate::{
    Autoregressive, Made, MadeConfig, Order, OrderConfig, OutputDistribution,
    autoregressive::{distribution, require_shapes},
};

/// Patches, widths and outputs of a transformer.
#[derive(Config, Debug, PartialEq)]
pub struct TransformerConfig {
    /// Number of variables `D`, at least 1.
    pub n_visible: usize,
    /// Variables of a token `k`, 1 to `D`: they are adjacent in the order. A row is natural for small images.
    pub patch: usize,
    /// Hidden units of each block, at least 1 (4·d in the paper).
    #[config(default = 512)]
    pub n_hidden: usize,
    /// Width of a token `d`, a multiple of `n_heads` (512 in Vaswani et al.).
    #[config(default = 128)]
    pub d_model: usize,
    /// Number of heads, at least 1 (8 in the paper).
    #[config(default = 4)]
    pub n_heads: usize,
    /// Number of blocks `L`, at least 1 (6 in the paper).
    #[config(default = 4)]
    pub n_layers: usize,
    /// Hidden units of the network for the variables of a token, at least 1.
    #[config(default = 256)]
    pub head_hidden: usize,
    /// Activation function of the hidden units (relu in the paper).
    #[config(default = "Activation::Silu")]
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

impl TransformerConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range, or an order that is no permutation.
    pub fn validate(&self) -> Result<(), ConfigError> {
        for (field, value) in [
            ("n_visible", self.n_visible),
            ("patch", self.patch),
            ("d_model", self.d_model),
            ("n_heads", self.n_heads),
            ("n_layers", self.n_layers),
            ("n_hidden", self.n_hidden),
            ("head_hidden", self.head_hidden),
        ] {
            ConfigError::at_least(field, value, 1)?;
        }
        let reason = format!("must be at most n_visible = {}", self.n_visible);
        ConfigError::require(self.patch <= self.n_visible, "patch", self.patch, reason)?;
        let reason = format!("must be a multiple of n_heads = {}", self.n_heads);
        ConfigError::require(self.d_model.is_multiple_of(self.n_heads), "d_model", self.d_model, reason)?;
        self.order.order(self.n_visible, &mut Noise::new(0, "order"))?;
        self.output.validate_shared(self.n_visible)?;
        self.head().validate()
    }

    /// Number of tokens `T`.
    pub fn n_tokens(&self) -> usize {
        self.n_visible.div_ceil(self.patch)
    }

    fn head(&self) -> MadeConfig {
        MadeConfig::new(self.patch, self.head_hidden.into())
            .with_activation(self.activation)
            .with_output(self.output.clone())
            .with_n_context(self.d_model)
    }

    /// A model with random weights and zero biases. Initial weights of the maps back to the token are divided by `√(2·L)`, so
    /// that the variance of `h` does not grow with the depth.
    ///
    /// A random order depends only on the stream `order` of the seed of `noise`. A model made to load weights has the order of
    /// the training if the seed is the same.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<Transformer, ConfigError> {
        self.validate()?;
        let (d, sizes) = (self.d_model, [self.d_model, self.n_hidden]);
        let order = self.order.order(self.n_visible, &mut Noise::new(noise.seed(), "order"))?;
        let inputs = self.patch * self.output.n_inputs();
        let outputs = self.n_visible * self.output.n_parameters();
        Ok(Transformer {
            embedding: Init::GlorotNormal.param([inputs, d], device, noise),
            context: (self.n_context > 0)
                .then(|| Init::GlorotNormal.param([self.n_context, d], device, noise)),
            positions: Init::Normal { std: 0.1 }.param([self.n_tokens(), d], device, noise),
            blocks: (0..self.n_layers)
                .map(|_| Block::new(sizes, self.n_heads, self.n_layers, self.activation, device, noise))
                .collect(),
            head: self.head().init(device, noise)?,
            output_bias: Init::Zeros.param([outputs], device, noise),
            config: self.clone(),
            order,
        })
    }
}

/// A causal transformer.
///
/// ```
/// use burn::prelude::*;
/// use gibbs_autoregressive::TransformerConfig;
/// use gibbs_backend::Noise;
/// use gibbs_core::{LogProb, Sample};
///
/// let noise = &mut Noise::new(0, "example");
/// let config = TransformerConfig::new(10, 4).with_d_model(16).with_n_heads(2).with_n_layers(1);
/// let transformer = config.init(&Device::flex(), noise)?;
/// let x = transformer.sample(5, noise);
/// assert_eq!(transformer.log_prob(x).dims(), [5]);
/// # Ok::<(), gibbs_autoregressive::ConfigError>(())
/// ```
#[derive(Module, Debug)]
pub struct Transformer {
    /// From the network inputs of a token to the next token, `E [k·inputs, d]`.
    pub embedding: Param<Tensor<2>>,
    /// From the context to all tokens, `C [n_context, d]`.
    pub context: Option<Param<Tensor<2>>>,
    /// Position vectors `p [T, d]`.
    pub positions: Param<Tensor<2>>,
    /// The blocks, in the order of the pass.
    pub blocks: Vec<Block>,
    /// The network for the variables of a token. Its context is `u_t`.
    pub head: Made,
    /// Biases of the parameters of all variables `b [D·P]`, in the order of the data.
    pub output_bias: Param<Tensor<1>>,
    #[module(skip)]
    config: TransformerConfig,
    #[module(skip)]
    order: Order,
}

impl Transformer {
    /// `u [n·s, d]` of `s` successive tokens from `first` on, from the inputs `[n, s, k·inputs]` of the tokens before them. The
    /// caches, one for each block, contain keys and values of earlier tokens. This function appends those of the new tokens.
    fn states(
        &self,
        first: usize,
        before: Tensor<3>,
        projected: Option<&Tensor<2>>,
        caches: &mut [Cache],
    ) -> Tensor<2> {
        let ([n, tokens, width], d) = (before.dims(), self.config.d_model);
        let positions = self.positions.val().narrow(0, first, tokens).unsqueeze::<3>();
        let embedded = before.reshape([n * tokens, width]).matmul(self.embedding.val());
        let h = embedded.reshape([n, tokens, d]) + positions;
        let h = projected.into_iter().fold(h, |h, c| h + c.clone().unsqueeze_dim(1)).reshape([n * tokens, d]);
        let blocks = self.blocks.iter().zip(caches);
        normalized(blocks.fold(h, |h, (block, cache)| block.forward(h, n, cache)))
    }
}

impl Autoregressive for Transformer {
    fn name(&self) -> &'static str {
        "the transformer"
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
        let ([n, width], config) = (x.dims(), &self.config);
        require_shapes(self, &x, context);
        let (tokens, per) = (config.n_tokens(), config.output.n_parameters());
        let x = columns::select(x, self.order.variables());
        let zeros = |width| Tensor::zeros([n, width], (&x.device(), x.dtype()));

        let inputs = config.patch * config.output.n_inputs();
        let before = Tensor::cat(vec![zeros(inputs), config.output.encode(x.clone())], 1);
        let before = before.narrow(1, 0, tokens * inputs).reshape([n, tokens, inputs]);
        let caches = &mut vec![Cache::default(); self.blocks.len()];
        let projected = project_context(n, context, &self.context);
        let states = self.states(0, before, projected.as_ref(), caches);

        let padded = Tensor::cat(vec![x.clone(), zeros(tokens * config.patch - width)], 1);
        let outputs = self.head.parameters(0, padded.reshape([n * tokens, config.patch]), Some(&states));
        let outputs = outputs.reshape([n, tokens * config.patch * per]).narrow(1, 0, width * per);
        let outputs = columns::select(outputs.reshape([n, width, per]), &self.order.positions());
        outputs.reshape([n, width * per]) + self.output_bias.val().unsqueeze()
    }

    fn output_bias(&mut self) -> &mut Param<Tensor<1>> {
        &mut self.output_bias
    }

    fn device(&self) -> Device {
        self.positions.device()
    }
}

distribution!(Transformer, |model| model.config.n_context);
