//! PixelCNN: causal convolutions over a lattice or an image of R rows and C columns, in reading order.
//!
//! ```text
//! s_rc = (x_rc, 1) in the lattice, 0 outside;   a window of half-width k around the site (r, c):
//! v⁰_rc = Σ_{r-k ≤ i < r, |j-c| ≤ k} s_ij·V_{i-r,j-c} + a + c·U             from the rows above; a context c if there is one
//! h⁰_rc = Σ_{c-k ≤ j < c} s_rj·H_{j-c} + b                                  from the left
//! for each of L-1 blocks:
//!   u = f( Σ_{r-k ≤ i ≤ r, |j-c| ≤ k} f(v_ij·A)·K_{i-r,j-c} ),              v ← v + u·B
//!   w = f( Σ_{c-k ≤ j ≤ c} f(h_rj·A')·K'_{j-c} + u_rc·G ),                  h ← h + w·B'
//! θ = f(v + h)·O + e + x·(M⊙W),   ln p(x | c) = Σ_rc ln p(x_rc; θ_rc)
//! ```
//!
//! with biases after A, K and B. `v` depends on the rows above only, within `L·k` rows and columns. `h` also depends on the
//! sites to the left. Together they see every earlier site of that rectangle, without a blind spot at the upper right. Sites
//! farther away act through the linear connections `W` only; the mask `M` selects earlier sites. On a periodic lattice, the
//! windows over the rows above wrap around. The window over the row itself does not, because its right end is later.
//!
//! References: van den Oord, Kalchbrenner & Kavukcuoglu, "Pixel recurrent neural networks", ICML 2016, arXiv:1601.06759,
//! section 3 and figure 5 for the blocks; van den Oord et al., "Conditional image generation with PixelCNN decoders", NIPS 2016,
//! arXiv:1606.05328, section 2.2 for the two stacks; Wu, Wang & Zhang, "Solving statistical mechanics using variational
//! autoregressive networks", PRL 122:080602 (2019), arXiv:1809.10606, for lattices of spins.
//!
//! Differences from the papers: units are not gated. The vertical stack has residual blocks too. A constant input of one at
//! each site distinguishes the lattice from the outside. There are direct connections. Each site has its own biases `e`.
//!
//! Cost: with `m = d/2`, a site takes about `((k+1)·(2k+1) + k+2)·m² + 4·d·m` multiplications for each block. A draw costs the
//! same: the vertical stack advances row by row, the horizontal stack site by site.

mod block;
mod maps;
mod sampler;
#[cfg(test)]
mod tests;

