//! A velocity field of images: convolutions on two scales.
//!
//! ```text
//! e = f(affine(φ(t), c))                                       what time and context say
//! block(h) = h + conv(f(conv(f(h)) ⊙ g(e) + s(e)))             3×3, as the identity to begin with
//! wide(h)  = b + sites(f(b)),   b = block(h)                   an affine map of the sites, the same for each channel
//! h = blocks(conv(squares of 4 pixels))                        R/2 × C/2, w channels
//! k = wides(mix(squares of 4 sites of h))                      R/4 × C/4, w' channels
//! v = pixels of mix(f(blocks(h + sites of mix(k))))
//! ```
//!
//! `mix` is the same affine map of the channels of each site. A pixel is one number or several. There is no normalization. If the
//! numbers often have the same values, such as black and white, the last map computes for each of them the odds of these values, and the
//! velocity of other values. The velocity towards such a value is known in closed form. With it the density is sharp from the first
//! steps on.
//!
//! References: Ronneberger, Fischer & Brox, "U-Net", MICCAI 2015, arXiv:1505.04597; He et al., ECCV 2016, arXiv:1603.05027, for
//! blocks with the function before the convolution; Zhang, Dauphin & Ma, "Fixup initialization", ICLR 2019, arXiv:1901.09321, for
//! deep residual networks without normalization; Tolstikhin et al., "MLP-Mixer", NeurIPS 2021, arXiv:2105.01601, for maps of the
//! sites.
//!
//! Differences from the papers: two scales, additive connections, squares of sites in place of strides and pooling, one layer of sites
//! without hidden units.
//!
//! Cost: `2·9·w²·R·C/4` multiplications for a block of the finer scale, `2·9·w'²·R·C/16` for one of the coarser. A divergence is
//! `D` times a velocity, so use [`Trace::Hutchinson`](super::Trace::Hutchinson).

