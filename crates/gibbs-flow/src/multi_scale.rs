//! The Real NVP of pictures.
//!
//! ```text
//! at each scale:  squeeze:   C channels of R×C sites to 4C of half as many rows and columns
//!                 couplings that keep a checkerboard of the picture, and by turns the other one
//!                 couplings that keep the upper sites of each square, and by turns the lower ones
//!                 the lower ones are factored out; the upper ones, 2C channels, go on to the next scale
//! ```
//!
//! References: Dinh, Sohl-Dickstein & Bengio, "Real NVP", ICLR 2017, arXiv:1605.08803, section 3.6 and figure 3.
//!
//! Differences from the paper: the squeeze comes before the checkerboards, which are two of its four channels: the same
//! couplings over a quarter of the sites. The last coupling of a scale always changes what is factored out. Activation
//! normalization of each variable in the place of batch normalization.

use burn::config::Config;

use crate::{
    ConfigError, ConvolutionalConfig, ConvolutionalCouplingConfig, CouplingMask, FlowConfig, LayerConfig,
    Permute, Univariate,
};

/// Couplings of pictures at several scales.
#[derive(Config, Debug, PartialEq)]
pub struct MultiScaleConfig {
    /// The conditioners, with the extents of the picture: those of a scale are halved at each before it.
    pub network: ConvolutionalConfig,
    /// Channels of the conditioners at each scale, from the finest; as many as there are scales, at least one (64, 128, … in the
    /// paper). Those within blocks keep their ratio to them.
    pub widths: Vec<usize>,
    /// Channels of the picture, at least 1.
    #[config(default = 1)]
    pub channels: usize,
    /// Couplings of each scale with a checkerboard (3 in the paper, 4 at the last scale).
    #[config(default = 3)]
    pub checkerboards: usize,
    /// Couplings of each scale with whole channels (3 in the paper, none at the last scale).
    #[config(default = 3)]
    pub stripes: usize,
    /// How variables are changed.
    #[config(default = "Univariate::affine()")]
    pub map: Univariate,
    /// Whether an activation normalization comes before each coupling.
    #[config(default = true)]
    pub act_norm: bool,
    /// Width of the context, 0 for none.
    #[config(default = 0)]
    pub n_context: usize,
}

impl MultiScaleConfig {
    /// The chain.
    ///
    /// # Errors
    /// If a number of rows or columns to be halved is odd, or there are no scales.
    pub fn flow(&self) -> Result<FlowConfig, ConfigError> {
        ConfigError::range(!self.widths.is_empty(), "number of scales", 0.0, "at least 1")?;
        let ConvolutionalConfig { rows, columns, .. } = self.network;
        let layers = self.scale([rows, columns, self.channels], &self.widths)?;
        Ok(FlowConfig::new(rows * columns * self.channels, layers).with_n_context(self.n_context))
    }

    /// The layers of this scale and the coarser ones.
    fn scale(
        &self,
        [rows, columns, channels]: [usize; 3],
        widths: &[usize],
    ) -> Result<Vec<LayerConfig>, ConfigError> {
        let Some((width, coarser)) = widths.split_first() else { return Ok(Vec::new()) };
        if !rows.is_multiple_of(2) || !columns.is_multiple_of(2) {
            return Err(ConfigError::Odd { rows, columns });
        }
        let (half, sites) = ([rows / 2, columns / 2], rows * columns / 4);
        let network = ConvolutionalConfig {
            rows: half[0],
            columns: half[1],
            width: *width,
            bottleneck: (self.network.bottleneck * width).div_ceil(self.network.width.max(1)),
            ..self.network.clone()
        };
        let coupling = |keeps: [bool; 4], flipped| {
            let keeps =
                (0..4 * channels * sites).map(|variable| keeps[variable / (channels * sites)]).collect();
            let coupling = ConvolutionalCouplingConfig::new(CouplingMask::Given { keeps }, network.clone())
                .with_flipped(flipped)
                .with_map(self.map);
            let norm = self.act_norm.then(LayerConfig::act_norm);
            norm.into_iter().chain([LayerConfig::ConvolutionalCoupling(coupling)])
        };
        // Flipped by turns, the last one not.
        let turns = |count: usize| (0..count).rev().map(|left| left % 2 == 1);
        let checkerboards = turns(self.checkerboards).flat_map(|flipped| coupling(DIAGONAL, flipped));
        let stripes = turns(self.stripes).flat_map(|flipped| coupling(UPPER, flipped));
        let squeeze = LayerConfig::Permutation { order: Permute::Squeeze { rows, columns } };
        let mut layers: Vec<LayerConfig> =
            [squeeze].into_iter().chain(checkerboards).chain(stripes).collect();
        if !coarser.is_empty() {
            let n_variables = 2 * channels * sites;
            let coarser = self.scale([half[0], half[1], 2 * channels], coarser)?;
            layers.push(LayerConfig::FactorOut { n_variables, layers: coarser });
        }
        Ok(layers)
    }
}

/// Of the sites of a square, upper before lower and left before right, those of one color of a checkerboard.
pub(crate) const DIAGONAL: [bool; 4] = [true, false, false, true];

/// The upper ones.
const UPPER: [bool; 4] = [true, true, false, false];