use burn::{
    config::Config,
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::{Init, Noise, Pattern, Window, convolution, masked_affine};
use gibbs_core::{
    ConfigError,
    nn::{Activation, Affine, project_context},
};

pub use block::Block;
use maps::{Band, rows, shifted};

use crate::{
    Autoregressive, Order, OutputDistribution,
    autoregressive::{distribution, require_shapes},
};

/// Extents, widths and outputs of a PixelCNN.
#[derive(Config, Debug, PartialEq)]
pub struct PixelCnnConfig {
    /// Number of rows `R`, at least 1 (16 in Wu et al.).
    pub rows: usize,
    /// Number of columns `C`, at least 1 (16 in Wu et al.).
    pub columns: usize,
    /// Channels `d` of each site, at least 1 (64 in Wu et al.). Blocks have half as many inside, rounded up.
    #[config(default = 32)]
    pub n_hidden: usize,
    /// Number of successive convolutions `L`, at least 1 (3, or 6 with residual blocks, in Wu et al.).
    #[config(default = 3)]
    pub depth: usize,
    /// Half-width of the window `k`, at least 1: 2 for kernels of 5×5 (6 at depth 3, 3 at depth 6 in Wu et al.). At most
    /// `columns` on a periodic lattice.
    #[config(default = 2)]
    pub half_kernel: usize,
    /// Whether the first column is the neighbor of the last one, for the rows above.
    #[config(default = false)]
    pub periodic: bool,
    /// Activation function of the hidden units (relu in van den Oord et al.).
    #[config(default = "Activation::Silu")]
    pub activation: Activation,
    /// The conditional distribution of each variable.
    #[config(default = "OutputDistribution::Bernoulli")]
    pub output: OutputDistribution,
    /// Width of the context, 0 for none.
    #[config(default = 0)]
    pub n_context: usize,
    /// Whether outputs also see all earlier variables directly.
    #[config(default = true)]
    pub direct: bool,
}

impl PixelCnnConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        for (field, value) in [
            ("rows", self.rows),
            ("columns", self.columns),
            ("n_hidden", self.n_hidden),
            ("depth", self.depth),
            ("half_kernel", self.half_kernel),
        ] {
            ConfigError::at_least(field, value, 1)?;
        }
        let fits = !self.periodic || self.half_kernel <= self.columns;
        let reason = format!("must be at most columns = {} on a periodic lattice", self.columns);
        ConfigError::require(fits, "half_kernel", self.half_kernel, reason)?;
        self.output.validate_shared(self.n_visible())
    }

    /// Number of variables, `R·C`.
    pub fn n_visible(&self) -> usize {
        self.rows * self.columns
    }

    /// Channels inside a block, `m`.
    fn bottleneck(&self) -> usize {
        self.n_hidden.div_ceil(2)
    }

    /// Network inputs of a site: those of the variable, and one.
    fn n_inputs(&self) -> usize {
        self.output.n_inputs() + 1
    }

    /// A model with random weights into hidden units and all other weights zero: its variables are independent at first. Initial
    /// weights of the maps back to the channels are divided by `√L`, so that the variance of the sum over blocks does not grow
    /// with the depth.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<PixelCnn, ConfigError> {
        self.validate()?;
        let (d, k, n) = (self.n_hidden, self.half_kernel, self.n_visible());
        let (n_inputs, n_outputs) = (self.output.n_inputs(), self.output.n_parameters());
        let mut first = |taps: usize| {
            Affine::new([taps * self.n_inputs(), d], self.activation.weight_init(), device, noise)
        };
        let (around, gain) = ((k, self.periodic), (self.depth as f64).sqrt().recip());
        Ok(PixelCnn {
            above: first(k * (2 * k + 1)),
            left: first(k),
            context: (self.n_context > 0)
                .then(|| Init::GlorotNormal.param([self.n_context, d], device, noise)),
            blocks: (1..self.depth)
                .map(|_| Block::new([d, self.bottleneck()], around, self.activation, gain, device, noise))
                .collect(),
            output: Init::Zeros.param([d, n_outputs], device, noise),
            output_bias: Init::Zeros.param([n * n_outputs], device, noise),
            direct: self.direct.then(|| Init::Zeros.param([n * n_inputs, n * n_outputs], device, noise)),
            earlier: self.direct.then(|| {
                Pattern::from_fn(n * n_inputs, n * n_outputs, |input, output| {
                    input / n_inputs < output / n_outputs
                })
            }),
            config: self.clone(),
            order: Order::natural(n),
        })
    }
}

/// A PixelCNN.
///
/// ```
/// use burn::prelude::*;
/// use gibbs_autoregressive::PixelCnnConfig;
/// use gibbs_backend::Noise;
/// use gibbs_core::{LogProb, Sample};
///
/// let noise = &mut Noise::new(0, "example");
/// let model = PixelCnnConfig::new(6, 8).with_periodic(true).init(&Device::flex(), noise)?;
/// let x = model.sample(5, noise);
/// assert_eq!((x.dims(), model.log_prob(x).dims()), ([5, 48], [5]));
/// # Ok::<(), gibbs_autoregressive::ConfigError>(())
/// ```
#[derive(Module, Debug)]
pub struct PixelCnn {
    /// `V [k·(2k+1)·(inputs+1), d]` and `a`: taps row by row from the upper left, the inputs and the constant one of a tap adjacent.
    pub above: Affine,
    /// `H [k·(inputs+1), d]` and `b`, taps from the left.
    pub left: Affine,
    /// `U [n_context, d]`.
    pub context: Option<Param<Tensor<2>>>,
    /// The blocks, first to last.
    pub blocks: Vec<Block>,
    /// `O [d, P]`.
    pub output: Param<Tensor<2>>,
    /// Biases of the parameters of all variables, `e [D·P]`.
    pub output_bias: Param<Tensor<1>>,
    /// `W [D·inputs, D·P]`, before masking.
    pub direct: Option<Param<Tensor<2>>>,
    #[module(skip)]
    earlier: Option<Pattern>,
    #[module(skip)]
    config: PixelCnnConfig,
    #[module(skip)]
    order: Order,
}

