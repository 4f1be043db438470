//! A velocity field of images: convolutions on two scales.
//!
//! ```text
//! e = f(affine(φ(t), c))                                       what time and context say
//! block(h) = h + conv(f(conv(f(h)) ⊙ g(e) + s(e)))             3×3, as the identity to begin with
//! h = blocks(conv(squares of 4 pixels))                        R/2 × C/2, w channels
//! k = blocks(mix(squares of 4 sites of h))                     R/4 × C/4, 2w channels
//! v = pixels of mix(f(blocks(h + sites of mix(k))))
//! ```
//!
//! `mix` is the same affine map of the channels of each site. Nothing is normalized.
//!
//! References: Ronneberger, Fischer & Brox, "U-Net", MICCAI 2015, arXiv:1505.04597; He et al., ECCV 2016, arXiv:1603.05027, for
//! blocks with the function before the convolution; Zhang, Dauphin & Ma, "Fixup initialization", ICLR 2019, arXiv:1901.09321, for
//! deep residual networks without normalization.
//!
//! Differences from the papers: two scales, additive connections, squares in the place of strides and pooling.
//!
//! Cost: `2·9·w²·R·C/4` multiplications for each block of either scale. A divergence is `D` times a velocity: take
//! [`Trace::Hutchinson`](super::Trace::Hutchinson).

use burn::{config::Config, module::Module, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::nn::{Activation, Affine, Mlp, MlpConfig};

use super::{
    dual::{Dual, TAPS},
    smooth::check_smooth,
    time::{Gate, features, n_features, with_context},
    velocity::{Velocity, VelocityField, check_context},
};
use crate::ConfigError;

/// Sizes of the network.
#[derive(Config, Debug, PartialEq)]
pub struct ImageFieldConfig {
    /// Rows of an image, a multiple of 4.
    pub rows: usize,
    /// Columns of an image, a multiple of 4.
    pub columns: usize,
    /// Channels `w` of the finer scale, at least 1; the coarser one has twice as many.
    pub channels: usize,
    /// Blocks on either side of the finer scale, and on the coarser one, at least 1 each.
    #[config(default = "[1, 2]")]
    pub blocks: [usize; 2],
    /// Function of the hidden units, a smooth one.
    #[config(default = "Activation::Silu")]
    pub activation: Activation,
    /// Waves in the time beside the time itself.
    #[config(default = 8)]
    pub frequencies: usize,
    /// Numbers in which time and context are summed up, at least 1.
    #[config(default = 64)]
    pub embedding: usize,
    /// Width of the context, 0 for none.
    #[config(default = 0)]
    pub n_context: usize,
}

impl ImageFieldConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let four = |field, n: usize| {
            ConfigError::range(n > 0 && n.is_multiple_of(4), field, n as f64, "a multiple of 4, and not 0")
        };
        four("rows", self.rows)?;
        four("columns", self.columns)?;
        let least = self.channels.min(self.blocks[0]).min(self.blocks[1]).min(self.embedding);
        ConfigError::range(least > 0, "channels, blocks and embedding", 0.0, "at least 1 each")?;
        check_smooth(self.activation)
    }

    /// A field at rest: the last weights are zero, the others drawn from `noise`.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<ImageField, ConfigError> {
        self.validate()?;
        let w = self.channels;
        let affine = |widths: [usize; 2], gain: f64, noise: &mut Noise| -> Result<Affine, ConfigError> {
            let config =
                MlpConfig::new(widths.to_vec()).with_activation(self.activation).with_output_gain(gain);
            Ok(config.init(device, noise)?.layers.remove(0))
        };
        let n_inputs = n_features(self.frequencies) + self.n_context;
        let embed = MlpConfig::new(vec![n_inputs, self.embedding, self.embedding])
            .with_activation(self.activation)
            .init(device, noise)?;
        let blocks = |n: usize, width: usize, noise: &mut Noise| -> Result<Vec<Block>, ConfigError> {
            (0..n)
                .map(|_| {
                    Ok(Block {
                        first: affine([TAPS * width, width], 1.0, noise)?,
                        gate: Gate::new(self.embedding, width, device, noise)?,
                        second: affine([TAPS * width, width], 0.0, noise)?,
                    })
                })
                .collect()
        };
        let [fine, coarse] = self.blocks;
        Ok(ImageField {
            embed,
            enter: affine([TAPS * 4, w], 1.0, noise)?,
            before: blocks(fine, w, noise)?,
            down: affine([4 * w, 2 * w], 1.0, noise)?,
            coarse: blocks(coarse, 2 * w, noise)?,
            up: affine([2 * w, 4 * w], 1.0, noise)?,
            after: blocks(fine, w, noise)?,
            leave: affine([w, 4], 0.0, noise)?,
            rows: self.rows,
            columns: self.columns,
            frequencies: self.frequencies,
            n_context: self.n_context,
            activation: self.activation,
        })
    }
}

/// Two convolutions beside the identity.
#[derive(Module, Debug)]
pub struct Block {
    /// `[9·w, w]`.
    pub first: Affine,
    /// What time and context do to its result.
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

/// Convolutions on two scales as a velocity field.
#[derive(Module, Debug)]
pub struct ImageField {
    /// From features of the time and the context to the embedding.
    pub embed: Mlp,
    /// `[9·4, w]`.
    pub enter: Affine,
    /// On the finer scale.
    pub before: Vec<Block>,
    /// `[4·w, 2·w]`.
    pub down: Affine,
    /// On the coarser scale.
    pub coarse: Vec<Block>,
    /// `[2·w, 4·w]`.
    pub up: Affine,
    /// On the finer scale.
    pub after: Vec<Block>,
    /// `[w, 4]`.
    pub leave: Affine,
    rows: usize,
    columns: usize,
    frequencies: usize,
    n_context: usize,
    #[module(skip)]
    activation: Activation,
}

impl ImageField {
    /// Velocity and its derivative at images `[n, R·C]`.
    fn pass(
        &self,
        inputs: Tensor<2>,
        x: Tensor<2>,
        direction: Option<Tensor<2>>,
    ) -> (Tensor<2>, Option<Tensor<2>>) {
        let embedding = self.activation.apply(self.embed.forward(inputs));
        let run = |blocks: &[Block], h: Dual| {
            blocks.iter().fold(h, |h, block| block.forward(h, &embedding, self.activation))
        };
        let n = x.dims()[0];
        let image = |x: Tensor<2>| x.reshape([n, self.rows, self.columns, 1]);
        let pixels = Dual { value: image(x), tangent: direction.map(image) };
        let fine = run(&self.before, pixels.coarsened().convolved(&self.enter));
        let coarse = run(&self.coarse, fine.clone().coarsened().mixed(&self.down));
        let fine = run(&self.after, fine.plus(coarse.mixed(&self.up).refined()));
        let v = fine.activated(self.activation).mixed(&self.leave).refined();
        let flat = |v: Tensor<4>| v.reshape([n, self.rows * self.columns]);
        (flat(v.value), v.tangent.map(flat))
    }
}

impl VelocityField for ImageField {
    fn n_variables(&self) -> usize {
        self.rows * self.columns
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
        self.field.pass(self.inputs(t), x, None).0
    }

    fn along(&self, t: &Tensor<2>, x: Tensor<2>, direction: &Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let (v, change) = self.field.pass(self.inputs(t), x, Some(direction.clone()));
        let Some(change) = change else { unreachable!("a direction was given") };
        (v, change)
    }
}