use burn::{config::Config, module::Module, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{
    ConfigError,
    nn::{Activation, Affine, Mlp, MlpConfig},
};

use super::{
    dual::{Dual, TAPS},
    point_masses::PointMasses,
    smooth::check_smooth,
    time::{Gate, features, n_features, with_context},
    velocity::{Velocity, VelocityField, check_context},
};

/// Sizes of the network.
#[derive(Config, Debug, PartialEq)]
pub struct ImageFieldConfig {
    /// Rows of an image, a multiple of 4.
    pub rows: usize,
    /// Columns of an image, a multiple of 4.
    pub columns: usize,
    /// Numbers of each pixel, at least 1; they are next to each other.
    #[config(default = 1)]
    pub per_pixel: usize,
    /// Channels of the finer scale `w` and of the coarser one `w'`, at least 1 each.
    pub channels: [usize; 2],
    /// Blocks on either side of the finer scale, and on the coarser one, at least 1 each.
    #[config(default = "[1, 2]")]
    pub blocks: [usize; 2],
    /// Function of the hidden units, a smooth one.
    #[config(default = "Activation::Silu")]
    pub activation: Activation,
    /// Number of Fourier frequencies of the time, in addition to the time itself.
    #[config(default = 8)]
    pub frequencies: usize,
    /// Size of the embedding of time and context, at least 1.
    #[config(default = 64)]
    pub embedding: usize,
    /// Width of the context, 0 for none.
    #[config(default = 0)]
    pub n_context: usize,
    /// Values that pixels often have, such as black and white. An empty list takes the velocity from the network alone.
    #[config(default = "Vec::new()")]
    pub point_masses: Vec<f64>,
    /// Standard deviation `s` of pixels with such a value, above 0: that of the dequantization noise.
    #[config(default = 1e-2)]
    pub point_std: f64,
}

impl ImageFieldConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let four = |field, n: usize| {
            ConfigError::require(n > 0 && n.is_multiple_of(4), field, n, "must be a multiple of 4, and not 0")
        };
        four("rows", self.rows)?;
        four("columns", self.columns)?;
        let least = self.channels[0]
            .min(self.channels[1])
            .min(self.blocks[0])
            .min(self.blocks[1])
            .min(self.embedding)
            .min(self.per_pixel);
        ConfigError::at_least("channels, blocks, embedding and per_pixel", least, 1)?;
        let masses = &self.point_masses;
        let are_finite = masses.iter().all(|at| at.is_finite());
        ConfigError::require(are_finite, "point_masses", format!("{masses:?}"), "must be finite")?;
        let std = self.point_std;
        ConfigError::require(std > 0.0 && std.is_finite(), "point_std", std, "must be above 0 and finite")?;
        check_smooth(self.activation)
    }

    /// A field at rest: the last weights are zero, the others drawn from `noise`.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<ImageField, ConfigError> {
        self.validate()?;
        let [w, wide] = self.channels;
        let n_inputs = n_features(self.frequencies) + self.n_context;
        let embed = MlpConfig::new(vec![n_inputs, self.embedding, self.embedding])
            .with_activation(self.activation)
            .init(device, noise)?;
        let blocks = |n: usize, noise: &mut Noise| -> Result<Vec<Block>, ConfigError> {
            (0..n).map(|_| self.block(w, device, noise)).collect()
        };
        let wide_blocks = |n: usize, noise: &mut Noise| -> Result<Vec<WideBlock>, ConfigError> {
            let sites = self.rows * self.columns / 16;
            let one = |_| {
                let local = self.block(wide, device, noise)?;
                Ok(WideBlock { local, sites: self.layer([sites, sites], 0.0, device, noise)? })
            };
            (0..n).map(one).collect()
        };
        let [fine, coarse] = self.blocks;
        Ok(ImageField {
            embed,
            enter: self.layer([TAPS * 4 * self.per_pixel, w], 1.0, device, noise)?,
            before: blocks(fine, noise)?,
            down: self.layer([4 * w, wide], 1.0, device, noise)?,
            coarse: wide_blocks(coarse, noise)?,
            up: self.layer([wide, 4 * w], 1.0, device, noise)?,
            after: blocks(fine, noise)?,
            leave: self.layer([w, 4 * self.per_pixel * (1 + self.point_masses.len())], 0.0, device, noise)?,
            rows: self.rows,
            columns: self.columns,
            per_pixel: self.per_pixel,
            frequencies: self.frequencies,
            n_context: self.n_context,
            activation: self.activation,
            point_masses: self.point_masses.clone(),
            point_std: self.point_std,
        })
    }

    fn layer(
        &self,
        widths: [usize; 2],
        gain: f64,
        device: &Device,
        noise: &mut Noise,
    ) -> Result<Affine, ConfigError> {
        let config = MlpConfig::new(widths.to_vec()).with_activation(self.activation).with_output_gain(gain);
        Ok(config.init(device, noise)?.layers.remove(0))
    }

    fn block(&self, width: usize, device: &Device, noise: &mut Noise) -> Result<Block, ConfigError> {
        Ok(Block {
            first: self.layer([TAPS * width, width], 1.0, device, noise)?,
            gate: Gate::new(self.embedding, width, device, noise)?,
            second: self.layer([TAPS * width, width], 0.0, device, noise)?,
        })
    }
}

/// Two convolutions, added to the identity.
#[derive(Module, Debug)]
pub struct Block {
    /// `[9·w, w]`.
    pub first: Affine,
    /// Gates and shifts by time and context.
    pub gate: Gate,
    /// `[9·w, w]`.
    pub second: Affine,
}

impl Block {
    fn forward(&self, h: Dual, embedding: &Tensor<2>, activation: Activation) -> Dual {
        let (gate, shift) = self.gate.modulation(embedding.clone());
        let inner = h.clone().activated(activation).convolved(&self.first).gated(gate, shift);
        h.plus(inner.activated(activation).convolved(&self.second))
    }
}

/// A block that sees the whole image.
#[derive(Module, Debug)]
pub struct WideBlock {
    /// Its convolutions.
    pub local: Block,
    /// `[S, S]`, between the `S` sites of each channel.
    pub sites: Affine,
}