/// Outputs of the vertical stack for some rows.
struct FromAbove {
    /// `v [n·s·C, d]` after the last block.
    v: Tensor<2>,
    /// `u·G [n·s·C, m]` of each block.
    joining: Vec<Tensor<2>>,
}

impl PixelCnn {
    /// `s [n, R', C, inputs+1]` of whole rows, from network inputs `[n, R'·C·inputs]`.
    fn sites(&self, inputs: Tensor<2>) -> Tensor<4> {
        let ([n, width], config) = (inputs.dims(), &self.config);
        let per = config.output.n_inputs();
        let inputs = inputs.reshape([n, width / (config.columns * per), config.columns, per]);
        let ones = inputs.clone().narrow(3, 0, 1).ones_like();
        Tensor::cat(vec![inputs, ones], 3)
    }

    /// The vertical stack for `s` successive rows, from the sites `[n, s, C, inputs+1]` of the row above each. The bands, one for
    /// each convolution, contain earlier rows. Without bands there are no earlier rows.
    fn vertical(
        &self,
        before: Tensor<4>,
        projected: Option<&Tensor<2>>,
        bands: Option<&mut [Band]>,
    ) -> FromAbove {
        let (n, config) = (before.dims()[0], &self.config);
        let k = config.half_kernel;
        let mut bands = bands.into_iter().flatten();
        let (sites, above) = match bands.next() {
            Some(band) => (band.extended(before, k - 1), 0),
            None => (before, k - 1),
        };
        let window = Window { height: k, above, below: 0, left: k, right: k, periodic: config.periodic };
        let v = convolution(sites, self.above.weight.val(), self.above.bias.val(), window, None);
        let v = projected.into_iter().fold(v, |v, c| v + c.clone().reshape([n, 1, 1, config.n_hidden]));
        let mut joining = Vec::with_capacity(self.blocks.len());
        let v = self.blocks.iter().fold(v, |v, block| {
            let (v, from_above) = block.down(v, bands.next());
            joining.push(from_above);
            v
        });
        FromAbove { v: rows(v), joining }
    }

    /// The horizontal stack `h [n·R·C, d]`, from the sites `[n, R, C, inputs+1]` to the left of each.
    fn horizontal(&self, before: Tensor<4>, joining: Vec<Tensor<2>>) -> Tensor<2> {
        let left = self.config.half_kernel - 1;
        let window = Window { height: 1, above: 0, below: 0, left, right: 0, periodic: false };
        let h = convolution(before, self.left.weight.val(), self.left.bias.val(), window, None);
        rows(self.blocks.iter().zip(joining).fold(h, |h, (block, joining)| block.right(h, joining)))
    }

    /// `x·(M⊙W) + e`.
    fn directly(&self, inputs: Tensor<2>) -> Tensor<2> {
        let bias = self.output_bias.val();
        match (&self.direct, &self.earlier) {
            (Some(direct), Some(earlier)) => masked_affine(inputs, direct.val(), bias, earlier, None),
            _ => bias.unsqueeze::<2>(),
        }
    }
}

impl Autoregressive for PixelCnn {
    fn name(&self) -> &'static str {
        "the PixelCNN"
    }

    fn output(&self) -> &OutputDistribution {
        &self.config.output
    }

    fn n_visible(&self) -> usize {
        self.config.n_visible()
    }

    fn order(&self, _: usize) -> &Order {
        &self.order
    }

    fn parameters(&self, _: usize, x: Tensor<2>, context: Option<&Tensor<2>>) -> Tensor<2> {
        let ([n, width], config) = (x.dims(), &self.config);
        require_shapes(self, &x, context);
        let inputs = config.output.encode(x);
        let sites = self.sites(inputs.clone());
        let projected = project_context(n, context, &self.context);
        let FromAbove { v, joining } = self.vertical(shifted(sites.clone(), 1), projected.as_ref(), None);
        let hidden = config.activation.apply(v + self.horizontal(shifted(sites, 2), joining));
        let outputs = hidden.matmul(self.output.val());
        outputs.reshape([n, width * config.output.n_parameters()]) + self.directly(inputs)
    }

    fn output_bias(&mut self) -> &mut Param<Tensor<1>> {
        &mut self.output_bias
    }

    fn device(&self) -> Device {
        self.output_bias.device()
    }
}

distribution!(PixelCnn, |model| model.config.n_context);