impl WideBlock {
    fn forward(&self, h: Dual, embedding: &Tensor<2>, activation: Activation) -> Dual {
        let h = self.local.forward(h, embedding, activation);
        h.clone().plus(h.activated(activation).across(&self.sites))
    }
}

/// Convolutions on two scales as a velocity field.
#[derive(Module, Debug)]
pub struct ImageField {
    /// From features of the time and the context to the embedding.
    pub embed: Mlp,
    /// `[9·4·p, w]` for `p` numbers of each pixel.
    pub enter: Affine,
    /// On the finer scale.
    pub before: Vec<Block>,
    /// `[4·w, w']`.
    pub down: Affine,
    /// On the coarser scale.
    pub coarse: Vec<WideBlock>,
    /// `[w', 4·w]`.
    pub up: Affine,
    /// On the finer scale.
    pub after: Vec<Block>,
    /// `[w, 4·p]`, with `K` point masses `[w, 4·p·(1 + K)]`: for each pixel `u` of its numbers, then their `a_k`.
    pub leave: Affine,
    rows: usize,
    columns: usize,
    per_pixel: usize,
    frequencies: usize,
    n_context: usize,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    point_masses: Vec<f64>,
    point_std: f64,
}

impl ImageField {
    /// Velocity and its derivative at images `[n, R·C·p]`.
    fn pass(
        &self,
        t: &Tensor<2>,
        inputs: Tensor<2>,
        x: Tensor<2>,
        direction: Option<Tensor<2>>,
    ) -> (Tensor<2>, Option<Tensor<2>>) {
        let embedding = self.activation.apply(self.embed.forward(inputs));
        let f = self.activation;
        let run =
            |blocks: &[Block], h: Dual| blocks.iter().fold(h, |h, block| block.forward(h, &embedding, f));
        let n = x.dims()[0];
        let image = |x: Tensor<2>| x.reshape([n, self.rows, self.columns, self.per_pixel]);
        let pixels = Dual { value: image(x), tangent: direction.map(image) };
        let fine = run(&self.before, pixels.clone().coarsened().convolved(&self.enter));
        let coarse = fine.clone().coarsened().mixed(&self.down);
        let coarse = self.coarse.iter().fold(coarse, |h, block| block.forward(h, &embedding, f));
        let fine = run(&self.after, fine.plus(coarse.mixed(&self.up).refined()));
        let outputs = fine.activated(f).mixed(&self.leave).refined();
        let v = match self.point_masses.is_empty() {
            true => outputs,
            false => PointMasses { at: &self.point_masses, std: self.point_std }.velocity(t, pixels, outputs),
        };
        let flat = |v: Tensor<4>| v.reshape([n, self.n_variables()]);
        (flat(v.value), v.tangent.map(flat))
    }
}

impl VelocityField for ImageField {
    fn n_variables(&self) -> usize {
        self.rows * self.columns * self.per_pixel
    }

    fn n_context(&self) -> usize {
        self.n_context
    }

    fn velocity<'a>(&'a self, context: Option<&Tensor<2>>) -> Box<dyn Velocity + 'a> {
        check_context(context, self.n_context);
        Box::new(Ready { field: self, context: context.cloned() })
    }
}

struct Ready<'a> {
    field: &'a ImageField,
    context: Option<Tensor<2>>,
}

impl Ready<'_> {
    fn inputs(&self, t: &Tensor<2>) -> Tensor<2> {
        with_context(features(t, self.field.frequencies), self.context.as_ref())
    }
}

impl Velocity for Ready<'_> {
    fn at(&self, t: &Tensor<2>, x: Tensor<2>) -> Tensor<2> {
        self.field.pass(t, self.inputs(t), x, None).0
    }

    fn along(&self, t: &Tensor<2>, x: Tensor<2>, direction: &Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let (v, change) = self.field.pass(t, self.inputs(t), x, Some(direction.clone()));
        let Some(change) = change else { unreachable!("a direction was given") };
        (v, change)
    }
}
